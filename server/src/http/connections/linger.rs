//! A stream that is not closed over what its client still sends.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Sleep, sleep},
};

/// How long a client that is still sending may take to take its answer.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// How much of what it still sends is read meanwhile, in bytes.
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How much of it is read at once, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// A stream whose end waits for the client's (RFC 9112, section 9.6).
///
/// A socket that is closed over bytes that nobody read resets the connection,
/// and a client that is still sending a body too long for the server would then
/// see that, and not the answer that says so.
pub struct Lingering {
    stream: TokioIo<TcpStream>,
    ending: watch::Receiver<()>,
    rest: Option<Box<Rest>>,
}

/// What is read once the last answer was written.
struct Rest {
    deadline: Pin<Box<Sleep>>,
    bytes: usize,
    chunk: [MaybeUninit<u8>; CHUNK_BYTES],
}

impl Lingering {
    /// `stream`, which waits for nobody once `ending` has news.
    pub fn new(stream: TcpStream, ending: watch::Receiver<()>) -> Self {
        Self { stream: TokioIo::new(stream), ending, rest: None }
    }

    /// Reads what the client still sends, until it ends, too.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(Ok(())) };
        loop {
            let is_told = self.ending.has_changed().unwrap_or(true);
            let is_over = is_told || rest.bytes >= LINGER_BYTES_MAX;
            if is_over || rest.deadline.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut chunk = ReadBuf::uninit(&mut rest.chunk);
            ready!(Pin::new(&mut self.stream).poll_read(context, chunk.unfilled()))?;
            match chunk.filled().len() {
                0 => return Poll::Ready(Ok(())),
                bytes => rest.bytes += bytes,
            }
        }
    }
}

impl Read for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl Write for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.rest = Some(Box::new(Rest {
                deadline: Box::pin(sleep(LINGER_TIMEOUT)),
                bytes: 0,
                chunk: [MaybeUninit::uninit(); CHUNK_BYTES],
            }));
        }
        self.poll_rest(context)
    }
}
