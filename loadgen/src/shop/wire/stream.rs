//! The bytes of a connection, and how they are waited for.

use std::{
    io::{self, ErrorKind},
    net::{self, SocketAddr},
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use rustix::{
    buffer::spare_capacity,
    io::{Errno, retry_on_intr},
    net::{RecvFlags, SendFlags, recv, send},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    task::yield_now,
};
use tokio_rustls::client::TlsStream;

use super::{failure::Failure, tls::Tls};
use crate::history::monotonic_ns;

/// How long the event loop may be kept from everything else at once.
const BLOCK_MAX: Duration = Duration::from_millis(50);

/// The shortest time limit that a socket knows.
const BLOCK_MIN: Duration = Duration::from_millis(1);

/// A connection on which something came within this time is not asked whether it still stands: what
/// ends it would hardly have arrived by then.
const FRESH_NS: u64 = 1_000_000;

/// How the bytes of a connection are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// In the event loop, which others share.
    Shared,
    /// In the system call itself, for no longer than this at once: whoever has the event loop
    /// alone would only ask it to wait for him.
    Alone(Duration),
}

impl Waiting {
    /// Where so many share an event loop and none waits longer than `timeout`.
    pub(crate) fn of(clients: usize, timeout: Duration) -> Self {
        match clients {
            1 => Self::Alone(timeout.clamp(BLOCK_MIN, BLOCK_MAX)),
            _ => Self::Shared,
        }
    }
}

/// A stream to a server.
#[derive(Debug)]
pub(super) struct Stream {
    socket: Socket,
    /// When something was read the last time, or it was opened.
    read_ns: u64,
}

#[derive(Debug)]
enum Socket {
    Shared(TcpStream),
    Alone(net::TcpStream),
    /// In the event loop too, however many share it.
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Connects to `address`, over `tls` where that is asked for.
    pub(super) async fn connect(
        address: &SocketAddr,
        waiting: Waiting,
        tls: Option<&Tls>,
    ) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::connecting(&error);
        let stream = connect(address).await?;
        let socket = match (tls, waiting) {
            (Some(tls), _) => Socket::Encrypted(Box::new(tls.open(stream).await?)),
            (None, Waiting::Shared) => Socket::Shared(stream),
            (None, Waiting::Alone(limit)) => Socket::Alone(alone(stream, limit).map_err(failed)?),
        };
        Ok(Self { socket, read_ns: monotonic_ns() })
    }

    /// When something was read the last time, in nanoseconds of the run's clock.
    pub(super) fn read_ns(&self) -> u64 {
        self.read_ns
    }

    /// Whether nothing has come until `now_ns` that nobody asked for, such as its end, as far as can
    /// be known without a system call for every request.
    pub(super) fn is_quiet(&mut self, now_ns: u64) -> bool {
        let mut byte = [0];
        let read = match &mut self.socket {
            // No system call while the event loop has heard nothing.
            Socket::Shared(stream) => stream.try_read(&mut byte),
            Socket::Alone(_) if now_ns < self.read_ns + FRESH_NS => return true,
            Socket::Alone(stream) => {
                let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
                recv(&*stream, &mut byte, flags).map(|(length, _)| length).map_err(Into::into)
            }
            // What comes unasked may be no more than a key for the next connection.
            Socket::Encrypted(stream) => {
                let mut context = Context::from_waker(Waker::noop());
                let stream = Pin::new(stream.as_mut());
                return stream.poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending();
            }
        };
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends all of `bytes`.
    pub(super) async fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let stream = match &mut self.socket {
            Socket::Shared(stream) => return stream.write_all(bytes).await,
            Socket::Encrypted(stream) => {
                stream.write_all(bytes).await?;
                return stream.flush().await;
            }
            Socket::Alone(stream) => stream,
        };
        while !bytes.is_empty() {
            match retry_on_intr(|| send(&*stream, bytes, SendFlags::NOSIGNAL)) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                Err(Errno::AGAIN) => yield_now().await,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads some more into the room that `received` has; 0 at the end.
    pub(super) async fn receive(&mut self, received: &mut Vec<u8>) -> io::Result<usize> {
        let read = match &mut self.socket {
            Socket::Shared(stream) => stream.read_buf(received).await,
            Socket::Encrypted(stream) => stream.read_buf(received).await,
            Socket::Alone(stream) => loop {
                match retry_on_intr(|| recv(&*stream, spare_capacity(received), RecvFlags::empty()))
                {
                    // Whoever limits this call, or ends it, has his turn.
                    Err(Errno::AGAIN) => yield_now().await,
                    read => break read.map(|(length, _)| length).map_err(Into::into),
                }
            },
        };
        self.read_ns = monotonic_ns();
        read
    }
}

/// A stream to `address`.
pub(super) async fn connect(address: &SocketAddr) -> Result<TcpStream, Failure> {
    let connected = TcpStream::connect(address).await;
    let stream = connected.map_err(|error| Failure::connecting(&error))?;
    // Where the system refuses that, requests leave a little later.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The same stream, with calls that wait no longer than `limit`.
fn alone(stream: TcpStream, limit: Duration) -> io::Result<net::TcpStream> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        thread,
    };

    use tokio::time::timeout;

    use super::*;

    const BOTH: [Waiting; 2] = [Waiting::Shared, Waiting::Alone(BLOCK_MIN)];

    async fn connected(waiting: Waiting) -> (Stream, net::TcpStream) {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = Stream::connect(&listener.local_addr().unwrap(), waiting, None).await.unwrap();
        (stream, listener.accept().unwrap().0)
    }

    #[tokio::test]
    async fn what_is_sent_arrives_however_it_is_waited_for() {
        // More than the system keeps for a connection, so that the sender has to wait.
        let text: Vec<u8> = (0..32 << 20).map(|place: u32| place.to_le_bytes()[0]).collect();
        for waiting in BOTH {
            let (mut stream, mut other) = connected(waiting).await;
            let reader = thread::spawn(move || {
                let mut received = Vec::new();
                other.read_to_end(&mut received).unwrap();
                received
            });
            stream.send(&text).await.unwrap();
            drop(stream);
            assert!(reader.join().unwrap() == text, "{waiting:?}");
        }
    }

    #[tokio::test]
    async fn a_wait_can_be_given_up_and_gone_on_with() {
        for waiting in BOTH {
            let (mut stream, mut other) = connected(waiting).await;
            let mut received = Vec::with_capacity(16);
            let limit = Duration::from_millis(20);
            assert!(timeout(limit, stream.receive(&mut received)).await.is_err(), "{waiting:?}");
            other.write_all(b"late").unwrap();
            assert_eq!(stream.receive(&mut received).await.unwrap(), 4);
            assert_eq!(received, b"late");
            drop(other);
            assert_eq!(stream.receive(&mut received).await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_waited_for_alone_is_not_asked_while_it_is_fresh() {
        let (mut stream, other) = connected(Waiting::Alone(BLOCK_MIN)).await;
        drop(other);
        let stale_ns = stream.read_ns() + FRESH_NS;
        while stream.is_quiet(stale_ns) {
            yield_now().await;
        }
        assert!(stream.is_quiet(stream.read_ns()));
    }

    #[tokio::test]
    async fn a_connection_that_the_other_side_has_closed_is_not_quiet() {
        for waiting in BOTH {
            let (mut stream, other) = connected(waiting).await;
            assert!(stream.is_quiet(monotonic_ns()), "{waiting:?}");
            drop(other);
            while stream.is_quiet(monotonic_ns()) {
                tokio::time::sleep(BLOCK_MIN).await;
            }
        }
    }
}
