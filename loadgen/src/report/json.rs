//! The result as JSON.

use std::io::{self, Write};

use serde::Serialize;

/// Writes `summary` as one JSON object and the end of a line.
///
/// # Errors
/// `out` cannot be written to.
pub(crate) fn write_json(out: &mut impl Write, summary: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, summary)?;
    out.write_all(b"\n")
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
