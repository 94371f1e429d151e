//! What a test could not try on this machine: said where it is seen, though the test passes.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write as _},
};

/// Names the file whose lines `tests/run` shows at its end.
const VARIABLE: &str = "TESTS_LEFT_OUT";

/// Says that `what` was not tried, and why: on standard error itself, since what a test that passes prints is shown to
/// nobody, and to `tests/run`, where that asks for it.
///
/// # Panics
/// When the file that `tests/run` names cannot be written.
#[track_caller]
pub fn left_out(what: &str, why: &str) {
    let line = format!("left out: {what}: {why}\n");
    let _ = io::stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os(VARIABLE) {
        let file = OpenOptions::new().append(true).create(true).open(path);
        // One call to the system a line: other tests write, too.
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the file of `tests/run`");
    }
}
