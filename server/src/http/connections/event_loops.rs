//! Connections, and the threads that serve them.
//!
//! One thread accepts and deals the connections out in turn; each event loop
//! is a thread with a runtime of its own, so that a request is served from its
//! first byte to its last without meeting another thread but the committer's.

use std::{
    io,
    net::{IpAddr, TcpListener, TcpStream},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    runtime,
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::http::{
    connections::{
        activity::Ticks,
        connection::{self, Place},
        drain::{Drain, Wish},
        tls::Tls,
    },
    service::Service,
};

/// How long the requests that are being served may take once the server ends.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait where the system has no room for another connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// How long the timer of an event loop that is always there takes: the exactness of [`Ticks`].
const TICK: Duration = Duration::from_millis(500);

/// The file descriptors that are kept for other things than connections: standard streams, locks,
/// the ledger, and what is looked up in it.
const RESERVED_FILES: u64 = 64;

/// The file descriptors that an event loop has for itself.
const FILES_PER_LOOP: u64 = 6;

/// What connections are allowed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many may be open at once.
    pub connections_max: usize,
    /// How long one may stay idle, or take to send the head of a request.
    pub keep_alive: Duration,
}

/// What an event loop does beside its connections, such as handing out answers.
pub type Chore = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The event loops, and what deals connections out to them.
pub struct EventLoops {
    loops: Vec<EventLoop>,
    limits: Limits,
    tls: Option<Tls>,
    wishes: watch::Sender<Wish>,
    open: Arc<AtomicUsize>,
}

struct EventLoop {
    connections: mpsc::UnboundedSender<(TcpStream, IpAddr, Counted)>,
    thread: JoinHandle<()>,
}

impl EventLoops {
    /// Starts `count` threads, which speak `tls` where there is some; `job` gives each what it serves and does.
    ///
    /// # Errors
    /// Where the system has no room for a thread or its runtime.
    pub fn start(
        count: usize,
        limits: Limits,
        tls: Option<Tls>,
        mut job: impl FnMut(usize) -> (Service, Chore),
    ) -> io::Result<Self> {
        let wishes = watch::Sender::default();
        let (loops, open) = (Vec::new(), Arc::default());
        let mut event_loops = Self { loops, limits, tls, wishes, open };
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
        let mut wishes = self.wishes.subscribe();
        let place = Place {
            service: Arc::new(service),
            ticks: Ticks::default(),
            drain: Drain::default(),
            keep_alive: self.limits.keep_alive,
            tls: self.tls.clone(),
        };
        let serve = async move {
            tokio::spawn(chore);
            tokio::spawn(keep_ticking(place.ticks.clone()));
            loop {
                tokio::select! {
                    dealt = dealt.recv() => match dealt {
                        Some((stream, peer, counted)) => connection::serve(stream, peer, &place, counted),
                        None => break,
                    },
                    _ = wishes.changed() => match *wishes.borrow_and_update() {
                        Wish::End => break,
                        Wish::MakeRoom => place.drain.make_room(),
                        Wish::Serve => {}
                    },
                }
            }
            if timeout(DRAIN_TIMEOUT, place.drain.finish()).await.is_err() {
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
    /// Where there is no place for another, those that are of use to nobody make room.
    ///
    /// # Errors
    /// Where the listener cannot be used at all.
    pub async fn accept(&self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        for event_loop in self.loops.iter().cycle() {
            while self.open.load(Ordering::Relaxed) >= self.limits.connections_max {
                self.wishes.send_replace(Wish::MakeRoom);
                sleep(ACCEPT_RETRY).await;
            }
            let (stream, peer) = accept_one(&listener).await;
            // IMPORTANT: counted here, and not where it is served: a crowd waits for that.
            let counted = Counted::new(Arc::clone(&self.open));
            // A loop that has ended takes no more; the server is about to end.
            let _ = event_loop.connections.send((stream, peer, counted));
        }
        Ok(())
    }

    /// The scheme of the server's addresses.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Lets the event loops answer what they are serving, and ends them.
    pub async fn drain(self) {
        self.wishes.send_replace(Wish::End);
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

/// Ticks for ever.
///
/// Every request sets a timer of its own. Where it is the only one, the runtime
/// wakes its own poll with a system call; behind one that is there already it
/// does not.
async fn keep_ticking(ticks: Ticks) {
    loop {
        sleep(TICK).await;
        ticks.tick();
    }
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

async fn accept_one(listener: &tokio::net::TcpListener) -> (TcpStream, IpAddr) {
    loop {
        let accepted = listener.accept().await.and_then(|(stream, peer)| {
            stream.set_nodelay(true)?;
            Ok((stream.into_std()?, peer.ip()))
        });
        match accepted {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// How many connections can be open at once beside so many event loops: what the file descriptor
/// limit leaves.
pub fn connections_possible(event_loops: usize) -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let loops = u64::try_from(event_loops).unwrap_or(u64::MAX);
    let reserved = RESERVED_FILES.saturating_add(loops.saturating_mul(FILES_PER_LOOP));
    let files = limit.current.unwrap_or(u64::MAX).saturating_sub(reserved).max(2);
    usize::try_from(files).unwrap_or(usize::MAX)
}
