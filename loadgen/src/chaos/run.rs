//! One chaos: servers, a fleet, faults, and what it all came to.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use rustix::fs::statvfs;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{
    cluster::{Cluster, MemberError},
    config::{ChaosConfig, Kept},
    faults::{Fault, FaultKind, faults},
    injection::{FILLED_BYTES_MAX, Injected, InjectionError, Victims, inject},
    servers::Servers,
};
use crate::{
    history::{CountTiming, Header, Revisions, clock_name, monotonic_ns, signed},
    judge,
    lead::{FleetHistory, HistoryError, HistoryPlace, Interrupts, Led, Stage, lead},
    own_folder::OwnFolder,
    plan::{Holds, Pace, Plan, Work},
    report::JudgedHistory,
    setup::{Delays, Locking},
    shop::{
        Address, HttpSession, Location, LocationError, ServerError, ServerPlan, Shop, Stock,
        TlsConfigs, Waiting, verify,
    },
    words::shell_word,
    worker::{FleetError, Retries, WorkerPlan},
};

/// How the names of its folders begin.
const PREFIX: &str = "loadgen-chaos-";

/// How long the last answers may take, beyond the limit of one.
const LAST_ANSWERS: Duration = Duration::from_secs(20);

/// How long it is tried to hear what is left, once all is over, and how often.
const SETTLING_MAX: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long a server may wait for the lock of another that is stopped.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Why there is no chaos.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// No folder for the counter.
    #[error("cannot make a folder in `{}`: {source}", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Nobody's whole disk is filled.
    #[error(
        "`--folder {}` is on a file system of {bytes} bytes, and `--faults fill` fills the whole of it\n\
         hint: at most {FILLED_BYTES_MAX} bytes are filled; mount a small one, as in \
         `mount -t tmpfs -o size=32m tmpfs {}`", path.display(), shell_word(&path.to_string_lossy())
    )]
    TooLarge {
        /// The folder.
        path: PathBuf,
        /// How large its file system is.
        bytes: u64,
    },
    /// No member of an engine.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// No server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// No way to one.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// No history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// No workers.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// No fault.
    #[error(transparent)]
    Injection(#[from] InjectionError),
}

/// What came of it.
pub(super) struct Chaos {
    /// Where the counter was kept.
    pub(super) db: String,
    /// What the clients saw, and what the judge says.
    pub(super) judged: JudgedHistory,
    /// What was counted.
    pub(super) led: Led,
    /// The faults, in order.
    pub(super) injected: Vec<Injected>,
    /// What was said of the ledger.
    pub(super) ledger: LedgerSaid,
    /// What people should know beside that.
    pub(super) notes: Vec<String>,
}

/// What `server verify` says of the ledger.
#[derive(Debug)]
pub(super) enum LedgerSaid {
    /// Whether it is sound, and in which words.
    Read(bool, String),
    /// Why it was not read.
    Unread(ServerError),
}

impl LedgerSaid {
    async fn of(db: &OsStr) -> Self {
        match verify(db).await {
            Ok((is_sound, said)) => Self::Read(is_sound, said),
            Err(error) => Self::Unread(error),
        }
    }

    /// Whether it is sound, where it was read.
    pub(super) fn is_sound(&self) -> Option<bool> {
        match self {
            Self::Read(is_sound, _) => Some(*is_sound),
            Self::Unread(_) => None,
        }
    }
}

impl Chaos {
    /// How long after the start of the load that was, in nanoseconds.
    pub(super) fn since_start_ns(&self, ns: u64) -> u64 {
        ns.saturating_sub(self.led.start_ns.unwrap_or(0))
    }
}

