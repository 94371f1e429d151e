//! Who watches a run: the live view on a terminal, else lines on stderr.

use super::config::RunConfig;
use crate::{
    lead::Stage,
    report::{LiveLine, LiveView, ProgressLine, Screen},
    words::counted,
};

/// Says how far a run is.
pub(super) enum Watch {
    /// Drawn on a terminal.
    Drawn(Box<(Screen, LiveView)>),
    /// One line after the other.
    Said(Box<(ProgressLine, LiveLine)>),
}

impl Watch {
    /// For the run of `config`, which people call `title`, on a shop with `initial` tickets that
    /// sells `sold_max` at most where it is correct, where these are known.
    pub(super) fn new(
        config: &RunConfig,
        title: &str,
        (initial, sold_max): (Option<i64>, Option<i128>),
    ) -> Self {
        if config.tui
            && let Some(screen) = Screen::open()
        {
            let view = LiveView::new(title, (initial, sold_max), config.asked_rps());
            return Self::Drawn(Box::new((screen, view)));
        }
        let mut line = ProgressLine::new();
        line.begin(title);
        Self::Said(Box::new((line, LiveLine::new(sold_max))))
    }

    /// The run is at `stage`.
    pub(super) fn see(&mut self, stage: Stage<'_>) {
        match (self, stage) {
            (Self::Drawn(drawn), Stage::Gathering(_)) => drawn.0.draw(|frame| drawn.1.draw(frame)),
            (Self::Drawn(drawn), Stage::Running(since, tally, _)) => {
                drawn.1.take_in(since, tally);
                drawn.0.draw(|frame| drawn.1.draw(frame));
            }
            (Self::Said(said), Stage::Gathering(ready)) => {
                said.0.update(|| format!("{} ready", counted(ready, ("client is", "clients are"))));
            }
            (Self::Said(said), Stage::Running(since, tally, recent)) => {
                let (line, live) = &mut **said;
                match live.take_in(since, tally, recent) {
                    Some(text) if line.is_live() => line.update(|| text),
                    Some(text) => line.begin(&text),
                    None => {}
                }
            }
        }
    }
}
