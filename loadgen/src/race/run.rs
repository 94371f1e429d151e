//! One run: a fresh counter, a fleet, a judge.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{config::RaceConfig, holds, own_counter::OwnCounter};
use crate::{
    history::{Header, History, Places, Revisions, clock_name, monotonic_ns},
    judge::{self, Counts, Evidence, Untried},
    lead::{FleetHistory, HistoryError, HistoryPlace, Interrupts, Led, Stage, lead},
    plan::{Pace, Plan, Work},
    report::{Held, JudgedHistory, JudgedRun, RunSummary},
    setup::{Locking, Mode},
    shop::{
        Address, CounterError, Ending, ServerError, ServerPlan, SpawnedServer, create_counter,
        read_ending, verify,
    },
    waits::{cost, waits},
    worker::{FleetError, Retries, WorkerPlan},
};

/// How long a server may take to reach what its counter is kept in before somebody else looks there; and where that one
/// finds it, at most, as on a machine that is slow.
const REACH_MAX: Duration = Duration::from_secs(30);
const SLOW_MAX: Duration = Duration::from_secs(300);

/// How long to rest before it is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Why a run cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// No folder for the counter.
    #[error("cannot make a temporary folder: {0}")]
    Folder(io::Error),
    /// No counter.
    #[error(transparent)]
    Counter(#[from] CounterError),
    /// No server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The servers cannot sell from where the counter is to be.
    #[error("nothing is sold from {place}: {said}")]
    Elsewhere {
        /// Where that is.
        place: String,
        /// What is said of it.
        said: String,
    },
    /// No history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// No workers.
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

/// Runs the race once, under `locking`; `watch` hears how far it is.
///
/// # Errors
/// The run cannot be carried out. Answers that are wrong are no error: they are the result.
pub(super) async fn run(
    config: &RaceConfig,
    locking: Locking,
    interrupts: &mut Interrupts,
    watch: &mut dyn FnMut(Stage<'_>),
) -> Result<JudgedRun, RunError> {
    let folder =
        tempfile::Builder::new().prefix("loadgen-race-").tempdir().map_err(RunError::Folder)?;
    let db = folder.path().join("db.txt");
    // IMPORTANT: after the folder, so that on an early return the servers are gone before it goes.
    let servers = start_servers(config, locking, &db).await?;
    if let Some(own) = &config.own {
        wait_for(&servers, own).await?;
    }
    let header = header(config, locking);
    let file = HistoryPlace::File(folder.path().join("history.ndjson"));
    let file = FleetHistory::begin(&file, &header, u64::MAX)?.expect("there is to be one");
    let plans = worker_plans(config, &addresses(config, locking, &db, &servers), &file);
    // A search and a purchase, each up to its limit, and time to say so; with holds, two tries and a confirm.
    let calls = if config.holds.is_some() { 4 } else { 2 };
    let held = config.holds.map_or(Duration::ZERO, |holds| Duration::from_secs(holds.seconds + 1));
    let limit = config.timeout * calls + held + Duration::from_secs(10);
    let led = lead(config.mode, plans, Some(limit), interrupts, watch).await?;
    let held = match (&config.holds, servers.first()) {
        (Some(holds), Some(server)) => holds::held_at_the_end(server.url(), holds).await,
        _ => None,
    };
    let mut last_words = Vec::new();
    for server in servers {
        if let Err(error) = server.stop().await {
            last_words.push(error.to_string());
        }
    }
    let (ending, is_sound) = match &config.own {
        Some(own) => ending_of(own).await,
        None => (read_ending(&db).map_err(|error| error.to_string()), true),
    };
    let left = ending.as_ref().ok();
    let header = Header {
        left: left.map(|ending| ending.left),
        left_revision: left.and_then(|ending| ending.revision),
        left_held: held.map(|(held, _)| held),
        ended_ns: held.map(|(_, answered_ns)| answered_ns),
        unrecorded: led.tally.unrecorded,
        ..header
    };
    let mut history = file.complete(&header, &led.lost, led.start_ns)?;
    history.places = Places::default();
    if ending.is_err() {
        let place = config.own.as_ref().map_or("`db.txt`", OwnCounter::shown);
        history.lacks.push(format!("what is left in {place} could not be read"));
    }
    let mut judged_run = judge_run(config, locking, history, &led);
    if !last_words.is_empty() {
        judged_run.judged.judgement.doubts.push("a server did not end as it should".to_owned());
    }
    if !is_sound {
        judged_run
            .judged
            .judgement
            .doubts
            .push("`server verify` does not find it sound".to_owned());
    }
    judged_run.summary.verdict = judged_run.judged.verdict();
    judged_run.notes.extend(notes(led));
    judged_run.notes.extend(last_words);
    judged_run.notes.extend(ending.err());
    let sold_from = |own: &OwnCounter| format!("sold from {}, which was made for it", own.shown());
    judged_run.notes.extend(config.own.as_ref().map(sold_from));
    if let Err(error) = folder.close() {
        judged_run.notes.push(format!("a temporary folder stays behind: {error}"));
    }
    Ok(judged_run)
}

/// What people should know of a fleet beside its history.
fn notes(led: Led) -> Vec<String> {
    let mut notes = led.notes;
    if led.never_ready > 0 {
        notes.push(format!("{} ended before the start and bought nothing", led.never_ready));
    }
    notes.extend(led.tally.causes.iter().map(|(cause, times)| match times {
        1 => cause.clone(),
        _ => format!("{cause} ({times} times)"),
    }));
    notes
}

/// The first server creates the counter, and the others find it; with none, the race creates it.
async fn start_servers(
    config: &RaceConfig,
    locking: Locking,
    db: &Path,
) -> Result<Vec<SpawnedServer>, RunError> {
    if config.is_direct() {
        create_counter(db, config.tickets)?;
    }
    let plan = ServerPlan {
        db: config.own.as_ref().map_or(db.as_os_str(), OwnCounter::db).to_owned(),
        listen: ServerPlan::ANYWHERE,
        refunds_by_buyer: false,
        tickets: config.tickets,
        locking,
        delays: config.delays,
        lock_timeout: config.timeout,
        flags: Vec::new(),
    };
    let mut servers = Vec::new();
    for _ in 0..config.servers {
        servers.push(SpawnedServer::start(&plan).await?);
    }
    Ok(servers)
}

/// Waits until all of `servers` sell from `own`: one listens before it has reached that.
async fn wait_for(servers: &[SpawnedServer], own: &OwnCounter) -> Result<(), RunError> {
    let begun = Instant::now();
    let mut until = begun + REACH_MAX;
    for server in servers {
        while !holds::is_told(server.url()).await {
            if Instant::now() >= until {
                let (is_sound, said) = verify(own.db()).await?;
                if !is_sound || begun.elapsed() >= SLOW_MAX {
                    let said = said.lines().next().unwrap_or_default().to_owned();
                    return Err(RunError::Elsewhere { place: own.shown().to_owned(), said });
                }
                until = Instant::now() + REACH_MAX;
            }
            sleep(ASK_AGAIN).await;
        }
    }
    Ok(())
}

/// What is left in `own` once nobody sells from it any more, and whether all of it is sound: read anew.
async fn ending_of(own: &OwnCounter) -> (Result<Ending, String>, bool) {
    match verify(own.db()).await {
        Ok((is_sound, said)) => (counts_in(&said).ok_or(said), is_sound),
        Err(error) => (Err(error.to_string()), true),
    }
}

/// The counts in what `server verify` has `said`: `…: 3 batches, 12 records, count 0, sold 10, revision 12`.
fn counts_in(said: &str) -> Option<Ending> {
    let (_, counts) = said.lines().find_map(|line| line.split_once(" records, "))?;
    let number = |name: &str| {
        let of_name = |part: &str| part.strip_prefix(name)?.trim().parse::<u64>().ok();
        counts.split(", ").find_map(of_name)
    };
    let left = number("count ").and_then(|count| i64::try_from(count).ok())?;
    Some(Ending { left, revision: number("revision ") })
}

fn addresses(
    config: &RaceConfig,
    locking: Locking,
    db: &Path,
    servers: &[SpawnedServer],
) -> Vec<Address> {
    if config.is_direct() {
        return vec![Address::File {
            path: db.to_owned(),
            locked: locking != Locking::None,
            check_delay_ns: whole_ns(config.delays.check),
            write_delay_ns: whole_ns(config.delays.write),
        }];
    }
    servers.iter().map(|server| Address::Server { url: server.url().to_owned() }).collect()
}

/// The race: every client searches once and then buys once. Each has a worker of its own, but for
/// tasks, which all share one event loop.
fn worker_plans(
    config: &RaceConfig,
    addresses: &[Address],
    history: &FleetHistory,
) -> Vec<WorkerPlan> {
    let workers = if config.mode == Mode::Task { 1 } else { config.workers };
    let plan = Plan {
        clients: config.workers,
        work: if config.holds.is_some() { Work::SearchThenHold } else { Work::SearchThenBuy },
        pace: Pace::Closed,
        warm_up_ns: 0,
        end_ns: None,
        requests: None,
        until_sold_out: false,
        waves: None,
        holds: config.holds.unwrap_or_default(),
        seed: 0,
    };
    (0..workers)
        .map(|worker| WorkerPlan {
            worker,
            workers,
            plan: plan.clone(),
            addresses: addresses.to_vec(),
            timeout_ns: whole_ns(config.timeout),
            retries: Retries::Never,
            history: Some(history.share()),
            run: 0,
        })
        .collect()
}

fn header(config: &RaceConfig, locking: Locking) -> Header {
    Header {
        run: Some(format!("race-{}-{}-{locking}", std::process::id(), monotonic_ns())),
        clock: clock_name(),
        label: Some(locking.name().to_owned()),
        // Nobody else knows of the counter.
        revisions: Some(Revisions::Consecutive),
        ..Header::new(config.tickets)
    }
}

fn judge_run(config: &RaceConfig, locking: Locking, history: History, led: &Led) -> JudgedRun {
    let (header, operations) = (&history.header, &history.operations);
    let mut notes = Vec::new();
    let evidence = Evidence { header, operations, lacks: &history.lacks };
    let counts = judge::count(&evidence);
    let mut judgement = judge::judge_history(&history);
    let held = config.holds.map(|_| holds::ends(operations, header.left_held));
    if config.holds.is_some() && header.left_held.is_none() {
        notes.push("how many tickets are held at the end is not known".to_owned());
    }
    // A race for holds is for what comes back of them too.
    if held.is_some_and(|held| held.lapsed == 0) {
        judgement.doubts.push("no hold lapsed".to_owned());
    }
    // Whoever was refused tries once more.
    let counts = Counts { sold_out: held.map_or(counts.sold_out, |held| held.refused), ..counts };
    let elapsed =
        Duration::from_nanos(led.tally.answered_ns.saturating_sub(led.start_ns.unwrap_or(0)));
    // A race is for the last ticket.
    if judgement.untried.contains(&Untried::SoldOut) {
        judgement.doubts.push("nobody was told sold out".to_owned());
    }
    let summary = RunSummary {
        locking,
        mode: config.mode,
        direct: config.is_direct(),
        servers: config.servers,
        workers: config.workers,
        tickets: config.tickets,
        counts: Counts { errors: errors(config, &counts, held), ..counts },
        holds: held,
        left: header.left.filter(|left| *left >= 0),
        elapsed_s: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
        cost: cost(&waits(operations)),
        verdict: judgement.verdict(),
    };
    let judged = JudgedHistory::new(history, judgement);
    JudgedRun { is_safe: locking.is_safe(config.servers), summary, judged, notes }
}

/// Durations come from flags of at most a day each, far below what 64 bits hold.
fn whole_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Whoever did not buy, was not told "sold out" and has no purchase of unknown outcome failed: also a worker
/// that could not begin, or was gone before it asked.
fn errors(config: &RaceConfig, counts: &Counts, held: Option<Held>) -> u64 {
    let lapsed = held.map_or(0, |held| held.lapsed);
    let answered = counts.sold + counts.sold_out + counts.unknown + lapsed;
    u64::from(config.workers).saturating_sub(answered)
}