/// Carries out the chaos of `config`; `watch` hears how far it is.
///
/// # Errors
/// [`RunError`]; nothing is left behind. Answers that are wrong are no error: they are the result.
pub(super) async fn run(
    config: &ChaosConfig,
    interrupts: &mut Interrupts,
    watch: &mut dyn FnMut(Stage<'_>),
) -> Result<Chaos, RunError> {
    let folder = folder(config)?;
    // IMPORTANT: after the folder, so that on an early return members and servers are gone before it goes.
    let mut cluster = Cluster::start(&config.kept, &folder, config.servers).await?;
    let db = |server| match (&config.kept, &cluster) {
        (Kept::At(db), _) => OsString::from(db),
        (_, Some(cluster)) => cluster.db(server),
        (_, None) => folder.path().join("db.txt").into(),
    };
    let dbs = (0..config.servers).map(|server| db(Some(server))).collect();
    let db = db(None);
    let mut servers = Servers::start(server_plan(config, &db), dbs).await?;
    let shops = shops(&servers, config.holds).await?;
    let header = header(config, first_look(&shops[0]).await);
    // The history is no part of what is filled.
    let temporary = std::env::temp_dir();
    let aside = |source| RunError::Folder { path: temporary.clone(), source };
    let aside =
        (config.folder.as_ref()).map(|_| OwnFolder::make(PREFIX, &temporary).map_err(aside));
    let aside = aside.transpose()?;
    let place = HistoryPlace::TemporaryIn(aside.as_ref().unwrap_or(&folder).path().to_owned());
    let history = FleetHistory::begin(&place, &header, u64::MAX)?.expect("there is to be one");
    let plans = worker_plans(config, &shops, &history);
    let targets = (config.servers, config.kept.members());
    let planned = faults(config.seed, (config.rounds, config.round), targets, &config.kinds);
    let limit = config.length() + config.timeout + LAST_ANSWERS;
    let (led, injected) = {
        let (on_begin, begun) = oneshot::channel();
        let mut on_begin = Some(on_begin);
        let mut watch = |stage: Stage<'_>| {
            if let Stage::Running(since, ..) = stage
                && let Some(on_begin) = on_begin.take()
            {
                // Nobody waits for it any more where a fault has failed.
                let _ = on_begin.send(Instant::now() - since);
            }
            watch(stage);
        };
        let load = lead(config.mode, plans, Some(limit), interrupts, &mut watch);
        let (servers, cluster, folder) = (&mut servers, cluster.as_mut(), folder.path());
        let faults = carry_out(&planned, Victims { servers, cluster, folder }, begun);
        let (led, injected) = tokio::join!(load, faults);
        (led?, injected?)
    };
    let held_until = Instant::now() + Duration::from_secs(config.holds.seconds + 1);
    let left = settled(&shops, held_until).await;
    let mut notes = led.notes.clone();
    notes.extend(led.tally.causes.iter().map(|(cause, times)| format!("{cause} ({times} times)")));
    let ended = servers.end_all().await;
    notes.extend(ended.iter().map(ToString::to_string));
    notes.extend(left.as_ref().err().cloned());
    let ledger = LedgerSaid::of(&db).await;
    let left = left.ok();
    let header = Header {
        left: left.map(|(stock, _)| stock.remaining),
        left_revision: left.and_then(|(stock, _)| stock.revision),
        left_held: left.and_then(|(stock, _)| stock.held),
        ended_ns: left.map(|(_, answered_ns)| answered_ns),
        unrecorded: led.tally.unrecorded,
        ..header
    };
    let history = history.complete(&header, &led.lost, led.start_ns)?;
    let mut judgement = judge::judge_history(&history);
    if !ended.is_empty() {
        judgement.doubts.push("a server did not end as it should".to_owned());
    }
    let judged = JudgedHistory::new(history, judgement);
    let db = db.to_string_lossy().into_owned();
    Ok(Chaos { db, judged, led, injected, ledger, notes })
}

/// A folder for the counter, and for the file that fills it; goes away with what it gives.
fn folder(config: &ChaosConfig) -> Result<OwnFolder, RunError> {
    let path = config.folder.clone().unwrap_or_else(std::env::temp_dir);
    let failed = |source| RunError::Folder { path: path.clone(), source };
    if config.kinds.contains(&FaultKind::Fill) {
        let whole = statvfs(&path).map_err(|error| failed(error.into()))?;
        let bytes = whole.f_blocks.saturating_mul(whole.f_frsize);
        if bytes > FILLED_BYTES_MAX {
            return Err(RunError::TooLarge { path, bytes });
        }
    }
    OwnFolder::make(PREFIX, &path).map_err(failed)
}

fn server_plan(config: &ChaosConfig, db: &OsString) -> ServerPlan {
    ServerPlan {
        db: db.clone(),
        listen: ServerPlan::ANYWHERE,
        refunds_by_buyer: true,
        tickets: config.tickets,
        locking: Locking::Group,
        delays: Delays { check: Duration::ZERO, write: Duration::ZERO },
        lock_timeout: LOCK_TIMEOUT,
        flags: config.server_flags.clone(),
    }
}

