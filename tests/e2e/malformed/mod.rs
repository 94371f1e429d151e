//! Requests that are wrong: each is refused as its row says, and the counter is as it was.
//!
//! # Layout
//! - [`row`]: one request as text, and what is expected; [`scene`]: the tickets that rows name.
//! - [`heads`], [`hosts`], [`framing`], [`members`], [`headers`], [`tokens`]: the rows.
//! - [`tables`]: all rows, sent; [`pieces`]: requests that come late or not at all.

mod framing;
mod headers;
mod heads;
mod hosts;
mod members;
mod pieces;
mod row;
mod scene;
mod tables;
mod tokens;
