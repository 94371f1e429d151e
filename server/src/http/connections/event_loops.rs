//! Connections, and the threads that serve them.
//!
//! One thread accepts and deals the connections out in turn; each event loop
//! is a thread with a runtime of its own, so that a request is served from its
//! first byte to its last without meeting another thread but the committer's.

use std::{
    io,
    net::TcpListener,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioTimer;
use tokio::{
    net::TcpStream,
    runtime,
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::http::{connections::drain::Drain, service::Service};

/// How long a connection may take to send a request's head, or stay idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long the requests that are being served may take once the server ends.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait where the system has no room for another connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// How long the timer of an event loop that is always there takes.
const TIMER_EVERY: Duration = Duration::from_secs(5);

/// The file descriptors that are kept for other things than connections.
const RESERVED_FILES: u64 = 64;

/// What an event loop does beside its connections, such as handing out letters.
pub type Chore = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The event loops, and what deals connections out to them.
pub struct EventLoops {
    loops: Vec<EventLoop>,
    ending: watch::Sender<bool>,
    open: Arc<AtomicUsize>,
}

struct EventLoop {
    connections: mpsc::UnboundedSender<std::net::TcpStream>,
    thread: JoinHandle<()>,
}

impl EventLoops {
    /// Starts `count` threads; `job` gives each what it serves and does.
    ///
    /// # Errors
    /// Where the system has no room for a thread or its runtime.
    pub fn start(count: usize, mut job: impl FnMut(usize) -> (Service, Chore)) -> io::Result<Self> {
        let (ending, _) = watch::channel(false);
        let mut event_loops = Self { loops: Vec::new(), ending, open: Arc::default() };
        for index in 0..count {
            let (service, chore) = job(index);
            let event_loop = event_loops.start_loop(service, chore)?;
            event_loops.loops.push(event_loop);
        }
        Ok(event_loops)
    }

    fn start_loop(&self, service: Service, chore: Chore) -> io::Result<EventLoop> {
        let (connections, mut dealt) = mpsc::unbounded_channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (open, mut ending) = (Arc::clone(&self.open), self.ending.subscribe());
        let serve = async move {
            tokio::spawn(chore);
            tokio::spawn(keep_a_timer());
            let (service, drain) = (Arc::new(service), Drain::default());
            loop {
                tokio::select! {
                    stream = dealt.recv() => match stream {
                        Some(stream) => {
                            serve(stream, Arc::clone(&service), &drain, &open);
                        }
                        None => break,
                    },
                    _ = ending.wait_for(|ending| *ending) => break,
                }
            }
            if timeout(DRAIN_TIMEOUT, drain.finish()).await.is_err() {
                tracing::warn!("some requests were not answered within {DRAIN_TIMEOUT:?}");
            }
        };
        let work = move || {
            runtime.block_on(serve);
            // A lesson's sale may still sleep on a thread of this runtime.
            runtime.shutdown_timeout(DRAIN_TIMEOUT);
        };
        let thread = thread::Builder::new().name("event-loop".to_owned()).spawn(work)?;
        Ok(EventLoop { connections, thread })
    }

    /// Accepts connections and deals them out to the event loops in turn; never ends by itself.
    ///
    /// # Errors
    /// Where the listener cannot be used at all.
    pub async fn accept(&self, listener: TcpListener) -> io::Result<()> {
        let connections_max = connections_max();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        for event_loop in self.loops.iter().cycle() {
            while self.open.load(Ordering::Relaxed) >= connections_max {
                sleep(ACCEPT_RETRY).await;
            }
            let stream = accept_one(&listener).await;
            // A loop that has ended takes no more; the server is about to end.
            let _ = event_loop.connections.send(stream);
        }
        Ok(())
    }

    /// Lets the event loops answer what they are serving, and ends them.
    pub async fn drain(self) {
        self.ending.send_replace(true);
        let join = || {
            for event_loop in self.loops {
                if event_loop.thread.join().is_err() {
                    tracing::error!("an event loop panicked");
                }
            }
        };
        if spawn_blocking(join).await.is_err() {
            tracing::error!("nobody waited for the event loops");
        }
    }
}

/// Sleeps for ever, in turns.
///
/// Every request sets a timer of its own. Where it is the only one, the runtime
/// wakes its own poll with a system call; behind one that is there already it
/// does not.
async fn keep_a_timer() {
    loop {
        sleep(TIMER_EVERY).await;
    }
}

fn serve(
    stream: std::net::TcpStream,
    service: Arc<Service>,
    drain: &Drain,
    open: &Arc<AtomicUsize>,
) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!("lost a connection: {error}"),
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        // A short answer is cheaper to copy behind its head than to hand over in two pieces.
        .writev(false)
        .serve_connection(
            drain.lingering(stream),
            service_fn(move |request| service.call(request)),
        );
    let connection = drain.watch(connection);
    let counted = Counted::new(Arc::clone(open));
    tokio::spawn(async move {
        let _counted = counted;
        if let Err(error) = connection.await {
            tracing::debug!("a connection ended early: {error}");
        }
    });
}

/// One open connection, for as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept_one(listener: &tokio::net::TcpListener) -> std::net::TcpStream {
    loop {
        let accepted = listener.accept().await.and_then(|(stream, _)| {
            stream.set_nodelay(true)?;
            stream.into_std()
        });
        match accepted {
            Ok(stream) => return stream,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// How many connections may be open at once: what the file descriptor limit leaves.
fn connections_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let files = limit.current.unwrap_or(u64::MAX).saturating_sub(RESERVED_FILES).max(1);
    usize::try_from(files).unwrap_or(usize::MAX)
}
