//! The show: prepare, measure, judge, tell.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::{
    config::{HistoryPlace, RunConfig},
    ending,
    judged::{Remains, judge_history},
    measure::{Interrupts, Measured, measure},
    preparation::{PreparationError, Prepared, last_look, prepare},
    watch::Watch,
};
use crate::{
    exit_code,
    history::{Header, History},
    judge::Judgement,
    latency::Percentiles,
    report::{
        JudgedHistory, Measurement, Rule, crowd, first_violations, measured_text, or_closed,
        write_json,
    },
    target::Stock,
    worker::{FleetError, Needs, TooFewFiles, make_room},
};

/// How many notes are shown.
const NOTES_MAX: usize = 10;

/// How much of the asked rate has to be reached.
const REACHED: f64 = 0.99;

/// What a run that is stopped waits for beyond its end and one answer's limit.
const GRACE: Duration = Duration::from_secs(10);

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// More clients than open files.
    #[error(transparent)]
    TooFewFiles(#[from] TooFewFiles),
    /// It cannot begin.
    #[error(transparent)]
    Preparation(#[from] PreparationError),
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
            Self::Fleet(_) | Self::Start(_) | Self::Write(_) => exit_code::INTERNAL,
        }
    }
}

/// A run that is over, before it is judged.
struct Ended {
    prepared: Prepared,
    measured: Measured,
    left: Result<Stock, String>,
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
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Start)?;
    let shown = runtime.block_on(run(config));
    runtime.shutdown_background();
    shown
}

async fn run(config: &RunConfig) -> Result<u8, RunError> {
    let mut interrupts = Interrupts::new().map_err(RunError::Start)?;
    let prepared = tokio::select! {
        prepared = prepare(config) => prepared?,
        () = interrupts.next() => {
            anstream::eprintln!("interrupted before the start");
            return Ok(exit_code::INTERRUPTED);
        }
    };
    let mut watch = Watch::new(config, &title(config), prepared.header.initial);
    let plans = prepared.plans.clone();
    let limit = limit(config);
    let see = &mut |stage: super::measure::Stage<'_>| watch.see(stage);
    let measured = measure(config.mode, plans, limit, &mut interrupts, see).await?;
    drop(watch);
    let left = last_look(&prepared.shop, config.timeout).await;
    let mut ended = Ended { prepared, measured, left };
    let judged = tokio::select! {
        judged = judge(&ended) => judged,
        () = interrupts.next() => {
            ended.measured.was_interrupted = true;
            unjudged("judging was interrupted".to_owned())
        }
    };
    tell(config, &ended, &judged).map_err(RunError::Write)
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
    config.length.map(|length| config.warm_up + length + config.timeout * tries + GRACE)
}

/// No verdict, because of `doubt`.
fn unjudged(doubt: String) -> JudgedHistory {
    let judgement = Judgement { violations: Vec::new(), doubts: vec![doubt] };
    JudgedHistory { history: History::default(), judgement, notes: Vec::new() }
}

/// Judges on a thread of its own, so that an interrupt is heard meanwhile.
async fn judge(ended: &Ended) -> JudgedHistory {
    let Some(file) = &ended.prepared.history else {
        return unjudged("nothing was recorded".to_owned());
    };
    let left = ended.left.as_ref().ok();
    let remains = Remains {
        path: file.path().to_owned(),
        header: Header {
            left: left.map(|stock| stock.remaining),
            left_revision: left.and_then(|stock| stock.revision),
            ..ended.prepared.header.clone()
        },
        start_ns: ended.measured.start_ns,
        lost: ended.measured.lost.clone(),
        unrecorded: ended.measured.tally.unrecorded,
    };
    let judged = tokio::task::spawn_blocking(move || judge_history(&remains)).await;
    match judged {
        Ok(Ok(judged)) => judged,
        Ok(Err(error)) => unjudged(error.to_string()),
        Err(error) => unjudged(format!("the judge failed: {error}")),
    }
}

