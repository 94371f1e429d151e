//! Bytes: one call at a time over HTTP/1.1, as cheap as it gets, or over HTTP/2.

mod connection;
mod failure;
mod head;
mod http1;
mod http2;
mod reply;
mod stream;
mod template;
mod tls;
mod version;

#[cfg(test)]
mod http2_tests;

pub(super) use connection::Connection;
pub(crate) use failure::{Failure, HAD_ANSWERED};
pub(crate) use reply::Reply;
pub(super) use reply::{is_passing, is_turned_away};
pub(crate) use stream::Waiting;
pub(super) use template::{KEY, Parts, TOKEN, Template};
pub(crate) use template::{Order, check_field};
pub(super) use tls::Tls;
pub(crate) use tls::{TlsConfigs, TlsError, Trust};
pub(super) use version::Version;
