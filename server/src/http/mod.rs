//! The counter over HTTP/1.1.
//!
//! # Layout
//! - [`connections`]: accepted, served, and ended.
//! - [`service`]: what a connection is answered by; [`guard`], [`host_name`]: who may talk to the server;
//!   [`framing`]: where a request ends.
//! - [`routes`]: which path is answered by whom; [`app`] what they share; [`live`] the news, [`page`] the page,
//!   [`metrics`] what is counted.
//! - [`body`], [`wire`], [`token`]: what goes in and what comes out.
//! - [`sales`]: the list of what was sold.
//! - [`answer`], [`problem`]: what the counter said, and refused, as HTTP has it.
//! - [`openapi`]: the calls, described.
//! - [`yardstick`]: the wait of the handler that is nothing but durable.

pub mod answer;
pub mod app;
pub mod body;
pub mod connections;
pub mod framing;
pub mod guard;
pub mod headers;
pub mod host_name;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod routes;
pub mod sales;
pub mod service;
pub mod token;
pub mod wire;
pub mod yardstick;
