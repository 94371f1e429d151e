//! A stream that is not closed over what its client still sends, and not kept for one that takes nothing.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use rustix::net::{RecvFlags, recv};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Sleep, sleep},
};

use crate::http::connections::{activity::Activity, drain::Wish};

/// How long a client that is still sending may take to take its answer.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// How much of what it still sends is read meanwhile, in bytes.
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How much of it is read at once, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// How long a client may leave an answer lying before the connection is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A stream whose end waits for the client's (RFC 9112, section 9.6), and whose patience ends.
///
/// A socket that is closed over bytes that nobody read resets the connection,
/// and a client that is still sending a body too long for the server would then
/// see that, and not the answer that says so.
pub struct Lingering {
    stream: TokioIo<TcpStream>,
    wishes: watch::Receiver<Wish>,
    activity: Arc<Activity>,
    rest: Option<Box<Rest>>,
    /// When a client that takes nothing is given up; none is set while writing goes on.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// What is read once the last answer was written.
struct Rest {
    deadline: Pin<Box<Sleep>>,
    bytes: usize,
    chunk: [MaybeUninit<u8>; CHUNK_BYTES],
}

impl Lingering {
    /// `stream`, which waits for nobody once `wishes` say that it is to end, and tells `activity`.
    pub fn new(stream: TcpStream, wishes: watch::Receiver<Wish>, activity: Arc<Activity>) -> Self {
        Self { stream: TokioIo::new(stream), wishes, activity, rest: None, stalled: None }
    }

    /// Fails once nothing could be written for too long.
    fn poll_stall(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let limit = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL_TIMEOUT)));
        limit.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Whether the client has ended its side; one that listens has left then.
    fn has_left(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let mut byte = [0_u8];
        self.activity.is_listening()
            && recv(self.stream.inner(), &mut byte, flags).is_ok_and(|(read, _)| read == 0)
    }

    /// Reads what the client still sends, until it ends, too.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(Ok(())) };
        loop {
            let is_told = *self.wishes.borrow() == Wish::End;
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
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if read.is_ready() {
            self.activity.note();
        }
        read
    }
}

impl Write for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.has_left() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => self.poll_stall(context),
            written => {
                self.stalled = None;
                written
            }
        }
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

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Instant};

    use tokio::{net::TcpListener, runtime, time};

    use super::*;
    use crate::http::connections::activity::Ticks;

    #[test]
    fn a_client_that_takes_nothing_is_given_up() {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let (_wisher, wishes) = watch::channel(Wish::Serve);
            let activity = Arc::new(Activity::new(&Ticks::default()));
            let mut stream = Lingering::new(stream, wishes, activity);
            let (begun, paused) = (Instant::now(), time::Instant::now());
            let bytes = vec![0; 1 << 20];
            let fault = loop {
                let written = poll_fn(|context| Pin::new(&mut stream).poll_write(context, &bytes));
                if let Err(fault) = written.await {
                    break fault;
                }
            };
            assert_eq!(fault.kind(), io::ErrorKind::TimedOut);
            assert!(paused.elapsed() >= STALL_TIMEOUT, "{:?}", paused.elapsed());
            assert!(begun.elapsed() < STALL_TIMEOUT, "the clock of the test was not paused");
            drop(client);
        });
    }
}
