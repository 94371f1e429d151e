//! The show: prepare, measure, judge, tell.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    config::RunConfig,
    drawing::drawn,
    ending,
    preparation::{PreparationError, Prepared, last_look, prepare},
    restock::restock,
    result::{Ended, measurement},
    trial::{is_due, try_out},
    watch::Watch,
};
use crate::{
    exit_code,
    history::{Header, History, Links},
    judge::{Judgement, judge_history},
    kept_file::{KeepError, KeptFile},
    lead::{HistoryError, Interrupts, Stage, lead},
    report::{JudgedHistory, Measurement, measured_text, or_closed, write_json},
    tally::Tally,
    words::crowd,
    worker::{FleetError, Needs, TooFewFiles, make_room},
};

/// The flags that ask for files.
const OUTPUT: &str = "--output";
const REPORT: &str = "--report";

/// How many notes are shown.
const NOTES_MAX: usize = 10;

/// What a run that is stopped waits for beyond its end and one answer's limit.
const GRACE: Duration = Duration::from_secs(10);

/// How long after the last hold must have lapsed its tickets are waited for.
const LATE_HOLDS: Duration = Duration::from_secs(1);

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// More clients than open files.
    #[error(transparent)]
    TooFewFiles(#[from] TooFewFiles),
    /// It cannot begin.
    #[error(transparent)]
    Preparation(#[from] PreparationError),
    /// A file that was asked for cannot be had.
    #[error("`{flag}`: {source}")]
    Keep {
        /// The flag that asked for it.
        flag: &'static str,
        /// Why not.
        source: KeepError,
    },
    /// No workers.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// No event loop, no signals.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
}

impl RunError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::TooFewFiles(_) | Self::Preparation(_) => exit_code::USAGE,
            Self::Keep { source, .. } => source.exit_code(),
            Self::Fleet(_) | Self::Start(_) | Self::Write(_) => exit_code::INTERNAL,
        }
    }
}

/// Carries out the run that `config` describes and prints its result; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) fn show(config: &RunConfig) -> Result<u8, RunError> {
    make_room(Needs {
        flag: ("-c", config.plan.clients),
        mode: config.mode,
        workers: config.workers,
        clients: config.plan.clients,
        servers: 0,
    })?;
    // Before the run: a name that cannot be had would be known only when all has been seen.
    let begin = |path: &Option<PathBuf>| path.as_deref().map(KeptFile::create).transpose();
    let files = Files {
        result: begin(&config.output).map_err(keep_error(OUTPUT))?,
        page: begin(&config.report).map_err(keep_error(REPORT))?,
    };
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Start)?;
    let shown = runtime.block_on(run(config, files));
    runtime.shutdown_background();
    shown
}

/// What is kept of a run beside its history.
struct Files {
    /// The result as JSON.
    result: Option<KeptFile>,
    page: Option<KeptFile>,
}

fn keep_error(flag: &'static str) -> impl Fn(KeepError) -> RunError {
    move |source| RunError::Keep { flag, source }
}

/// Carries out the run that `config` describes and judges it; says nothing to anybody. `None` where it was
/// interrupted before its end.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) async fn judged(
    config: &RunConfig,
    interrupts: &mut Interrupts,
) -> Result<Option<JudgedHistory>, RunError> {
    let (prepared, trial) = begun(config).await?;
    let (ended, judged) = ended(config, (prepared, &trial), interrupts, &mut |_| {}).await?;
    Ok((!ended.led.was_interrupted).then_some(judged))
}

async fn begun(config: &RunConfig) -> Result<(Prepared, Tally), PreparationError> {
    let mut prepared = prepare(config).await?;
    let trial = try_out(config, &mut prepared).await?;
    Ok((prepared, trial))
}

async fn run(config: &RunConfig, files: Files) -> Result<u8, RunError> {
    let mut interrupts = Interrupts::new().map_err(RunError::Start)?;
    let (prepared, trial) = tokio::select! {
        begun = begun(config) => begun?,
        () = interrupts.next() => {
            let sent = if is_due(config) { "; one purchase may have been sent, to try the map out" } else { "" };
            anstream::eprintln!("interrupted before the start{sent}");
            return Ok(exit_code::INTERRUPTED);
        }
    };
    if config.map.is_some() && !config.location.base().is_empty() {
        let base = config.location.base();
        anstream::eprintln!("note: every path of the map begins with the URL's, `{base}`");
    }
    let mut watch = Watch::new(config, &title(config), prepared.header.initial);
    let see = &mut |stage: Stage<'_>| watch.see(stage);
    let (ended, judged) = ended(config, (prepared, &trial), &mut interrupts, see).await?;
    drop(watch);
    let measurement = measurement(config, &ended, &judged);
    // The words first: a file that cannot be written must not take them along, nor the other file.
    tell(config, &ended, &judged, &measurement).map_err(RunError::Write)?;
    let result = files.result.map_or(Ok(()), |mut file| {
        let written = file.add(|mut out| write_json(&mut out, &measurement));
        written.and_then(|()| file.keep()).map_err(keep_error(OUTPUT))
    });
    let page = files.page.map_or(Ok(()), |file| {
        file.keep_text(&drawn(config, &ended, &judged).html).map_err(keep_error(REPORT))
    });
    result.and(page)?;
    let verdict = measurement.is_judged.then_some(measurement.verdict);
    Ok(ending::exit_code(measurement.interrupted, verdict, &measurement.thresholds))
}

