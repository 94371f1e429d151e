//! The command line of the server.

use std::{ffi::OsString, process::ExitCode};

/// Runs the server's command line: `args` as typed, the program's name first.
///
/// It is a function so that `loadgen` can start a server without a second binary.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    drop(args);
    ExitCode::FAILURE
}