/// The servers as clients speak to them: each operation has a key, and the same when it is tried again.
async fn shops(servers: &Servers, holds: Holds) -> Result<Vec<Shop>, LocationError> {
    let mut shops = Vec::new();
    for url in servers.urls() {
        let location = Location::parse(&url)?;
        let mut shop = Shop::new(&location, location.resolve().await?, None);
        (shop.sends_keys, shop.holds) = (true, Some(holds));
        shops.push(shop);
    }
    Ok(shops)
}

/// What `shop` has, where it can say so now.
async fn look(shop: &Shop) -> Result<Stock, String> {
    let session = HttpSession::new(shop, Waiting::Shared, &TlsConfigs::default());
    let mut session = session.map_err(|error| error.to_string())?;
    let looked = timeout(SETTLING_MAX, session.stock()).await;
    looked.map_or_else(|_| Err("no answer".to_owned()), |stock| stock.map_err(|error| error.reason))
}

/// What the counter has before anybody buys; `None` where nobody says. A cluster elects a leader first.
async fn first_look(shop: &Shop) -> Option<Stock> {
    let begun = Instant::now();
    loop {
        match look(shop).await {
            Ok(stock) => return Some(stock),
            Err(_) if begun.elapsed() > SETTLING_MAX => return None,
            Err(_) => sleep(LOOK_AGAIN).await,
        }
    }
}

/// What the counter has once all is over, as each of `shops` says: asked until they agree and nothing is held, or
/// until all that was held must have lapsed; with when the last one said so.
async fn settled(shops: &[Shop], held_until: Instant) -> Result<(Stock, u64), String> {
    let begun = Instant::now();
    loop {
        let mut said = Vec::new();
        for shop in shops {
            said.push(look(shop).await);
        }
        let answered_ns = monotonic_ns();
        let stocks: Result<Vec<Stock>, String> = said.into_iter().collect();
        let why = match stocks {
            Ok(stocks) => {
                let last = stocks[stocks.len() - 1];
                let is_one = stocks.iter().all(|stock| *stock == last);
                let is_held = last.held.is_some_and(|held| held > 0);
                if is_one && (!is_held || Instant::now() >= held_until) {
                    return Ok((last, answered_ns));
                }
                "the servers do not agree on what is left".to_owned()
            }
            Err(why) => why,
        };
        if begun.elapsed() > SETTLING_MAX {
            return Err(format!("what is left is not known: {why}"));
        }
        sleep(LOOK_AGAIN).await;
    }
}

async fn carry_out(
    planned: &[Fault],
    victims: Victims<'_, '_>,
    begun: oneshot::Receiver<Instant>,
) -> Result<Vec<Injected>, InjectionError> {
    match begun.await {
        Ok(begun) => inject(planned, victims, begun).await,
        // There is no load.
        Err(_) => Ok(Vec::new()),
    }
}

fn header(config: &ChaosConfig, stock: Option<Stock>) -> Header {
    Header {
        run: Some(format!("chaos-{}-{}", std::process::id(), monotonic_ns())),
        clock: clock_name(),
        label: Some("chaos".to_owned()),
        initial: stock.map(|stock| stock.remaining).or(Some(signed(config.tickets))),
        sold: stock.and_then(|stock| stock.sold),
        held: stock.and_then(|stock| stock.held),
        revision: stock.and_then(|stock| stock.revision),
        counts: Some(CountTiming::Exact),
        // Nobody else knows of the counter.
        revisions: Some(Revisions::Consecutive),
        ..Header::new(config.tickets)
    }
}

/// The load: clients buy, hold, confirm, release, refund and search, and try again what got no final answer.
fn worker_plans(config: &ChaosConfig, shops: &[Shop], history: &FleetHistory) -> Vec<WorkerPlan> {
    let whole_ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let plan = Plan {
        clients: config.clients,
        work: Work::Mix { buy: 6, hold: 3, search: 1 },
        pace: Pace::Closed,
        warm_up_ns: 0,
        end_ns: Some(whole_ns(config.length())),
        requests: None,
        until_sold_out: false,
        waves: None,
        holds: config.holds,
        seed: config.seed,
    };
    let address = |shop: &Shop| Address::Shop(Box::new(shop.clone()));
    (0..config.workers)
        .map(|worker| WorkerPlan {
            worker,
            workers: config.workers,
            plan: plan.clone(),
            addresses: shops.iter().map(address).collect(),
            timeout_ns: whole_ns(config.timeout),
            retries: Retries::ToTheEnd,
            history: Some(history.share()),
            run: config.seed,
        })
        .collect()
}