/// Data to stdout and words to stderr: the text is data, unless JSON is.
fn tell(config: &RunConfig, ended: &Ended, judged: &JudgedHistory) -> io::Result<u8> {
    let measurement = measurement(config, ended, judged);
    let text = measured_text(&measurement, &ended.measured.tally.clocks, judged, config.latency);
    let mut words = anstream::stderr().lock();
    if config.json {
        words.write_all(text.as_bytes())?;
        or_closed(write_json(&mut io::stdout().lock(), &measurement))?;
    } else {
        or_closed(anstream::stdout().lock().write_all(text.as_bytes()))?;
    }
    for note in measurement.notes.iter().take(NOTES_MAX) {
        writeln!(words, "note: {note}")?;
    }
    if measurement.notes.len() > NOTES_MAX {
        writeln!(words, "note: and {} more notes", measurement.notes.len() - NOTES_MAX)?;
    }
    Ok(ending::exit_code(measurement.interrupted, measurement.verdict, &measurement.thresholds))
}

fn measurement<'a>(
    config: &RunConfig,
    ended: &Ended,
    judged: &'a JudgedHistory,
) -> Measurement<'a> {
    let Ended { prepared, measured, left } = ended;
    let tally = &measured.tally;
    let elapsed_s = elapsed_s(config, measured);
    let rate_rps = per_second(tally.intended, elapsed_s);
    let asked = asked(config, measured);
    let thresholds: Vec<Rule> =
        config.thresholds.iter().map(|rule| rule.check(tally, elapsed_s)).collect();
    let (violations, violations_total) = first_violations(judged);
    let mut notes = measured.notes.clone();
    if let Err(reason) = &prepared.stock {
        notes.push(format!("how many tickets there were is not known: {reason}"));
    }
    if let Err(reason) = left {
        notes.push(format!("how many tickets are left is not known: {reason}"));
    }
    Measurement {
        requests: tally.intended,
        elapsed_s: (elapsed_s * 1000.0).round() / 1000.0,
        rate_rps: (rate_rps * 10.0).round() / 10.0,
        asked_rate_rps: asked.map(|(rate, _)| rate),
        asked_rate_reached: asked.map(|(_, is_reached)| is_reached),
        unsent: tally.unsent,
        outcomes: tally.outcomes,
        causes: tally.causes.clone(),
        response_us: Percentiles::of(&tally.clocks.response_ns),
        service_us: Percentiles::of(&tally.clocks.service_ns),
        initial: prepared.header.initial,
        left: left.as_ref().ok().map(|stock| stock.remaining),
        sold_ever: tally.sold_ever,
        mode: config.mode,
        clients: config.plan.clients,
        workers: config.workers,
        seed: config.plan.seed,
        interrupted: measured.was_interrupted,
        history: match &config.history {
            HistoryPlace::File(path) => Some(path.display().to_string()),
            HistoryPlace::Temporary | HistoryPlace::Nowhere => None,
        },
        verdict: judged.verdict(),
        violations,
        violations_total,
        doubts: &judged.judgement.doubts,
        thresholds,
        notes,
    }
}

/// From the end of the warm-up to the last answer; where the time ran out, at least to there.
fn elapsed_s(config: &RunConfig, measured: &Measured) -> f64 {
    let begun_ns = measured.start_ns + config.plan.warm_up_ns;
    let answered = Duration::from_nanos(measured.tally.answered_ns.saturating_sub(begun_ns));
    let asked = match (config.asked(), config.plan.requests) {
        _ if measured.was_interrupted => Duration::ZERO,
        (Some((_, length)), _) => length,
        (None, Some(_)) => Duration::ZERO,
        (None, None) => config.length.unwrap_or_default(),
    };
    answered.max(asked).as_secs_f64()
}

/// The rate that was asked for, on average, and whether it was reached.
fn asked(config: &RunConfig, measured: &Measured) -> Option<(f64, bool)> {
    let (asked, length) = config.asked()?;
    let tally = &measured.tally;
    let due = tally.intended + tally.unsent;
    let asked_rps = asked / length.as_secs_f64().max(f64::MIN_POSITIVE);
    // Poisson arrivals give a little more or less than the average: what was due decides.
    let due_rps = per_second(due, length.as_secs_f64());
    let reached_rps = per_second(tally.intended, elapsed_s(config, measured));
    let is_reached = measured.was_interrupted
        || (count(tally.intended) >= REACHED * count(due) && reached_rps >= REACHED * due_rps);
    Some(((asked_rps * 10.0).round() / 10.0, is_reached))
}

#[expect(clippy::cast_precision_loss, reason = "no run counts to 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

fn per_second(number: u64, seconds: f64) -> f64 {
    count(number) / seconds.max(f64::MIN_POSITIVE)
}
