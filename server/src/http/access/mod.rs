//! Who may talk to the server, and how often.
//!
//! # Layout
//! - [`guard`]: lets a request pass or not, by [`host_name`] and origin; [`refused_hosts`]: what the operator is told.
//! - [`proxies`], [`site`], [`rate_limit`]: who a client is, and how often it may change something.
//! - [`browser_headers`]: what keeps a browser from making more of an answer than it is.

pub mod browser_headers;
pub mod guard;
pub mod host_name;
pub mod proxies;
pub mod rate_limit;
pub mod refused_hosts;
pub mod site;
