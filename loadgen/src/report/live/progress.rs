//! The progress line on stderr: rewritten in place on a terminal, one plain line a run elsewhere.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use crate::runner::for_runner;

/// Back to the start of the line, and clear it.
const CLEAR: &str = "\r\x1b[2K";

/// A terminal need not be told more often than an eye can see.
const REDRAW_PERIOD: Duration = Duration::from_millis(50);

/// The line that says how far a show is; dropping it clears it.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    is_live: bool,
    drawn_at: Option<Instant>,
}

impl ProgressLine {
    /// A line on stderr.
    pub(crate) fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { is_live: io::stderr().is_terminal() && !is_dumb, drawn_at: None }
    }

    /// Whether it is rewritten in place.
    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }

    /// A new run begins.
    pub(crate) fn begin(&mut self, text: &str) {
        self.drawn_at = None;
        if self.is_live {
            self.draw(text);
        } else {
            put(&format!("{}\n", for_runner(text)));
        }
    }

    /// The run has come this far; said on a terminal only.
    pub(crate) fn update(&mut self, text: impl FnOnce() -> String) {
        let is_due = self.drawn_at.is_none_or(|at| at.elapsed() >= REDRAW_PERIOD);
        if self.is_live && is_due {
            self.draw(&text());
        }
    }

    fn draw(&mut self, text: &str) {
        put(&format!("{CLEAR}{}", for_runner(text)));
        self.drawn_at = Some(Instant::now());
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.is_live {
            put(CLEAR);
        }
    }
}

fn put(text: &str) {
    let mut stderr = io::stderr().lock();
    // Nobody is there to be told that stderr is closed.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
