//! The show: carry out all rounds, and tell what they came to.

use std::{
    env,
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use super::{
    config::RunConfig,
    drawing::drawn,
    ending,
    error::RunError,
    result::{Worst, advise, measurement},
    series::{HISTORY, Series, play},
};
use crate::{
    exit_code,
    history::HistoryFile,
    kept_file::{KeepError, KeptFile},
    latency::Clocks,
    lead::{HistoryPlace, Interrupts},
    report::{
        Annotation, JudgedHistory, Measurement, Part, RoundSummary, Rounds, annotate, annotations,
        check_text, junit, measured_text, print_data, print_json, print_words, products,
        products_table, rounds_table, say, step_summary, tell_lost, write_json,
    },
    runner::is_on_github,
    words::{counted, harmless},
    worker::{Needs, make_room},
};

/// The flags that ask for files.
const OUTPUT: &str = "--output";
const REPORT: &str = "--report";
const JUNIT: &str = "--junit";

/// How many notes are shown.
const NOTES_MAX: usize = 10;

/// Carries out the run that `config` describes and prints its result; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) fn show(config: &RunConfig) -> Result<u8, RunError> {
    let shown = carried_out(config);
    if let Err(error) = &shown
        && is_on_github()
    {
        let why = without_command(config, error.to_string());
        annotate(&Annotation::error("loadgen: not carried out", &why));
    }
    shown
}

fn carried_out(config: &RunConfig) -> Result<u8, RunError> {
    make_room(Needs {
        flag: ("-c", config.plan.clients),
        mode: config.mode,
        workers: config.workers,
        clients: config.plan.clients,
        servers: 0,
    })?;
    // Before the run: a name that cannot be had would be known only when all has been seen.
    let files = Files::begin(config)?;
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Start)?;
    let shown = runtime.block_on(run(config, files));
    runtime.shutdown_background();
    shown
}

/// What is kept of a run.
struct Files {
    /// The result as JSON.
    result: Option<KeptFile>,
    page: Option<KeptFile>,
    junit: Option<KeptFile>,
    /// What the clients of all rounds saw.
    history: Option<HistoryFile>,
}

impl Files {
    fn begin(config: &RunConfig) -> Result<Self, RunError> {
        let begin = |path: &Option<PathBuf>| path.as_deref().map(KeptFile::create).transpose();
        let history = match &config.history {
            HistoryPlace::File(path) if config.has_parts() => Some(HistoryFile::create(path)),
            _ => None,
        };
        Ok(Self {
            result: begin(&config.output).map_err(keep_error(OUTPUT))?,
            page: begin(&config.report).map_err(keep_error(REPORT))?,
            junit: begin(&config.ci.junit).map_err(keep_error(JUNIT))?,
            history: history.transpose().map_err(keep_error(HISTORY))?,
        })
    }
}

fn keep_error(flag: &'static str) -> impl Fn(KeepError) -> RunError {
    move |source| RunError::Keep { flag, source }
}

async fn run(config: &RunConfig, mut files: Files) -> Result<u8, RunError> {
    let mut interrupts = Interrupts::new().map_err(RunError::Start)?;
    let series = play(config, &mut interrupts, &mut files.history).await;
    let Series { rounds, worst, totals, failure, was_interrupted, begun, mut lost, .. } = series;
    if let Some(history) = files.history.filter(|_| !rounds.is_empty()) {
        lost.extend(history.keep().map_err(keep_error(HISTORY)).err());
    }
    let why = failure.as_ref().map(|failure| without_command(config, failure.to_string()));
    let why = why.or(was_interrupted.then(|| "interrupted".to_owned()));
    let part = Part { product: None, ..config.part(begun) };
    let failed = why.as_deref().map(|why| (&part, why));
    let why = why.as_deref();
    let (Some(worst), Some(totals)) = (worst, totals) else {
        // Nothing was measured; what a CI reads says why.
        lost.extend(keep_junit(files.junit, config, None, &[], failed).err());
        tell_lost(&lost);
        annotate_lost(&lost);
        return failure.map_or(Ok(exit_code::INTERRUPTED), Err);
    };
    let has_rounds = config.ci.has_rounds();
    let all = has_rounds.then(|| Rounds::new(config.ci.rounds, rounds.clone()));
    let mut measurement = measurement(&worst, &totals, all);
    if config.has_products() {
        measurement.show_products(products(&rounds), config.plan.clients, config.workers);
        measurement.seed = config.plan.seed.wrapping_add(u64::from(worst.round - 1));
    }
    advise(&worst, &totals, &mut measurement);
    measurement.interrupted = was_interrupted;
    if let HistoryPlace::File(path) = &config.history {
        measurement.history = lost.is_empty().then(|| path.display().to_string());
    }
    // IMPORTANT: the words first, and every file whatever became of the others: none of them takes the result along.
    lost.extend(tell(config, &worst, &measurement, totals.clocks()).map_err(RunError::Write).err());
    if let Some(error) = failure.as_ref() {
        tell_lost(&[error]);
    }
    tell_github(config, &measurement, &worst.judged, why);
    if let Some(mut file) = files.result {
        let written = file.add(|mut out| write_json(&mut out, &measurement));
        let kept = written.and_then(|()| file.keep());
        lost.extend(kept.map_err(keep_error(OUTPUT)).err());
    }
    if let Some(file) = files.page {
        let page = drawn(&worst.config, &worst.ended, &worst.judged, &measurement);
        lost.extend(file.keep_text(&page.html).map_err(keep_error(REPORT)).err());
    }
    let junit = keep_junit(files.junit, config, Some(&measurement), &rounds, failed);
    lost.extend(junit.err());
    tell_lost(&lost);
    annotate_lost(&lost);
    let verdict = measurement.is_judged.then_some(measurement.verdict);
    let failed = failure.as_ref().map(RunError::exit_code);
    let code = ending::exit_code(measurement.interrupted, verdict, failed, &measurement.thresholds);
    Ok(exit_code::or_lost(code, lost.first().map(RunError::exit_code)))
}

