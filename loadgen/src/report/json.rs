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
