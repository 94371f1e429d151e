//! What is said over a connection: a request as bytes, and how to tell whole answers and sales.
//!
//! Pure: bytes in, bytes out.

pub(crate) mod http;
pub(crate) mod postgres;
pub(crate) mod resp;
mod spoken;

pub(crate) use spoken::{Answer, Protocol, Read};
