//! Bytes: one call at a time over HTTP/1.1, as cheap as it gets.

mod failure;
mod head;
mod http1;
mod reply;
mod stream;
mod template;
mod tls;

pub(crate) use failure::Failure;
pub(super) use http1::Connection;
pub(crate) use reply::Reply;
pub(super) use reply::is_passing;
pub(crate) use stream::Waiting;
pub(super) use template::{KEY, Parts, TOKEN, Template};
pub(crate) use template::{Order, check_field};
pub(super) use tls::Tls;
pub(crate) use tls::{TlsConfigs, TlsError, Trust};
