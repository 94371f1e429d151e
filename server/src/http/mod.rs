//! The counter over HTTP/1.1.
//!
//! # Layout
//! - [`connections`]: accepted, served, and ended.
//! - [`service`]: what a connection is answered by; [`guard`], [`host_name`]: who may talk to the server;
//!   [`proxies`], [`rate_limit`]: who that is, and how often; [`framing`]: where a request ends.
//! - [`access_log`], [`request_id`], [`refused_hosts`]: what the operator is told of requests.
//! - [`routes`]: which path is answered by whom; [`app`] what they share; [`live`] the news, [`metrics`] what
//!   is counted.
//! - [`openapi`]: the calls, described.
//! - [`browser`]: what people are answered, with the pages in [`page`]; [`accept`]: who is one.
//! - [`body`], [`form`], [`wire`], [`buyer_rule`], [`token`]: what goes in and what comes out.
//! - [`sales`]: the list of what was sold.
//! - [`answer`], [`problem`]: what the counter said, and refused, as HTTP has it; [`browser_headers`].
//! - [`yardstick`]: the wait of the handler that is nothing but durable.

pub mod accept;
pub mod access_log;
pub mod answer;
pub mod app;
pub mod body;
pub mod browser;
pub mod browser_headers;
pub mod buyer_rule;
pub mod connections;
pub mod form;
pub mod framing;
pub mod guard;
pub mod headers;
pub mod host_name;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod proxies;
pub mod rate_limit;
pub mod refused_hosts;
pub mod request_id;
pub mod routes;
pub mod sales;
pub mod service;
pub mod token;
pub mod wire;
pub mod yardstick;
