//! The subcommand: one lesson after the other, in words as it happens, then as JSON and as a page.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    thread,
    time::Instant,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{
    args::LessonConfig,
    catalogue::LESSONS,
    definition::{Context, Lesson},
    error::LessonError,
    finding::Finding,
    lateness::Lateness,
    outcome::{self, Outcome},
    page, text,
    timeline::Timeline,
};
use crate::{
    exit_code,
    kept_file::KeptFile,
    report::{or_closed, tell_lost, write_json},
};

/// Runs the lessons that `config` names, or lists them all; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) fn show(config: &LessonConfig) -> Result<u8, LessonError> {
    if config.lessons.is_empty() {
        list(config.args.json)?;
        return Ok(exit_code::VALID);
    }
    raise_limit();
    // Before the lessons: a name that cannot be had would be known only when all is over.
    let page = config.args.report.as_deref().map(KeptFile::create).transpose();
    let page = page.map_err(LessonError::NoPage)?;
    let outcomes = run_or_interrupt(config)?;
    let mut lost = Vec::new();
    if config.args.json {
        lost.extend(print_json(&outcome::to_json(&outcomes)).err());
    }
    if let Some(file) = page {
        lost.extend(file.keep_text(&page::render(&outcomes)).map_err(LessonError::Page).err());
    }
    tell_lost(&lost);
    let code = outcome::exit_code(&outcomes);
    Ok(exit_code::or_lost(code, lost.first().map(LessonError::exit_code)))
}

fn list(as_json: bool) -> Result<(), LessonError> {
    if as_json {
        let lesson = |lesson: &Lesson| json!({ "name": lesson.name, "teaches": lesson.teaches });
        return print_json(&json!({ "lessons": LESSONS.each_ref().map(lesson) }));
    }
    or_closed(anstream::stdout().lock().write_all(text::list(&LESSONS).as_bytes()))
        .map_err(LessonError::io("write the result"))
}

fn print_json(value: &Value) -> Result<(), LessonError> {
    or_closed(write_json(&mut io::stdout().lock(), value))
        .map_err(LessonError::io("write the result"))
}

/// Runs on a thread of its own and waits for it here, so that Ctrl-C ends the program at any time:
/// its threads end with it, and the kernel ends its processes.
fn run_or_interrupt(config: &LessonConfig) -> Result<Vec<Outcome>, LessonError> {
    let refused = LessonError::io("start");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let config = config.clone();
    runtime.map_err(&refused)?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(&refused)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(&refused)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(&refused)?;
        // IMPORTANT: after the signals, or one that comes in between leaves the folder behind.
        let folder = tempfile::Builder::new().prefix("loadgen-lesson-").tempdir();
        let folder = folder.map_err(&refused)?;
        let path = folder.path().to_owned();
        let (result, ended) = oneshot::channel();
        let run = move || {
            // Nobody waits for it any more after Ctrl-C.
            let _ = result.send(run_all(&config, &path));
        };
        thread::Builder::new().name("lesson".to_owned()).spawn(run).map_err(&refused)?;
        tokio::select! {
            biased;
            _ = interrupt.recv() => Err(LessonError::Interrupted),
            _ = terminate.recv() => Err(LessonError::Interrupted),
            _ = hangup.recv() => Err(LessonError::Interrupted),
            ended = ended => ended.unwrap_or(Err(LessonError::Stopped)),
        }
    })
}

fn run_all(config: &LessonConfig, folder: &Path) -> Result<Vec<Outcome>, LessonError> {
    let print: fn(&str) = if config.args.json { to_stderr } else { to_stdout };
    let mut outcomes = Vec::new();
    let of = config.lessons.len();
    for (place, &lesson) in config.lessons.iter().enumerate() {
        let context = Context {
            lesson,
            timeline: Timeline::new(print),
            waits: config.waits,
            is_sabotaged: config.args.sabotage,
            with_python: config.args.python,
            folder: folder.join(lesson.name),
            lateness: Lateness::watch(),
        };
        print(&text::opening(lesson, place + 1, of));
        let failed = |source| LessonError::Failed { name: lesson.name, source: Box::new(source) };
        let outcome = run(&context).map_err(failed)?;
        print(&text::ending(&outcome, config.args.sabotage));
        outcomes.push(outcome);
    }
    if of > 1 {
        print(&text::verdicts(&outcomes));
    }
    Ok(outcomes)
}

/// Runs one lesson. What did not happen in time is a finding: unknown.
pub(super) fn run(context: &Context) -> Result<Outcome, LessonError> {
    let began = Instant::now();
    // In a folder that is there: after Ctrl-C it is gone, and must not come back.
    fs::create_dir(&context.folder).map_err(LessonError::io("make a folder"))?;
    let findings = match (context.lesson.run)(context) {
        Err(late @ LessonError::Late { .. }) => {
            let claim = "This machine lets a lesson come to its end";
            vec![Finding::lucky(claim, false, late.to_string())]
        }
        findings => findings?,
    };
    let (scenes, figures) = context.timeline.end();
    let elapsed_s = (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    Ok(Outcome { lesson: context.lesson, findings, scenes, figures, elapsed_s })
}

// Where the reader is gone, nobody is there to be told so.
fn to_stdout(text: &str) {
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

fn to_stderr(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Raises the limit of open files as far as it goes: a hundred processes have two pipes each.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, the lesson that needs more says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
