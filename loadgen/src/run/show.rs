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
    result::measurement,
    series::{HISTORY, Series, Worst, play},
};
use crate::{
    exit_code,
    history::HistoryFile,
    kept_file::{KeepError, KeptFile},
    latency::Clocks,
    lead::{HistoryPlace, Interrupts},
    report::{
        Annotation, JudgedHistory, Measurement, RoundSummary, Rounds, annotations, check_text,
        for_runner, is_on_github, junit, measured_text, or_closed, products, products_table,
        rounds_table, step_summary, write_json,
    },
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
        anstream::eprintln!(
            "{}",
            Annotation::error("loadgen: not carried out", &error.to_string())
        );
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

/// What `error` says, for whoever reads what is printed: people, or a runner.
pub(crate) fn said(error: &RunError) -> String {
    for_runner(error.to_string())
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
    let series = play(config, &mut interrupts, files.history.as_mut()).await;
    if let Some(history) = files.history.filter(|_| !series.rounds.is_empty()) {
        history.keep().map_err(keep_error(HISTORY))?;
    }
    let Series { rounds, worst, totals, failure, was_interrupted, .. } = series;
    let why = failure.as_ref().map(ToString::to_string);
    let why = why.or(was_interrupted.then(|| "interrupted".to_owned()));
    let (Some(worst), Some(totals)) = (worst, totals) else {
        // Nothing was measured; what a CI reads says why.
        keep_junit(files.junit, config, None, &[], why.as_deref())?;
        return failure.map_or(Ok(exit_code::INTERRUPTED), Err);
    };
    let has_rounds = config.ci.has_rounds();
    let all = has_rounds.then(|| Rounds::new(config.ci.rounds, rounds.clone()));
    let Worst { config: shown, ended, judged } = &worst;
    let mut measurement = measurement(shown, ended, judged, &totals, all);
    if config.has_products() {
        measurement.show_products(products(&rounds), config.plan.clients, config.workers);
    }
    measurement.interrupted = was_interrupted;
    if let HistoryPlace::File(path) = &config.history {
        measurement.history = Some(path.display().to_string());
    }
    // The words first: a file that cannot be written must not take them along, nor the other files.
    tell(config, &worst, &measurement, totals.clocks()).map_err(RunError::Write)?;
    if let Some(error) = failure.as_ref() {
        anstream::eprintln!("error: {}", said(error));
    }
    tell_github(config, &measurement, judged, why.as_deref());
    let result = files.result.map_or(Ok(()), |mut file| {
        let written = file.add(|mut out| write_json(&mut out, &measurement));
        written.and_then(|()| file.keep()).map_err(keep_error(OUTPUT))
    });
    let page = files.page.map_or(Ok(()), |file| {
        file.keep_text(&drawn(shown, ended, judged, &measurement).html).map_err(keep_error(REPORT))
    });
    let junit = keep_junit(files.junit, config, Some(&measurement), &rounds, why.as_deref());
    result.and(page).and(junit)?;
    let verdict = measurement.is_judged.then_some(measurement.verdict);
    let failed = failure.as_ref().map(RunError::exit_code);
    Ok(ending::exit_code(measurement.interrupted, verdict, failed, &measurement.thresholds))
}

fn keep_junit(
    file: Option<KeptFile>,
    config: &RunConfig,
    measurement: Option<&Measurement<'_>>,
    rounds: &[RoundSummary],
    failure: Option<&str>,
) -> Result<(), RunError> {
    let Some(file) = file else { return Ok(()) };
    // A file is passed on, and a password may stand in a command.
    let command = config.ci.reset.as_ref().map(|reset| reset.command.as_str());
    let failure = failure.map(|failure| match command {
        Some(command) => failure.replace(command, "…"),
        None => failure.to_owned(),
    });
    let failure = failure.as_deref();
    let text = junit(&config.url, measurement, rounds, config.ci.has_rounds(), failure);
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
    // The runner reads both, and stdout may be JSON.
    for annotation in shown {
        anstream::eprintln!("{annotation}");
    }
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let words = check_text(std::slice::from_ref(judged));
    let words = anstream::adapter::strip_str(&words).to_string();
    let summary = step_summary(&config.url, measurement, &words);
    // The runner makes it; a step whose summary is lost has its verdict all the same.
    let written = File::options().append(true).create(true).open(&path);
    if let Err(error) = written.and_then(|mut file| file.write_all(summary.as_bytes())) {
        anstream::eprintln!("note: the summary of the step cannot be written: {error}");
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
    if let Some(rounds) = &measurement.rounds {
        text.push_str(&rounds_table(rounds));
        let round = judged.history.header.label.as_deref().unwrap_or_default();
        text.push_str(&format!("\nAll rounds together, and the verdict of {round}:\n\n"));
    }
    if !measurement.products.is_empty() {
        text.push_str(&products_table(&measurement.products));
        let product = judged.history.header.label.as_deref().unwrap_or_default();
        text.push_str(&format!("\nAll products together, and the verdict of {product}:\n\n"));
    }
    text.push_str(&measured_text(measurement, clocks, judged, shown.latency));
    let text = for_runner(text);
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
    or_closed(anstream::stderr().lock().write_all(for_runner(words).as_bytes()))
}
