//! What a counter has done, and how long its turns take: for whoever watches it.

use std::time::Duration;

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};

use crate::ledger::{Appended, TurnTimes};

/// How a purchase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Sold,
    SoldOut,
    SaleClosed,
    OverLimit,
    Replayed,
    KeyReused,
    LockTimeout,
    NotSold,
    Overloaded,
    ShuttingDown,
    Unknown,
}

/// Each, as the label `outcome` says it.
const OUTCOMES: [(Ended, &str); 11] = [
    (Ended::Sold, "sold"),
    (Ended::SoldOut, "sold_out"),
    (Ended::SaleClosed, "sale_closed"),
    (Ended::OverLimit, "over_limit"),
    (Ended::Replayed, "replayed"),
    (Ended::KeyReused, "key_reused"),
    (Ended::LockTimeout, "lock_timeout"),
    (Ended::NotSold, "not_sold"),
    (Ended::Overloaded, "overloaded"),
    (Ended::ShuttingDown, "shutting_down"),
    (Ended::Unknown, "unknown"),
];

/// Counters by one label each.
type ByLabel = Family<[(&'static str, &'static str); 1], Counter>;

/// The meters of one server, which all its event loops and its committer share.
#[derive(Debug)]
pub struct Meters {
    /// One for each of `OUTCOMES`, in that order.
    buys: [Counter; OUTCOMES.len()],
    by_outcome: ByLabel,
    replays: Counter,
    lock_timeouts: Counter,
    lock_wait: Histogram,
    lock_hold: Histogram,
    append: Histogram,
    /// Appends by what became of them.
    appends: ByLabel,
    batch: Histogram,
    /// What the ledger is kept in.
    engine: &'static str,
}

impl Default for Meters {
    fn default() -> Self {
        let by_outcome = ByLabel::default();
        // From 0.05 ms to 1.6 s.
        let seconds = || Histogram::new(exponential_buckets(0.000_05, 2.0, 16));
        Self {
            buys: OUTCOMES.map(|(_, name)| by_outcome.get_or_create(&[("outcome", name)]).clone()),
            by_outcome,
            replays: Counter::default(),
            lock_timeouts: Counter::default(),
            lock_wait: seconds(),
            lock_hold: seconds(),
            append: seconds(),
            appends: ByLabel::default(),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            engine: "file",
        }
    }
}

impl Meters {
    /// Those of a counter that is kept in `engine`.
    pub fn of(engine: &'static str) -> Self {
        Self { engine, ..Self::default() }
    }

    /// Counts a purchase by how it ended.
    pub(super) fn bought(&self, ended: Ended) {
        self.buys[ended as usize].inc();
    }

    /// A repetition was answered from the ledger.
    pub(super) fn replayed(&self) {
        self.replays.inc();
    }

    /// A request was withdrawn, since the lock was not free in time.
    pub(super) fn lock_timed_out(&self) {
        self.lock_timeouts.inc();
    }

    /// So many were answered with one append.
    pub(super) fn settled(&self, answers: usize) {
        // Batches are far below what a float holds.
        self.batch.observe(f64::from(u32::try_from(answers).unwrap_or(u32::MAX)));
    }

    /// Lets `registry` tell what is counted here.
    pub fn register(&self, registry: &mut Registry) {
        let engine = Info::new([("engine", self.engine)]);
        registry.register("ledger", "What the ledger is kept in", engine);
        let help = "Appends to the ledger by what became of them";
        registry.register("journal_appends", help, self.appends.clone());
        let mut seconds = |name: &str, help: &str, histogram: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        seconds("lock_wait", "Wait for the lock before a turn", &self.lock_wait);
        seconds("lock_hold", "Time for which a turn kept others from the lock", &self.lock_hold);
        seconds("journal_fsync", "Write and sync of one append to the ledger", &self.append);
        registry.register("batch_size", "Requests answered with one append", self.batch.clone());
        let help = "Purchases by how they ended";
        registry.register("buy_requests", help, self.by_outcome.clone());
        let help = "Repeated requests that got the first answer again";
        registry.register("idempotency_replays", help, self.replays.clone());
        let help = "Requests that were withdrawn because the lock was not free in time";
        registry.register("lock_timeouts", help, self.lock_timeouts.clone());
    }
}

impl TurnTimes for Meters {
    fn waited(&self, wait: Duration) {
        self.lock_wait.observe(wait.as_secs_f64());
    }

    fn held(&self, hold: Duration) {
        self.lock_hold.observe(hold.as_secs_f64());
    }

    fn appended(&self, took: Duration, what: &Appended) {
        self.append.observe(took.as_secs_f64());
        let outcome = match what {
            Appended::Durable | Appended::Unseen => "durable",
            Appended::Lost => "lost",
            Appended::Unknown(_) => "unknown",
            Appended::Broken(_) => "broken",
        };
        self.appends.get_or_create(&[("outcome", outcome)]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_the_counter_of_its_name() {
        for (place, (ended, _)) in OUTCOMES.into_iter().enumerate() {
            assert_eq!(ended as usize, place);
        }
    }
}
