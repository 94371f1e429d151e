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
    time::{Duration, Instant},
};

use tokio::{
    runtime,
    sync::{Notify, mpsc, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::http::{
    connections::{
        activity::Ticks,
        connection::{self, Place},
        drain::{Drain, Wish},
        open_connections::OpenConnections,
        tls::Tls,
    },
    service::Service,
};

/// How long the requests that are being served may take once the server ends.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait where the system has no room for another connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// How often, at most, the event loops are asked to make room for newcomers.
const EVICTION_GAP: Duration = Duration::from_millis(1);

/// Of how many places one is kept free for the next newcomer, where there are connections that can be spared.
const PLACES_PER_FREE_ONE: usize = 16;

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
    places: Arc<Places>,
}

struct EventLoop {
    dealt: mpsc::UnboundedSender<Dealt>,
    thread: JoinHandle<()>,
}

/// What an event loop is given.
enum Dealt {
    Connection(TcpStream, IpAddr, PlaceTaken),
    /// End so many connections that can be spared.
    Evict(usize),
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
        let (loops, places) = (Vec::new(), Arc::default());
        let mut event_loops = Self { loops, limits, tls, wishes, places };
        for index in 0..count {
            let (service, chore) = job(index);
            let event_loop = event_loops.start_loop(service, chore)?;
            event_loops.loops.push(event_loop);
        }
        Ok(event_loops)
    }

    fn start_loop(&self, service: Service, chore: Chore) -> io::Result<EventLoop> {
        let (dealer, mut dealt) = mpsc::unbounded_channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let mut wishes = self.wishes.subscribe();
        let place = Place {
            service: Arc::new(service),
            ticks: Ticks::default(),
            drain: Drain::default(),
            open: OpenConnections::default(),
            keep_alive: self.limits.keep_alive,
            tls: self.tls.clone(),
        };
        let serve = async move {
            let (evictor, mut wanted) = watch::channel(0);
            let open = place.open.clone();
            tokio::spawn(async move {
                while wanted.changed().await.is_ok() {
                    let wanted = *wanted.borrow_and_update();
                    open.evict(wanted).await;
                }
            });
            tokio::spawn(chore);
            tokio::spawn(keep_ticking(place.ticks.clone()));
            loop {
                tokio::select! {
                    dealt = dealt.recv() => match dealt {
                        Some(Dealt::Connection(stream, peer, taken)) => {
                            connection::serve(stream, peer, &place, taken);
                        }
                        Some(Dealt::Evict(count)) => drop(evictor.send_replace(count)),
                        None => break,
                    },
                    _ = wishes.changed() => match *wishes.borrow_and_update() {
                        Wish::End => break,
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
        Ok(EventLoop { dealt: dealer, thread })
    }

    /// Accepts connections and deals them out to the event loops in turn; never ends by itself.
    ///
    /// Where there is hardly a place for another, those that can be spared make room.
    ///
    /// # Errors
    /// Where the listener cannot be used at all.
    pub async fn accept(&self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut asked = Instant::now();
        for event_loop in self.loops.iter().cycle() {
            while self.make_room(&mut asked) == 0 {
                // What is freed meanwhile is heard of, but not what can be spared by then.
                let _ = timeout(ACCEPT_RETRY, self.places.freed.notified()).await;
            }
            let (stream, peer) = accept_one(&listener).await;
            // IMPORTANT: counted here, and not where it is served: a crowd waits for that.
            let taken = PlaceTaken::new(Arc::clone(&self.places));
            // A loop that has ended takes no more; the server is about to end.
            let _ = event_loop.dealt.send(Dealt::Connection(stream, peer, taken));
        }
        Ok(())
    }

    /// Asks the event loops for places where few are free, and not too often; gives how many are.
    fn make_room(&self, asked: &mut Instant) -> usize {
        let most = self.limits.connections_max;
        let free = most.saturating_sub(self.places.taken.load(Ordering::Relaxed));
        let few = most / PLACES_PER_FREE_ONE;
        if free <= few && asked.elapsed() >= EVICTION_GAP {
            // Twice as many, so that it need not be asked for each newcomer.
            let needed = (2 * few).max(1) - free;
            let share = needed.div_ceil(self.loops.len());
            for event_loop in &self.loops {
                let _ = event_loop.dealt.send(Dealt::Evict(share));
            }
            *asked = Instant::now();
        }
        free
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

/// The places for connections.
#[derive(Default)]
struct Places {
    taken: AtomicUsize,
    freed: Notify,
}

/// The place of one open connection, for as long as it lives.
struct PlaceTaken(Arc<Places>);

impl PlaceTaken {
    fn new(places: Arc<Places>) -> Self {
        places.taken.fetch_add(1, Ordering::Relaxed);
        Self(places)
    }
}

impl Drop for PlaceTaken {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
        self.0.freed.notify_one();
    }
}

async fn accept_one(listener: &tokio::net::TcpListener) -> (TcpStream, IpAddr) {
    loop {
        let accepted = listener.accept().await.and_then(|(stream, peer)| {
            stream.set_nodelay(true)?;
            Ok((stream.into_std()?, peer.ip().to_canonical()))
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