/// Lets the fleet do what was prepared, looks at what is left, and judges.
async fn ended(
    config: &RunConfig,
    (prepared, trial): (Prepared, &Tally),
    interrupts: &mut Interrupts,
    see: &mut dyn FnMut(Stage<'_>),
) -> Result<(Ended, JudgedHistory), RunError> {
    let plans = prepared.plans.clone();
    let (leads, over) = oneshot::channel::<()>();
    let led = async {
        let led = lead(config.mode, plans, limit(config), interrupts, see).await;
        drop(leads);
        led
    };
    let (led, restocked) = tokio::join!(led, restock(config, &prepared, over));
    let mut led = led?;
    led.tally.merge(trial);
    led.notes.extend(restocked.notes);
    // As many as are taken off what there was at the start.
    let sold = led.tally.sold_net().saturating_sub(restocked.tickets);
    let held_until = config.plan.work.holds().then(|| {
        Instant::now()
            + Duration::from_nanos(Links::lapse_ns(config.plan.holds.seconds))
            + LATE_HOLDS
    });
    let held_until = held_until.filter(|_| !led.was_interrupted);
    let (left, was_interrupted) = tokio::select! {
        left = last_look(&prepared, sold, held_until, config.timeout) => (left, false),
        () = interrupts.next() => (Err("interrupted".to_owned()), true),
    };
    let mut ended = Ended { prepared, led, restocked: restocked.tickets, left };
    ended.led.was_interrupted |= was_interrupted;
    let judged = tokio::select! {
        judged = judge(&ended) => judged,
        () = interrupts.next() => {
            ended.led.was_interrupted = true;
            unjudged("judging was interrupted".to_owned())
        }
    };
    Ok((ended, judged))
}

fn title(config: &RunConfig) -> String {
    format!(
        "{} clients ({}) on {}",
        config.plan.clients,
        crowd(config.workers, config.mode),
        config.url
    )
}

/// How long the run may take in all: its end, and the answers that are open then.
fn limit(config: &RunConfig) -> Option<Duration> {
    let tries = if config.retries { 12 } else { 1 };
    let one = config.map.as_ref().map_or(config.timeout, |map| map.patience(config.timeout));
    config.length.map(|length| config.warm_up + length + one * tries + GRACE)
}

/// No verdict, because of `doubt`.
fn unjudged(doubt: String) -> JudgedHistory {
    let judgement = Judgement { doubts: vec![doubt], ..Judgement::default() };
    JudgedHistory::new(History::default(), judgement)
}

/// Judges on a thread of its own, so that an interrupt is heard meanwhile.
async fn judge(ended: &Ended) -> JudgedHistory {
    let Some(file) = &ended.prepared.history else {
        return unjudged("nothing was recorded".to_owned());
    };
    let (file, led) = (Arc::clone(file), &ended.led);
    let left = ended.left.as_ref().ok();
    let header = Header {
        left: left.map(|look| look.stock.remaining),
        left_revision: left.and_then(|look| look.stock.revision),
        left_held: left.and_then(|look| look.stock.held),
        ended_ns: left.map(|look| look.answered_ns),
        unrecorded: led.tally.unrecorded,
        ..ended.prepared.header.clone()
    };
    let (lost, start_ns) = (led.lost.clone(), led.start_ns);
    let judged = tokio::task::spawn_blocking(move || {
        let history = file.complete(&header, &lost, start_ns)?;
        let judgement = judge_history(&history);
        Ok::<_, HistoryError>(JudgedHistory::new(history, judgement))
    });
    let judged = judged.await;
    match judged {
        Ok(Ok(mut judged)) => {
            if let (Ok(_), Err(reason)) = (&ended.prepared.stock, &ended.left) {
                let doubt = format!("what is left at the end could not be asked: {reason}");
                judged.judgement.doubts.push(doubt);
            }
            judged
        }
        Ok(Err(error)) => unjudged(error.to_string()),
        Err(error) => unjudged(format!("the judge failed: {error}")),
    }
}

/// Data to stdout and words to stderr: the text is data, unless JSON is.
fn tell(
    config: &RunConfig,
    ended: &Ended,
    judged: &JudgedHistory,
    measurement: &Measurement,
) -> io::Result<()> {
    let text = measured_text(measurement, &ended.led.tally.clocks, judged, config.latency);
    let mut words = String::new();
    if config.json {
        or_closed(write_json(&mut io::stdout().lock(), measurement))?;
        words.push_str(&text);
    } else {
        or_closed(anstream::stdout().lock().write_all(text.as_bytes()))?;
    }
    // The judge's stand below its verdict.
    let is_other = |note: &&String| !judged.notes.contains(note);
    let notes: Vec<&String> = measurement.notes.iter().filter(is_other).collect();
    for note in notes.iter().take(NOTES_MAX) {
        words.push_str(&format!("note: {note}\n"));
    }
    if notes.len() > NOTES_MAX {
        words.push_str(&format!("note: and {} more notes\n", notes.len() - NOTES_MAX));
    }
    or_closed(anstream::stderr().lock().write_all(words.as_bytes()))
}
