//! `GET /openapi.json`: the calls as OpenAPI 3.1 describes them.
//!
//! The table in [`super::routes`] says which calls there are, and names the terms of each; schemas are
//! derived from the types that are sent and read.
//!
//! # Layout
//! - [`schemas`]: the schemas that the document names.
//! - [`terms`]: what can be said of a call; [`calls`]: what is said of each.
//! - [`document`]: all of it together.

pub mod calls;
pub mod document;
pub mod schemas;
pub mod terms;
