//! One connection, over whichever version of HTTP, to the first address that answers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{
    failure::Failure, http1::Http1, http2::Http2, reply::Reply, stream::Waiting, tls::Tls,
    version::Version,
};

/// An open connection.
#[derive(Debug)]
pub(in crate::shop) enum Connection {
    /// Over HTTP/1.1.
    Http1(Http1),
    /// Over HTTP/2.
    Http2(Box<Http2>),
}

impl Connection {
    /// Connects to the first of `addresses` that answers, over `tls` where that is asked for. Each gets its
    /// share of `limit`.
    pub(in crate::shop) async fn open(
        addresses: &[SocketAddr],
        version: Version,
        waiting: Waiting,
        tls: Option<&Tls>,
        limit: Duration,
    ) -> Result<Self, Failure> {
        let mut failure = Failure::Unreachable;
        let (begun, mut rest) = (Instant::now(), limit);
        for (address, still) in addresses.iter().zip((1..=addresses.len()).rev()) {
            let share = rest / u32::try_from(still).unwrap_or(u32::MAX);
            let opened = async {
                Ok(match version {
                    Version::Http1 => Self::Http1(Http1::open(address, waiting, tls).await?),
                    Version::Http2 => Self::Http2(Box::new(Http2::open(address, tls).await?)),
                })
            };
            match timeout(share, opened).await.unwrap_or(Err(Failure::ConnectTimeout(share))) {
                Ok(connection) => return Ok(connection),
                Err(found) if found.is_of_the_shop() => return Err(found),
                Err(found) => failure = found,
            }
            rest = limit.saturating_sub(begun.elapsed());
        }
        Err(failure)
    }

    /// Whether it can still be used at `now_ns`, as far as is known.
    pub(in crate::shop) fn is_open(&mut self, now_ns: u64) -> bool {
        match self {
            Self::Http1(connection) => connection.is_open(now_ns),
            Self::Http2(connection) => connection.is_open(),
        }
    }

    /// Sends `request`, which is written as HTTP/1.1 has it, reads the answer, and says whether the connection
    /// takes another request.
    pub(in crate::shop) async fn exchange(
        &mut self,
        request: &[u8],
    ) -> Result<(Reply<'_>, bool), Failure> {
        match self {
            Self::Http1(connection) => connection.exchange(request).await,
            // Apart: its room would be part of every call over HTTP/1.1.
            Self::Http2(connection) => Box::pin(connection.exchange(request)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;
    use crate::{
        engines::free_addresses,
        shop::wire::{TlsConfigs, Trust},
    };

    const VERSION: Version = Version::Http1;

    async fn open(addresses: &[SocketAddr]) -> Result<Connection, Failure> {
        let tls = TlsConfigs::default().tls("localhost", Trust::Anybody, VERSION).unwrap();
        let limit = Duration::from_secs(60);
        Connection::open(addresses, VERSION, Waiting::Shared, Some(&tls), limit).await
    }

    #[tokio::test]
    async fn a_server_that_was_reached_is_told_of_and_not_the_address_behind_it() {
        let plain = TcpListener::bind("127.0.0.1:0").unwrap();
        let nobodys = free_addresses(1).unwrap();
        let free = nobodys[0];
        let addresses = [free, plain.local_addr().unwrap(), free];
        let server = thread::spawn(move || {
            let mut stream = plain.accept().unwrap().0;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            // Until the other side has read it.
            stream.read_to_end(&mut Vec::new()).ok();
        });
        let opened = open(&addresses).await;
        assert_eq!(opened.unwrap_err(), Failure::NoTls);
        server.join().unwrap();
        let opened = open(&[free, free]).await;
        assert_eq!(opened.unwrap_err(), Failure::Refused);
    }
}
