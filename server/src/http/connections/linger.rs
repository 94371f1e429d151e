//! A stream that is not closed over what its client still sends, and not kept for one that is too slow.

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

/// How long the head of a request may take from its first byte to its last.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to make room for all that waits to be written to it.
///
/// A short answer has room with the kernel and waits for nobody.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many times a client is read from at once for one head or body; most are whole with the first read.
const READS_FREE: u32 = 8;

/// How much longer each further read of it is put off than the one before.
const READ_REST: Duration = Duration::from_millis(10);

/// How long it is put off at most.
const READ_REST_MAX: Duration = Duration::from_millis(500);

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
    /// How many times was read for the head or body that has begun.
    reads: u32,
    /// When it is read on: so that a crowd that sends byte by byte does not keep the event loop for itself.
    next_read: Option<Pin<Box<Sleep>>>,
    /// When a head that has begun has to be whole; set where the first bytes are not all of it.
    head_due: Option<Pin<Box<Sleep>>>,
    /// When all that waits to be written has to be; set where the kernel has no room for it.
    write_due: Option<Pin<Box<Sleep>>>,
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
        let stream = TokioIo::new(stream);
        Self {
            stream,
            wishes,
            activity,
            rest: None,
            reads: 0,
            next_read: None,
            head_due: None,
            write_due: None,
        }
    }

    /// Something was read; gives when to read on, where that is not at once.
    fn put_off(&mut self) -> Option<Pin<Box<Sleep>>> {
        self.reads += 1;
        let rest = (READ_REST * self.reads.checked_sub(READS_FREE)?).min(READ_REST_MAX);
        // From half of that to all of it, each client another, so that a crowd does not come at once.
        let port = self.stream.inner().peer_addr().map_or(0, |peer| peer.port());
        Some(Box::pin(sleep(rest / 2 + rest / 512 * u32::from(port % 256))))
    }

    /// Fails once the rest of a head has been waited for for too long.
    fn poll_head_due(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.activity.is_head_begun() {
            return Poll::Pending;
        }
        let due = self.head_due.get_or_insert_with(|| Box::pin(sleep(HEAD_TIMEOUT)));
        due.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Fails once something has waited to be written for too long.
    fn poll_write_due(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let due = self.write_due.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        due.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
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
        let is_begun = self.activity.is_begun();
        if let Some(next_read) = self.next_read.as_mut().filter(|_| is_begun)
            && next_read.as_mut().poll(context).is_pending()
        {
            return self.poll_head_due(context);
        }
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if read.is_pending() {
            return self.poll_head_due(context);
        }
        if self.activity.read() {
            self.head_due = None;
            self.reads = 0;
        }
        self.next_read = self.put_off();
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
            Poll::Pending => {
                self.activity.block(true);
                self.poll_write_due(context)
            }
            written => written,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // IMPORTANT: forgotten here, and not where a part was written: the flush comes behind the last
        // part, and a client that takes a byte now and then is as slow as one that takes none.
        self.write_due = None;
        self.activity.block(false);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.activity.end();
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

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        runtime, time,
    };

    use super::*;
    use crate::http::connections::activity::Ticks;

    /// Runs `test` with the two ends of a connection, and a clock that runs ahead while all wait.
    fn between<F: Future<Output = ()>>(test: impl FnOnce(Lingering, TcpStream) -> F) {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let begun = Instant::now();
        runtime.unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let (_wisher, wishes) = watch::channel(Wish::Serve);
            let activity = Arc::new(Activity::new(&Ticks::default()));
            test(Lingering::new(stream, wishes, activity), client).await;
        });
        assert!(begun.elapsed() < WRITE_TIMEOUT, "the clock of the test was not paused");
    }

    /// Writes until that fails.
    async fn write_on(stream: &mut Lingering) -> io::Error {
        let bytes = vec![0; 1 << 20];
        loop {
            let written =
                poll_fn(|context| Pin::new(&mut *stream).poll_write(context, &bytes)).await;
            if let Err(fault) = written {
                return fault;
            }
        }
    }

    /// How many bytes the next read gives.
    async fn read_once(stream: &mut Lingering) -> usize {
        let mut chunk = [MaybeUninit::uninit(); 1000];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        let read = poll_fn(|context| Pin::new(&mut *stream).poll_read(context, chunk.unfilled()));
        read.await.unwrap();
        chunk.filled().len()
    }

    #[test]
    fn a_client_that_takes_nothing_is_given_up() {
        between(async |mut stream, client| {
            let paused = time::Instant::now();
            assert_eq!(write_on(&mut stream).await.kind(), io::ErrorKind::TimedOut);
            assert!(paused.elapsed() >= WRITE_TIMEOUT, "{:?}", paused.elapsed());
            drop(client);
        });
    }

    #[test]
    fn a_client_that_takes_a_little_now_and_then_is_given_up_too() {
        between(async |mut stream, mut client| {
            let paused = time::Instant::now();
            tokio::spawn(async move {
                let mut some = vec![0; 256 * 1024];
                while client.read_exact(&mut some).await.is_ok() {
                    sleep(WRITE_TIMEOUT / 3).await;
                }
            });
            assert_eq!(write_on(&mut stream).await.kind(), io::ErrorKind::TimedOut);
            assert!(paused.elapsed() >= WRITE_TIMEOUT, "{:?}", paused.elapsed());
            assert!(paused.elapsed() < 2 * WRITE_TIMEOUT, "{:?}", paused.elapsed());
        });
    }

    #[test]
    fn who_sends_byte_by_byte_is_read_seldom_and_whole() {
        /// What is sent, a byte each so many milliseconds.
        const BYTES: usize = 900;
        const EVERY: Duration = Duration::from_millis(10);
        between(async |mut stream, mut client| {
            let sent = tokio::spawn(async move {
                for _ in 0..BYTES {
                    client.write_all(b"G").await.unwrap();
                    sleep(EVERY).await;
                }
                client
            });
            let begun = time::Instant::now();
            let (mut reads, mut bytes) = (0_u32, 0);
            while bytes < BYTES {
                bytes += read_once(&mut stream).await;
                reads += 1;
            }
            assert_eq!(bytes, BYTES);
            assert!((READS_FREE..10 * READS_FREE).contains(&reads), "{reads} reads");
            let took = begun.elapsed();
            assert!(took < EVERY * u32::try_from(BYTES).unwrap() + 2 * READ_REST_MAX, "{took:?}");

            let mut client = sent.await.unwrap();
            stream.activity.settle();
            let begun = time::Instant::now();
            client.write_all(b"G").await.unwrap();
            assert_eq!((read_once(&mut stream).await, begun.elapsed()), (1, Duration::ZERO));
        });
    }

    #[test]
    fn a_head_that_dribbles_is_given_up_and_an_idle_client_is_not() {
        between(async |stream, mut client| {
            let mut stream = TokioIo::new(stream);
            let mut byte = [0];
            let idle = time::timeout(6 * HEAD_TIMEOUT, stream.read_exact(&mut byte)).await;
            assert!(idle.is_err(), "{idle:?}");

            let begun = time::Instant::now();
            tokio::spawn(async move {
                while client.write_all(b"G").await.is_ok() {
                    sleep(HEAD_TIMEOUT / 4).await;
                }
            });
            let fault = loop {
                if let Err(fault) = stream.read_exact(&mut byte).await {
                    break fault;
                }
            };
            assert_eq!(fault.kind(), io::ErrorKind::TimedOut);
            assert!(begun.elapsed() >= HEAD_TIMEOUT, "{:?}", begun.elapsed());
            assert!(begun.elapsed() < 2 * HEAD_TIMEOUT, "{:?}", begun.elapsed());
        });
    }
}
