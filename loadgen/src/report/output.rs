//! How a result is told: data to stdout and words to stderr, as people or the runner of a CI read them.

use std::{
    fmt::Display,
    io::{self, Write},
};

use serde::Serialize;

use super::github::Annotation;
use crate::runner::{coloured_for_runner, for_runner, json_for_runner, json_without_controls};

/// Writes `summary` as one JSON object and the end of a line.
///
/// # Errors
/// `out` cannot be written to.
pub(crate) fn write_json(out: &mut impl Write, summary: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", json_without_controls(serde_json::to_string(summary)?))
}

/// Prints `summary` as one JSON object on stdout.
///
/// # Errors
/// stdout cannot be written to.
pub(crate) fn print_json(summary: &impl Serialize) -> io::Result<()> {
    let json = json_for_runner(serde_json::to_string(summary)?);
    or_closed(writeln!(io::stdout().lock(), "{json}"))
}

/// Prints `text`, which is data: with our colours, and whoever is quoted in it is plain.
///
/// # Errors
/// stdout cannot be written to.
pub(crate) fn print_data(text: String) -> io::Result<()> {
    or_closed(anstream::stdout().lock().write_all(coloured_for_runner(text).as_bytes()))
}

/// Prints `text`, which is for people: as [`print_data`].
///
/// # Errors
/// stderr cannot be written to.
pub(crate) fn print_words(text: String) -> io::Result<()> {
    or_closed(anstream::stderr().lock().write_all(coloured_for_runner(text).as_bytes()))
}

/// Says one line to people. Whether anybody reads it or not: no result is lost for that.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{}", for_runner(line));
}

/// Says this to GitHub's runner, which reads what goes to stderr too: stdout may be JSON.
pub(crate) fn annotate(annotation: &Annotation) {
    let _ = writeln!(io::stderr(), "{annotation}");
}

/// Says what a show could not keep, beside the result that it has.
pub(crate) fn tell_lost(lost: &[impl Display]) {
    for error in lost {
        say(&format!("error: {error}"));
    }
}

/// A reader that has seen enough, as `head` has, is no error.
///
/// # Errors
/// Any other that `written` holds.
pub(crate) fn or_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
