//! The log: what happens, told on standard error with its time and its level.
//!
//! It never has a receipt, the token of a hold or of an admin, an idempotency key, or a buyer.

use std::{
    ffi::OsString,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use clap::ValueEnum;

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Time (RFC 3339), level, words, and then members such as `status=201`.
    #[default]
    Text,
    /// One JSON object: `timestamp`, `level`, `message`, and further members.
    Json,
}

/// Begins the log of this process.
///
/// # Panics
/// Where it has begun already.
pub fn begin(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        // Told on standard error, by a macro that panics where that is gone, as a terminal may be.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_ansi(is_coloured()).init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
        }
    }
}

/// Says a line on standard error, also where nobody reads it any more: whoever started this may have gone.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Tells a result on standard output, in the same way: what was done is done, and its exit code says so.
pub fn tell(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn is_coloured() -> bool {
    let no_color: Option<OsString> = std::env::var_os("NO_COLOR").filter(|value| !value.is_empty());
    io::stderr().is_terminal() && no_color.is_none()
}
