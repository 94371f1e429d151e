//! The counter over HTTP/1.1.
//!
//! # Layout
//! - [`connections`]: accepted, served, and ended; [`service`]: what a connection is answered by.
//! - [`access`]: who may talk to the server; [`message`]: what goes in and what comes out.
//! - [`routes`]: which path is answered by whom, [`office`] among them; [`app`] what they share; [`openapi`] what
//!   they are.
//! - [`browser`]: what people are answered, with the pages in [`page`]; [`sales`]: the list of what was sold.
//! - [`live`]: the news; [`metrics`], [`request_times`]: what is counted; [`access_log`], [`request_id`]: what the operator is told of
//!   requests.
//! - [`yardstick`]: the wait of the handler that is nothing but durable.

pub mod access;
pub mod access_log;
pub mod app;
pub mod browser;
pub mod connections;
pub mod live;
pub mod message;
pub mod metrics;
pub mod office;
pub mod openapi;
pub mod page;
pub mod request_id;
pub mod request_times;
pub mod routes;
pub mod sales;
pub mod service;
pub mod yardstick;
