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
    duration,
    history::{CountTiming, Header, Revisions, clock_name, monotonic_ns, signed},
    kept_file::KeepError,
    lead::{FleetHistory, HistoryError},
    shop::{
        Address, Failure, FlowFault, LocationError, Map, NoStock, Order, Secret, Session,
        SessionError, Shop, Stock, TlsConfigs, TlsError, Waiting, masked,
    },
    words::shell_word,
    worker::{Retries, WorkerPlan},
};

/// The longest that is waited for what is left, once a run is over.
const LAST_LOOK_MAX: Duration = Duration::from_secs(5);

/// How long a count may be late, at the end and behind a reset, and how often it is looked at meanwhile.
const LATE_MAX: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How often it is looked whether a count stands still.
const SETTLE_LOOKS_MAX: u32 = 30;

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
    /// The map does not fit the shop.
    #[error(
        "the map does not fit the shop, and nothing more was bought: {}\nhint: see each call and \
         its answer with `loadgen try {} --map {}{}`",
        answered(fault),
        shell_word(url),
        shell_word(map),
        if fault.is_ahead_of_purchases() { "" } else { " --buy" }
    )]
    Misfit {
        /// What went wrong.
        fault: Box<FlowFault>,
        /// The shop.
        url: String,
        /// The map.
        map: String,
    },
    /// The way there cannot be opened.
    #[error("cannot begin with the shop, and nothing was bought: {0}")]
    NoAnswer(String),
    /// Nobody knows what is left, and so a run could not be judged.
    #[error(
        "the shop does not say what is left, and nothing was bought: {reason}{}\n\
         hint: {}, or say how many there are, as with `--initial 100`",
        shown(answer.as_deref()),
        hint.as_deref().unwrap_or("mend `[search]` of the map")
    )]
    NoCount {
        /// Why not.
        reason: String,
        /// What to change, where that is known.
        hint: Option<String>,
        /// How the answer begins.
        answer: Option<String>,
    },
    /// It is not this project's server, and nobody has said what it is.
    #[error(
        "`{url}` does not answer as this project's own server does, and nothing was bought: status \
         {status} for `GET {base}/search`{}\nhint: {}",
        shown(Some(answer)),
        foreign_hint(base)
    )]
    Foreign {
        /// The shop.
        url: String,
        /// The path of that.
        base: String,
        /// The status code.
        status: u16,
        /// How the answer begins.
        answer: String,
    },
    /// The system gives no random number.
    #[error("cannot make a number for this run: {0}")]
    Random(io::Error),
}

/// An answer below the words on it.
fn shown(answer: Option<&str>) -> String {
    let answer = answer.filter(|answer| !answer.is_empty());
    answer.map(|answer| format!("\n{answer}")).unwrap_or_default()
}

/// What went wrong, the answer below that, and what to change below both.
fn answered(fault: &FlowFault) -> String {
    let (told, answer) = (fault.to_string(), shown(fault.answer.as_deref()));
    match told.split_once("\nhint: ") {
        Some((told, hint)) => format!("{told}{answer}\nhint: {hint}"),
        None => format!("{told}{answer}"),
    }
}

fn foreign_hint(base: &str) -> String {
    let map = "say how another shop sells with `--map FILE.toml`";
    match base {
        "" => map.to_owned(),
        base => format!("every path begins with the URL's, `{base}`: leave it out, or {map}"),
    }
}

/// A run that can begin.
pub(super) struct Prepared {
    /// The shop.
    pub(super) shop: Shop,
    /// What it had at the start; `Err` says why nobody knows.
    pub(super) stock: Result<Stock, String>,
    /// Who has asked that, and buys first.
    pub(super) first: Option<Session>,
    /// The first line of the history.
    pub(super) header: Header,
    /// What people should know of the start.
    pub(super) note: Option<String>,
    /// Where the operations go.
    pub(super) history: Option<Arc<FleetHistory>>,
    /// What the workers do.
    pub(super) plans: Vec<WorkerPlan>,
}

impl Prepared {
    /// Whether the history is where it was asked for.
    ///
    /// # Errors
    /// Its name is gone, or somebody else's.
    pub(super) fn check_history(&self) -> Result<(), KeepError> {
        self.history.as_ref().map_or(Ok(()), |history| history.check_place())
    }
}

/// Fresh stock, ahead of a look that may tell a count of before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    /// When it was put on sale.
    pub(super) since: Instant,
    /// How many there should be, where that is known.
    pub(super) expected: Option<i64>,
}

impl Fresh {
    /// Whether `remaining` may be a count of before.
    fn may_be_late(self, remaining: i64) -> bool {
        self.expected != Some(remaining) && self.since.elapsed() < LATE_MAX
    }
}

