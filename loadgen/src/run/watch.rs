//! Who watches a run: lines on stderr, and the live view on a terminal.

use super::{config::RunConfig, measure::Stage};
use crate::{
    report::{LiveLine, ProgressLine},
    target::Stock,
};

/// Says how far a run is.
pub(super) struct Watch {
    line: ProgressLine,
    live: LiveLine,
}

impl Watch {
    pub(super) fn new(config: &RunConfig, title: &str, stock: Option<Stock>) -> Self {
        let mut line = ProgressLine::new();
        line.begin(title);
        let _ = config.tui;
        Self { line, live: LiveLine::new(stock.map(|stock| stock.remaining)) }
    }

    /// The run is at `stage`.
    pub(super) fn see(&mut self, stage: Stage<'_>) {
        match stage {
            Stage::Gathering(ready) => self.line.update(|| format!("{ready} clients are ready")),
            Stage::Running(since, tally, recent) => {
                let text = self.live.take_in(since, tally, recent);
                match text {
                    Some(text) if !self.line.is_live() => self.line.begin(&text),
                    Some(text) => self.line.update(|| text),
                    None => {}
                }
            }
        }
    }
}
