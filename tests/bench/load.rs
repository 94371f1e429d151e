//! The closed loop: each client asks again as soon as it is answered.
//!
//! One generator for every system behind a socket, as cheap as it can be: a fixed request, and no
//! more of the answer is read than tells whether it is the sale. One clock reading a request, for
//! the end of an answer is the start of the next.
//!
//! Clients stop asking when the window is over and wait for their last answer, so that no sale
//! is ever in doubt.

use std::{
    net::SocketAddr,
    sync::{Arc, Barrier, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail, ensure};
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::{self, Runtime},
    signal,
    task::JoinSet,
    time::timeout,
};

use crate::protocol::{Answer, Protocol};

/// How long the connections may take to open, and the last answers to come.
const GRACE: Duration = Duration::from_secs(30);

/// The room for an answer, in bytes; it grows where that is too little.
const ANSWER_BYTES: usize = 4096;

/// How much load, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many clients ask at once, each on a connection of its own.
    pub(crate) connections: usize,
    /// How many threads they share.
    pub(crate) threads: usize,
    /// How long they ask before anything is measured.
    pub(crate) warm_up: Duration,
    /// How long they are measured.
    pub(crate) window: Duration,
}

/// What the clients saw.
pub(crate) struct Load {
    /// All sales, also those of the warm-up and after the window.
    pub(crate) sales: u64,
    /// Answers a second in the window.
    pub(crate) rate_rps: f64,
    /// From sending to the whole answer, in nanoseconds, for answers within the window.
    pub(crate) latency_ns: Histogram<u64>,
    /// The processor time of the servers for an answer, user and system, in microseconds; `None`
    /// where nobody looked.
    pub(crate) server_us: Option<f64>,
    /// How many cores the clients kept busy; `None` where they are not apart from the system.
    pub(crate) client_cores: Option<f64>,
}

impl Load {
    /// That nobody asked anything.
    pub(crate) fn empty() -> anyhow::Result<Load> {
        let latency_ns = histogram()?;
        Ok(Load { sales: 0, rate_rps: 0.0, latency_ns, server_us: None, client_cores: None })
    }

    /// The latency that the share `quantile` of the answers did not exceed, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "no latency is 2^53 nanoseconds")]
    pub(crate) fn latency_us(&self, quantile: f64) -> f64 {
        self.latency_ns.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// What the clients of one thread share.
struct Tally {
    sales: u64,
    latency_ns: Histogram<u64>,
}

/// What one thread saw, and the share of a core that it took.
struct Share {
    tally: Tally,
    cores: f64,
}

/// The moments between which a client's answers are measured.
#[derive(Clone, Copy)]
struct Window {
    start: Instant,
    end: Instant,
}

/// Runs `plan` against the servers at `targets`, dealing the connections out in turn.
///
/// # Errors
/// An answer that is not the one asked for, a lost connection, or more time than is allowed.
pub(crate) fn run(plan: &Plan, targets: &[SocketAddr], protocol: Protocol) -> anyhow::Result<Load> {
    let protocol = Arc::new(protocol);
    let threads = plan.threads.min(plan.connections);
    let runtimes = (0..threads)
        .map(|_| runtime::Builder::new_current_thread().enable_all().build())
        .collect::<Result<Vec<_>, _>>()?;
    let barrier = Barrier::new(threads);
    let shares = thread::scope(|scope| {
        let drivers = runtimes.into_iter().enumerate().map(|(at, runtime)| {
            let mine = (at..plan.connections).step_by(threads);
            let mine = mine.map(|at| targets[at % targets.len()]).collect::<Vec<_>>();
            let (protocol, barrier) = (Arc::clone(&protocol), &barrier);
            scope.spawn(move || drive(&runtime, plan, mine, protocol, barrier))
        });
        let drivers = drivers.collect::<Vec<_>>();
        let ended = drivers.into_iter().map(|driver| {
            driver.join().unwrap_or_else(|_| Err(anyhow!("a thread of clients panicked")))
        });
        ended.collect::<anyhow::Result<Vec<_>>>()
    })?;
    let mut load = Load::empty()?;
    for Share { tally, cores } in shares {
        load.sales += tally.sales;
        load.latency_ns.add(&tally.latency_ns)?;
        load.client_cores = Some(load.client_cores.unwrap_or(0.0) + cores);
    }
    load.rate_rps = rate(load.latency_ns.len(), plan.window);
    Ok(load)
}

/// How many a second `count` in `window` are.
#[expect(clippy::cast_precision_loss, reason = "no bench counts to 2^53")]
pub(crate) fn rate(count: u64, window: Duration) -> f64 {
    count as f64 / window.as_secs_f64()
}

/// An empty histogram of nanoseconds, three digits exact, growing as it needs to.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new(3)?)
}

/// A length of time as a histogram takes it.
pub(crate) fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// The clients of one thread: connects them, waits for the other threads, and lets them ask.
fn drive(
    runtime: &Runtime,
    plan: &Plan,
    targets: Vec<SocketAddr>,
    protocol: Arc<Protocol>,
    barrier: &Barrier,
) -> anyhow::Result<Share> {
    let opened = runtime.block_on(bounded(GRACE, open(targets, protocol)));
    // IMPORTANT: also where a connection failed, or the other threads would wait for ever.
    barrier.wait();
    let clients = opened?;
    let now = Instant::now();
    let window = Window { start: now + plan.warm_up, end: now + plan.warm_up + plan.window };
    let cpu_before = cpu_time()?;
    let limit = plan.warm_up + plan.window + GRACE;
    let tally = runtime.block_on(bounded(limit, ask_all(clients, window)))?;
    let cores = (cpu_time()? - cpu_before).as_secs_f64() / now.elapsed().as_secs_f64();
    Ok(Share { tally, cores })
}

async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        done = timeout(limit, work) => done.with_context(|| format!("not done after {limit:?}"))?,
        _ = signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn open(targets: Vec<SocketAddr>, protocol: Arc<Protocol>) -> anyhow::Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(targets.len());
    for target in targets {
        clients.push(Client::connect(target, Arc::clone(&protocol)).await?);
    }
    Ok(clients)
}

