//! The counter over HTTP/1.1.

pub mod page;