/// The same for GitHub.
fn annotate_lost(lost: &[RunError]) {
    for error in lost.iter().filter(|_| is_on_github()) {
        annotate(&Annotation::error("loadgen: not kept", &error.to_string()));
    }
}

/// `why` there is no result, as it may be passed on: a password may stand in the command of `--reset`.
fn without_command(config: &RunConfig, why: String) -> String {
    let command = config.ci.reset.as_ref().map(|reset| reset.command.as_str());
    match command.filter(|command| !command.is_empty()) {
        Some(command) => why.replace(command, "…"),
        None => why,
    }
}

fn keep_junit(
    file: Option<KeptFile>,
    config: &RunConfig,
    measurement: Option<&Measurement<'_>>,
    rounds: &[RoundSummary],
    failure: Option<(&Part, &str)>,
) -> Result<(), RunError> {
    let Some(file) = file else { return Ok(()) };
    let text = junit(&config.url, measurement, rounds, failure);
    let text = text.map_err(RunError::Junit)?;
    file.keep_text(&text).map_err(keep_error(JUNIT))
}

/// Annotations and the summary of the step, where GitHub runs it.
fn tell_github(
    config: &RunConfig,
    measurement: &Measurement<'_>,
    judged: &JudgedHistory,
    failure: Option<&str>,
) {
    if !is_on_github() {
        return;
    }
    let mut shown = annotations(&config.url, measurement);
    shown.extend(failure.map(|failure| Annotation::error("loadgen: not carried out", failure)));
    shown.iter().for_each(annotate);
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let words = check_text(std::slice::from_ref(judged));
    let words = anstream::adapter::strip_str(&words).to_string();
    let summary = step_summary(&config.url, measurement, &words);
    // The runner makes it; a step whose summary is lost has its verdict all the same.
    let written = File::options().append(true).create(true).open(&path);
    if let Err(error) = written.and_then(|mut file| file.write_all(summary.as_bytes())) {
        say(&format!("note: the summary of the step cannot be written: {error}"));
    }
}

/// Data to stdout and words to stderr: the text is data, unless JSON is.
fn tell(
    config: &RunConfig,
    worst: &Worst,
    measurement: &Measurement<'_>,
    clocks: &Clocks,
) -> io::Result<()> {
    let Worst { config: shown, judged, .. } = worst;
    let mut text = String::new();
    text.extend(measurement.rounds.as_ref().map(rounds_table));
    if !measurement.products.is_empty() {
        text.push_str(&products_table(&measurement.products));
    }
    if let Some(part) = measurement.judged_part() {
        let all = match (measurement.rounds.is_some(), measurement.products.is_empty()) {
            (true, false) => "rounds and products",
            (true, true) => "rounds",
            (false, _) => "products",
        };
        let said = format!("\nAll {all} together, and the verdict of {part}:\n\n");
        text.push_str(&harmless(&said));
    }
    text.push_str(&measured_text(measurement, clocks, judged, shown.latency));
    let mut words = String::new();
    let printed = if config.json {
        words.push_str(&text);
        print_json(measurement)
    } else {
        print_data(text)
    };
    // The judge's stand below its verdict.
    let is_other = |note: &&String| !judged.notes.contains(note);
    let notes: Vec<&String> = measurement.notes.iter().filter(is_other).collect();
    for note in notes.iter().take(NOTES_MAX) {
        words.push_str(&harmless(&format!("note: {note}\n")));
    }
    if notes.len() > NOTES_MAX {
        let more = counted(notes.len() - NOTES_MAX, ("more note", "more notes"));
        words.push_str(&format!("note: and {more}\n"));
    }
    // Whatever became of the other.
    let said = print_words(words);
    printed.and(said)
}
