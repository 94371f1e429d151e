//! A race as it is to be run: everything is checked.

use std::{path::PathBuf, time::Duration};

use super::own_counter::OwnCounter;
use crate::{
    plan::Holds,
    setup::{Delays, Locking, Mode},
};

/// What a race is made of.
#[derive(Clone, Debug)]
pub(crate) struct RaceConfig {
    /// How many workers; at least one.
    pub(crate) workers: u32,
    /// What each of them is.
    pub(crate) mode: Mode,
    /// Tickets at the start.
    pub(crate) tickets: u64,
    /// How many servers share the counter; 0 where the workers open `db.txt` themselves.
    pub(crate) servers: u32,
    /// The waits of a purchase that goes one by one.
    pub(crate) delays: Delays,
    /// What the workers hold, where they do not buy at once.
    pub(crate) holds: Option<Holds>,
    /// Which lockings, in turn; each at most once, and at least one.
    pub(crate) lockings: Vec<Locking>,
    /// The counter, where it is not kept in a file.
    pub(crate) own: Option<OwnCounter>,
    /// How long a worker waits for an answer.
    pub(crate) timeout: Duration,
    /// Where all that was seen is to be kept.
    pub(crate) history: Option<PathBuf>,
    /// Where the page of all runs goes.
    pub(crate) report: Option<PathBuf>,
    /// Where the result goes as JSON, beside what is printed.
    pub(crate) output: Option<PathBuf>,
    /// Whether the result is wanted as JSON.
    pub(crate) json: bool,
}

impl RaceConfig {
    /// Whether the workers open `db.txt` themselves.
    pub(crate) fn is_direct(&self) -> bool {
        self.servers == 0
    }
}

/// Twice what the slowest locking can need, and half a minute for a machine that is busy.
pub(super) fn timeout_default(workers: u32, tickets: u64, delays: Delays) -> Duration {
    let sales = u32::try_from(tickets).unwrap_or(u32::MAX).min(workers);
    let one_by_one =
        delays.check.saturating_mul(workers).saturating_add(delays.write.saturating_mul(sales));
    Duration::from_secs(30).saturating_add(one_by_one.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lesson_has_time_enough() {
        let twelve_seconds_twice = Duration::from_secs(30 + 24);
        assert_eq!(timeout_default(100, 10, Delays::LESSON), twelve_seconds_twice);
    }
}
