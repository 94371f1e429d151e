//! What has to be there before the first client begins: a shop that can be reached, what it has
//! left, a file for the operations, and a plan for each worker.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::config::RunConfig;
use crate::{
    history::{CountTiming, Header, Revisions, clock_name, monotonic_ns, signed},
    lead::{FleetHistory, HistoryError},
    shop::{
        Address, Failure, HttpSession, LocationError, Shop, Stock, TlsConfigs, TlsError, Waiting,
    },
    worker::WorkerPlan,
};

/// The longest that is waited for what is left, once a run is over.
const LAST_LOOK_MAX: Duration = Duration::from_secs(5);

/// How long a count may be late at the end, and how often it is looked at meanwhile.
const LATE_MAX: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreparationError {
    /// The shop's name leads nowhere.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// Nobody answers there.
    #[error("cannot reach `{url}`: {failure}\nhint: {}", failure.hint())]
    Unreachable {
        /// The shop.
        url: String,
        /// Why not.
        failure: Failure,
    },
    /// There is nobody to trust.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no file for the operations.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The map does not know what the shop says.
    #[error(
        "the shop's first answer matches no rule of the map, and nothing more was bought: status \
         {status}\n{answer}\nhint: say how such an answer is known in `[buy.sold]`, `[buy.sold_out]` or \
         `[buy.refused]`, or what a purchase has to send in `[buy]`"
    )]
    NoRule {
        /// The status code.
        status: u16,
        /// How the answer begins.
        answer: String,
    },
    /// The system gives no random number.
    #[error("cannot make a number for this run: {0}")]
    Random(io::Error),
}

/// A run that can begin.
pub(super) struct Prepared {
    /// The shop.
    pub(super) shop: Shop,
    /// What it had at the start; `Err` says why nobody knows.
    pub(super) stock: Result<Stock, String>,
    /// The first line of the history.
    pub(super) header: Header,
    /// Where the operations go.
    pub(super) history: Option<Arc<FleetHistory>>,
    /// What the workers do.
    pub(super) plans: Vec<WorkerPlan>,
}

/// Looks the shop up, asks it what is left, and sets up the rest.
///
/// # Errors
/// The shop cannot be reached, or the history cannot be written.
pub(super) async fn prepare(config: &RunConfig) -> Result<Prepared, PreparationError> {
    let addresses = config.location.resolve().await?;
    let mut shop = Shop::new(&config.location, addresses, config.map.clone());
    shop.trust = config.trust;
    shop.connect_limit = config.timeout;
    shop.keeps_alive = config.keeps_alive;
    shop.fields.clone_from(&config.fields);
    shop.sends_keys = config.retries;
    shop.holds = Some(config.plan.holds);
    shop.admin_token.clone_from(&config.admin_token);
    let stock = first_look(config, &shop).await?;
    let run = run_number().map_err(PreparationError::Random)?;
    let header = header(config, &stock, run);
    let history =
        FleetHistory::begin(&config.history, &header, config.history_limit)?.map(Arc::new);
    let plans = worker_plans(config, &shop, history.as_deref(), run);
    Ok(Prepared { shop, stock, header, history, plans })
}

async fn first_look(
    config: &RunConfig,
    shop: &Shop,
) -> Result<Result<Stock, String>, PreparationError> {
    let unreachable = |failure| PreparationError::Unreachable { url: config.url.clone(), failure };
    let mut session = HttpSession::new(shop, Waiting::Shared, &TlsConfigs::default())?;
    match timeout(config.timeout, session.connect()).await {
        Ok(connected) => connected.map_err(unreachable)?,
        Err(_) => return Err(unreachable(Failure::ConnectTimeout(config.timeout))),
    }
    Ok(look(&mut session, config.timeout).await)
}

/// What a shop has once a run is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastLook {
    /// What it has.
    pub(super) stock: Stock,
    /// When it said so, in nanoseconds of the run's clock.
    pub(super) answered_ns: u64,
}

/// What the shop has once the run is over and `sold` were sold; `Err` says why nobody knows.
///
/// Where the shop says more than are left, it may tell a count of before: it is asked again for a while. Where
/// tickets are still put aside, it is asked until `held_until`.
pub(super) async fn last_look(
    prepared: &Prepared,
    sold: u64,
    held_until: Option<Instant>,
    limit: Duration,
) -> Result<LastLook, String> {
    let session = HttpSession::new(&prepared.shop, Waiting::Shared, &TlsConfigs::default());
    let mut session = session.map_err(|error| error.to_string())?;
    let most = prepared.header.initial.map(|initial| i128::from(initial) - i128::from(sold));
    let asked = Instant::now();
    loop {
        let stock = look(&mut session, limit.min(LAST_LOOK_MAX)).await?;
        let answered_ns = monotonic_ns();
        let is_late = most.is_some_and(|most| i128::from(stock.remaining) > most.max(0))
            && asked.elapsed() < LATE_MAX;
        let is_held = stock.held.is_some_and(|held| held > prepared.header.held.unwrap_or(0))
            && held_until.is_some_and(|until| Instant::now() < until);
        if !is_late && !is_held {
            return Ok(LastLook { stock, answered_ns });
        }
        sleep(LOOK_AGAIN).await;
    }
}

async fn look(session: &mut HttpSession, limit: Duration) -> Result<Stock, String> {
    let looked = timeout(limit, session.stock()).await;
    looked.unwrap_or_else(|_| Err(Failure::Timeout(limit).to_string()))
}

fn header(config: &RunConfig, stock: &Result<Stock, String>, run: u64) -> Header {
    let mut header = Header::new(0);
    header.numbering = config.map.as_ref().map(|map| map.numbering).unwrap_or_default();
    let stock = stock.as_ref().ok();
    header.initial = config.initial.map(signed).or(stock.map(|stock| stock.remaining));
    // What was refunded before is not among the sold, and its numbers are gone all the same: only on a fresh
    // counter, or on one that has no revisions and so no refunds, does this name the last number.
    let names_last = |stock: &&Stock| config.map.is_some() || stock.revision.unwrap_or(0) == 0;
    header.sold = stock.filter(names_last).and_then(|stock| stock.sold);
    header.held = stock.and_then(|stock| stock.held);
    header.revision = stock.and_then(|stock| stock.revision);
    (header.counts, header.revisions) = match &config.map {
        None => (Some(CountTiming::Exact), None),
        Some(map) => (Some(map.counts), Some(Revisions::Increasing)),
    };
    header.run = Some(format!("run-{run:016x}"));
    header.clock = clock_name();
    header
}

fn worker_plans(
    config: &RunConfig,
    shop: &Shop,
    history: Option<&FleetHistory>,
    run: u64,
) -> Vec<WorkerPlan> {
    let history = history.map(FleetHistory::share);
    (0..config.workers)
        .map(|worker| WorkerPlan {
            worker,
            workers: config.workers,
            plan: config.plan.clone(),
            addresses: vec![Address::Shop(Box::new(shop.clone()))],
            // A limit is at most a day, far below what 64 bits hold.
            timeout_ns: u64::try_from(config.timeout.as_nanos()).unwrap_or(u64::MAX),
            retries: config.retries,
            history: history.clone(),
            run,
        })
        .collect()
}

fn run_number() -> io::Result<u64> {
    let mut bytes = [0; 8];
    let length = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    if length < bytes.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(u64::from_ne_bytes(bytes))
}