/// Looks the shop up, asks it what is left, and sets up the rest; where that may be told late, it is asked until it says
/// what is `fresh`, or has had the time for it.
///
/// # Errors
/// The shop cannot be reached, or the history cannot be written.
pub(super) async fn prepare(
    config: &RunConfig,
    fresh: Option<Fresh>,
) -> Result<Prepared, PreparationError> {
    let shop = shop(config).await?;
    let run = run_number().map_err(PreparationError::Random)?;
    let (stock, first) = first_look(config, &shop, run, fresh).await?;
    let header = header(config, &stock, run);
    let history =
        FleetHistory::begin(&config.history, &header, config.history_limit)?.map(Arc::new);
    let plans = worker_plans(config, &shop, history.as_deref(), run);
    Ok(Prepared { shop, stock, first, header, note: None, history, plans })
}

/// How many the shop says there are, ahead of fresh stock; `None` where it does not say it, or is not there yet.
pub(super) async fn left_before(config: &RunConfig) -> Option<i64> {
    let shop = shop(config).await.ok()?;
    let client = config.plan.clients;
    let order = Order { run: run_number().ok()?, client, number: 0, token: "" };
    let configs = TlsConfigs::default();
    let mut session = Session::to_shop(&shop, client, Waiting::Shared, &configs).ok()?;
    timeout(config.timeout, session.connect()).await.ok()?.ok()?;
    Some(look(&mut session, order, config.timeout).await.ok()?.remaining)
}

async fn shop(config: &RunConfig) -> Result<Shop, LocationError> {
    let addresses = config.location.resolve().await?;
    let mut shop = Shop::new(&config.location, addresses, config.map.clone());
    shop.trust = config.trust;
    shop.connect_limit = config.timeout;
    shop.answer_limit = config.timeout;
    shop.keeps_alive = config.keeps_alive;
    shop.fields.clone_from(&config.fields);
    shop.sends_keys = config.retries;
    shop.holds = Some(config.plan.holds);
    shop.admin_token.clone_from(&config.admin_token);
    Ok(shop)
}

async fn first_look(
    config: &RunConfig,
    shop: &Shop,
    run: u64,
    fresh: Option<Fresh>,
) -> Result<(Result<Stock, String>, Option<Session>), PreparationError> {
    let unreachable = |failure| PreparationError::Unreachable { url: config.url.clone(), failure };
    let client = config.plan.clients;
    let mut session = Session::of_operator(shop, client)?;
    match timeout(config.timeout, session.connect()).await {
        Ok(Ok(())) => {}
        Ok(Err(SessionError::Http(failure))) => return Err(unreachable(failure)),
        Ok(Err(error)) => return Err(PreparationError::NoAnswer(error.to_string())),
        Err(_) => return Err(unreachable(Failure::ConnectTimeout(config.timeout))),
    }
    let order = Order { run, client, number: 0, token: "" };
    if let Ok(Err(fault)) = timeout(session.patience(config.timeout), session.begin(order)).await {
        return Err(misfit(config, fault));
    }
    let settle = config.map.as_ref().and_then(Map::settle);
    let mut looked = settled(&mut session, order, config.timeout, settle).await;
    while let (Some(fresh), Ok(stock)) = (fresh, &looked)
        && fresh.may_be_late(stock.remaining)
    {
        sleep(LOOK_AGAIN).await;
        looked = settled(&mut session, order, config.timeout, settle).await;
    }
    let stock = checked(config, shop, looked)?;
    // An idle connection would stand in the way of a shop that serves one at a time.
    let first = config.map.as_ref().is_some_and(Map::is_flow).then_some(session);
    Ok((stock, first))
}

/// What stops a run whose map does not fit the shop.
pub(super) fn misfit(config: &RunConfig, fault: FlowFault) -> PreparationError {
    let map = config.map.as_ref().map(|map| map.file().to_owned()).unwrap_or_default();
    PreparationError::Misfit { fault: Box::new(fault), url: config.url.clone(), map }
}

/// What the first look has found; a run that could not be judged for the lack of it does not begin.
fn checked(
    config: &RunConfig,
    shop: &Shop,
    looked: Result<Stock, NoStock>,
) -> Result<Result<Stock, String>, PreparationError> {
    let NoStock { reason, hint, answer } = match looked {
        Ok(stock) => return Ok(Ok(stock)),
        Err(error) => error,
    };
    let has_search = shop.map.as_ref().is_some_and(|map| map.members.search.is_some());
    match answer {
        answer if has_search && config.initial.is_none() => {
            let answer = answer.map(|(_, answer)| answer);
            Err(PreparationError::NoCount { reason, hint, answer })
        }
        Some((status @ (401 | 403 | 404 | 405), answer)) if shop.map.is_none() => {
            let (url, base) = (config.url.clone(), config.location.base().to_owned());
            let answer = without_secrets(&config.secrets, &answer);
            Err(PreparationError::Foreign { url, base, status, answer })
        }
        _ => Ok(Err(reason)),
    }
}

/// `answer` with the names of variables where their values stand.
fn without_secrets(secrets: &[(String, Secret)], answer: &str) -> String {
    let names: Vec<String> = secrets.iter().map(|(name, _)| format!("${{env:{name}}}")).collect();
    let values = secrets.iter().map(|(_, Secret(value))| value.as_str());
    masked(answer, values.zip(names.iter().map(String::as_str)))
}

