//! The counter over HTTP/1.1.
//!
//! # Layout
//! - [`connections`]: accepted, served, and ended.
//! - [`service`]: what a connection is answered by; [`guard`]: who may talk to the server.
//! - [`routes`]: which path is answered by whom; [`app`] what they share; [`live`] the news, [`page`] the page.
//! - [`body`], [`wire`], [`problem`], [`receipt`]: what goes in and what comes out.
//! - [`yardstick`]: the wait of the handler that is nothing but durable.
//! - [`shop`]: what the routes sell from; [`reading`]: one reading of it for all who ask at once.

pub mod app;
pub mod body;
pub mod connections;
pub mod guard;
pub mod headers;
pub mod live;
pub mod page;
pub mod problem;
pub mod receipt;
pub mod routes;
pub mod service;
pub mod shop;
pub mod wire;
pub mod yardstick;