async fn ask_all(clients: Vec<Client>, window: Window) -> anyhow::Result<Tally> {
    let tally = Arc::new(Mutex::new(Tally { sales: 0, latency_ns: histogram()? }));
    let mut asking = JoinSet::new();
    for client in clients {
        asking.spawn(client.ask_until(window, Arc::clone(&tally)));
    }
    while let Some(ended) = asking.join_next().await {
        ended??;
    }
    let tally = Arc::into_inner(tally).context("a client that has ended still counts")?;
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// A connection on which one waits for each answer.
pub(crate) struct Client {
    stream: TcpStream,
    protocol: Arc<Protocol>,
    received: Vec<u8>,
}

impl Client {
    /// Connects to `target`, which speaks `protocol`.
    ///
    /// # Errors
    /// When nobody listens, or a greeting is not answered.
    pub(crate) async fn connect(
        target: SocketAddr,
        protocol: Arc<Protocol>,
    ) -> anyhow::Result<Client> {
        let stream = TcpStream::connect(target).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let received = Vec::with_capacity(ANSWER_BYTES);
        let mut client = Client { stream, protocol: Arc::clone(&protocol), received };
        for greeting in &protocol.greetings {
            client.exchange(greeting).await?;
        }
        Ok(client)
    }

    async fn ask_until(mut self, window: Window, tally: Arc<Mutex<Tally>>) -> anyhow::Result<()> {
        let protocol = Arc::clone(&self.protocol);
        let mut asked = Instant::now();
        while asked < window.end {
            self.insist(&protocol.request).await?;
            let answered = Instant::now();
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.sales += 1;
            if (window.start..window.end).contains(&answered) {
                tally.latency_ns.record(nanoseconds(answered - asked))?;
            }
            asked = answered;
        }
        Ok(())
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await.context("cannot send")?;
        self.received.clear();
        loop {
            let length = self.stream.read_buf(&mut self.received).await.context("cannot read")?;
            ensure!(length > 0, "the server closed a connection");
            if let Some(answer) = (self.protocol.read)(&self.received)? {
                ensure!(answer.length == self.received.len(), "an answer that nobody asked for");
                return Ok(answer);
            }
        }
    }

    /// Sends what the protocol repeats; says whether the answer is the one that it asks for.
    ///
    /// # Errors
    /// A lost connection, or an answer that tells of an error.
    pub(crate) async fn ask(&mut self) -> anyhow::Result<bool> {
        let protocol = Arc::clone(&self.protocol);
        Ok(self.exchange(&protocol.request).await?.is_wanted)
    }

    /// The last answer as it came.
    pub(crate) fn received(&self) -> &[u8] {
        &self.received
    }

    /// Sends `request` and gives the answer, which has to be the one that it asks for.
    ///
    /// # Errors
    /// Any other answer, or a lost connection.
    pub(crate) async fn insist(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        let answer = self.exchange(request).await?;
        ensure!(answer.is_wanted, "not done: {}", String::from_utf8_lossy(&self.received));
        Ok(&self.received)
    }
}

/// The time that a core has spent on this thread.
fn cpu_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::ThreadCPUTime).try_into()?)
}