/// Takes out of `header` what an answer said of the start that may have been of before it.
pub(super) fn forget_start(header: &mut Header) {
    (header.initial, header.sold) = (None, None);
    (header.held, header.revision) = (None, None);
}

/// Whether what the shop says may be of before.
pub(super) fn tells_late(config: &RunConfig) -> bool {
    config.map.as_ref().is_some_and(|map| map.members.counts == CountTiming::Late)
}

/// Looks whether the first sale, of `quantity` and alone, shows in what is left. Where it does not at once, the count
/// that the run began with may have been as late: then it is what is told behind the sale, and that. Where it never
/// does, the count is kept for longer, or does not go beyond some number, and nobody knows what was there.
pub(super) async fn look_behind_sale(
    config: &RunConfig,
    prepared: &mut Prepared,
    (session, order): (&mut Session, Order<'_>),
    quantity: i64,
) {
    let Ok(Stock { remaining: first, .. }) = prepared.stock else { return };
    if config.initial.is_some() || !tells_late(config) {
        return;
    }
    let settle = config.map.as_ref().and_then(Map::settle);
    let expected = first.saturating_sub(quantity);
    let limits = (config.timeout, settle);
    let remaining = told_behind(session, order, limits, (first, expected)).await;
    if remaining == Some(expected) {
        return;
    }
    forget_start(&mut prepared.header);
    prepared.header.initial = remaining.map(|remaining| remaining.saturating_add(quantity));
    prepared.note = Some(match prepared.header.initial {
        Some(began) => format!(
            "it began with {began} left, by what was told behind the first sale; {first} were told ahead of it"
        ),
        None => format!(
            "{first} were told to be left at the start, and the first sale did not show in what was told behind it: \
             how many there were is not known. Where the shop keeps a count, say in `settle` of `[search]` for how \
             long; where it tells no more than some number, leave out `[search]` and `remaining`, and say `--initial`"
        ),
    });
}

/// What is told to be left behind a sale ahead of which `first` were told, where that shows it; who does not answer is
/// asked again.
async fn told_behind(
    session: &mut Session,
    order: Order<'_>,
    (limit, settle): (Duration, Option<Duration>),
    (first, expected): (i64, i64),
) -> Option<i64> {
    let (asked, mut before) = (Instant::now(), None);
    loop {
        let mut told = look(session, order, limit).await;
        let mut stands_still = false;
        if let Ok(Stock { remaining, .. }) = told {
            stands_still = before.replace(remaining) == Some(remaining);
            if remaining != expected && settle.is_some() {
                told = settled(session, order, limit, settle).await;
                stands_still = true;
            }
        }
        match told {
            Ok(Stock { remaining, .. })
                if remaining == expected || (remaining != first && stands_still) =>
            {
                return Some(remaining);
            }
            _ if asked.elapsed() >= LATE_MAX => return None,
            _ => sleep(LOOK_AGAIN).await,
        }
    }
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
    let (run, client) = (prepared.plans[0].run, prepared.plans[0].plan.clients);
    let order = Order { run, client, number: 0, token: "" };
    let configs = TlsConfigs::default();
    let session = Session::to_shop(&prepared.shop, client, Waiting::Shared, &configs);
    let mut session = session.map_err(|error| error.to_string())?;
    let most = prepared.header.initial.map(|initial| i128::from(initial) - i128::from(sold));
    let settle = prepared.shop.map.as_ref().and_then(Map::settle);
    let asked = Instant::now();
    loop {
        let looked = settled(&mut session, order, limit.min(LAST_LOOK_MAX), settle).await;
        let stock = looked.map_err(|error| error.reason)?;
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

async fn look(session: &mut Session, order: Order<'_>, limit: Duration) -> Result<Stock, NoStock> {
    let looked = timeout(session.patience(limit), session.stock(order)).await;
    looked.unwrap_or_else(|_| Err(Failure::Timeout(limit).to_string().into()))
}

/// The same, again and again until it has stood still for `settle`, at most so often.
async fn settled(
    session: &mut Session,
    order: Order<'_>,
    limit: Duration,
    settle: Option<Duration>,
) -> Result<Stock, NoStock> {
    let mut stock = look(session, order, limit).await?;
    let Some(settle) = settle else { return Ok(stock) };
    for _ in 0..SETTLE_LOOKS_MAX {
        sleep(settle).await;
        let again = look(session, order, limit).await?;
        if again.remaining == stock.remaining {
            return Ok(again);
        }
        stock = again;
    }
    let reason = format!("what is left did not stand still for {}", duration::format(settle));
    Err(reason.into())
}

fn header(config: &RunConfig, stock: &Result<Stock, String>, run: u64) -> Header {
    let mut header = Header::new(0);
    header.numbering = config.map.as_ref().map(Map::numbering).unwrap_or_default();
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
        Some(map) => (Some(map.members.counts), Some(Revisions::Increasing)),
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
            retries: if config.retries { Retries::Some } else { Retries::Never },
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
