//! What a line of the log looks like, and how the program says one.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    ffi::OsString,
    fmt::Display,
    io::{self, IsTerminal as _, Write},
    panic, thread,
    time::Duration,
};

use clap::ValueEnum;

use super::queue::Queue;

/// The lines of this process: they have one standard error, as `tracing` has one subscriber.
static LINES: Queue = Queue::new();

/// How long the end of the program waits for whoever reads its log.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Time (RFC 3339), level, words, and then members such as `status=201`.
    #[default]
    Text,
    /// One JSON object: `timestamp`, `level`, `message`, and further members.
    Json,
}

/// The log of this process; what was said is written when it is dropped, where somebody reads it.
#[derive(Debug)]
pub struct Log(());

/// Begins the log of this process.
///
/// # Errors
/// Where the system has no room for the thread that writes it.
///
/// # Panics
/// Where it has begun already.
pub fn begin(format: LogFormat) -> io::Result<Log> {
    let write = || {
        LINES.write_to(io::stderr(), || {
            let dropped = dropped();
            tracing::warn!(
                "lines of the log were lost, {dropped} so far: nobody read it, or it could not be written"
            );
        })
    };
    thread::Builder::new().name("log".to_owned()).spawn(write)?;
    // The writer has the lock of standard error while it waits, and a panic is told under it.
    panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        say(format_args!("thread '{}' {panic}", thread.name().unwrap_or("<unnamed>")));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            say(backtrace);
        }
    }));
    let log = tracing_subscriber::fmt()
        .with_writer(|| Line)
        .with_target(false)
        // Told on standard error, which may be one that nobody reads.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_ansi(is_coloured()).init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
        }
    }
    Ok(Log(()))
}

impl Drop for Log {
    fn drop(&mut self) {
        settle();
    }
}

/// Says a line on standard error, also where nobody reads it any more: whoever started this may have gone.
pub fn say(line: impl Display) {
    LINES.push(format!("{line}\n").as_bytes());
}

/// Tells a result on standard output, in the same way: what was done is done, and its exit code says so.
pub fn tell(line: impl Display) {
    // On a terminal what was said before it stands before it.
    settle();
    let _ = writeln!(io::stdout(), "{line}");
}

/// Waits until what was said is written, but not for ever: a pipe may be full, and a terminal stopped.
pub fn settle() {
    LINES.settle(PATIENCE);
}

/// How many lines were lost so far: nobody read those before them, or they could not be written.
pub fn dropped() -> u64 {
    LINES.dropped()
}

fn is_coloured() -> bool {
    let no_color: Option<OsString> = std::env::var_os("NO_COLOR").filter(|value| !value.is_empty());
    io::stderr().is_terminal() && no_color.is_none()
}

/// What one event is written to: it comes as a whole.
struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
