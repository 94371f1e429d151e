//! How far a run is, in one line.

use std::time::Duration;

use crate::{latency::Percentiles, tally::Tally, words::latency};

/// Plain lines come every second at first, then every ten.
const OFTEN: Duration = Duration::from_secs(10);
const PERIOD: Duration = Duration::from_secs(1);
const PERIOD_LATER: Duration = Duration::from_secs(10);

/// Collects what a run tells of itself until it is time for a line.
#[derive(Debug)]
pub(crate) struct LiveLine {
    sold_max: Option<i128>,
    said_at: Duration,
    since_then: Tally,
}

impl LiveLine {
    /// For a run in which a correct shop sells `sold_max` tickets at most, where that is known.
    pub(crate) fn new(sold_max: Option<i128>) -> Self {
        Self { sold_max, said_at: Duration::ZERO, since_then: Tally::default() }
    }

    /// After `since` the run has counted `tally` in all and `recent` since the last time; gives a
    /// line where it is time for one.
    pub(crate) fn take_in(
        &mut self,
        since: Duration,
        tally: &Tally,
        recent: &Tally,
    ) -> Option<String> {
        self.since_then.merge(recent);
        let period = if since <= OFTEN { PERIOD } else { PERIOD_LATER };
        // At whole seconds, as near as it is told.
        if since.as_secs() / period.as_secs() == self.said_at.as_secs() / period.as_secs() {
            return None;
        }
        let gap = since.saturating_sub(self.said_at);
        self.said_at = since;
        let then = std::mem::take(&mut self.since_then);
        Some(line(since, gap, tally, &then, self.sold_max))
    }
}

fn line(
    since: Duration,
    gap: Duration,
    tally: &Tally,
    recent: &Tally,
    sold_max: Option<i128>,
) -> String {
    let rate = recent.outcomes.total() as f64 / gap.as_secs_f64();
    let response = Percentiles::of(&recent.clocks.response_ns);
    let outcomes = &tally.outcomes;
    let mut line = format!(
        "{:4.0} s  {rate:8.0}/s  p50 {}  p99 {}  sold {}  sold out {}",
        since.as_secs_f64(),
        latency(response.p50),
        latency(response.p99),
        outcomes.sold,
        outcomes.sold_out,
    );
    if outcomes.found > 0 {
        line.push_str(&format!("  found {}", outcomes.found));
    }
    if outcomes.held > 0 {
        line.push_str(&format!("  held {}", outcomes.held));
    }
    if outcomes.given_back > 0 {
        line.push_str(&format!("  given back {}", outcomes.given_back));
    }
    if outcomes.failed() > 0 {
        line.push_str(&format!("  failed {}", outcomes.failed()));
    }
    if let Some((_, left)) = tally.left {
        line.push_str(&format!("  left {left}"));
    }
    if sold_max.is_some_and(|most| i128::from(tally.sold_ever) > most) {
        line.push_str("  OVERSOLD");
    }
    line
}
