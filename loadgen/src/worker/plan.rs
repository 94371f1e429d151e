//! What one worker is to do.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    history::{Answer, Room},
    plan::{Action, Plan},
    shop::Address,
};

/// A file that all workers write operations into, once these have ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HistoryShare {
    /// The file; it exists.
    pub(crate) path: PathBuf,
    /// The room in it, which all workers share; a worker process does not write itself.
    #[serde(skip)]
    pub(crate) room: Room,
}

/// How often an operation is sent at most, where it is sent again, and not to the end.
const ATTEMPTS_MAX: u32 = 10;

/// How long it waits before it is sent again; twice as long each time, up to the longest.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// The longest that a shop may have a client wait before something is sent again: what would take longer is over.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// What the cause ends with where that is so.
pub(crate) const ASKS_FOR_LONG: &str = "and asks to wait for more than a minute";

/// What one worker is to do; travels to a worker process as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WorkerPlan {
    /// Its number, from 0.
    pub(crate) worker: u32,
    /// How many workers share the clients: client `c` is one of worker `c mod workers`.
    pub(crate) workers: u32,
    /// What all clients do together.
    pub(crate) plan: Plan,
    /// Where they buy, going round; at least one.
    pub(crate) addresses: Vec<Address>,
    /// How long a client waits for an answer, in nanoseconds.
    pub(crate) timeout_ns: u64,
    /// How long a client sends again what got no final answer, under the same key.
    pub(crate) retries: Retries,
    /// Where operations go; `None` where they are counted and forgotten.
    pub(crate) history: Option<HistoryShare>,
    /// A number that no other run has.
    pub(crate) run: u64,
}

/// How long a client sends again what got no final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Retries {
    /// Not at all.
    Never,
    /// So often that a shop that is back within seconds has it.
    Some,
    /// Until the run is over.
    ToTheEnd,
}

/// When an operation is sent again that got no final answer.
#[derive(Debug)]
pub(crate) struct Pauses {
    attempts: u32,
    pause: Duration,
}

impl Retries {
    /// The pauses of one operation.
    pub(crate) fn pauses(self) -> Pauses {
        let attempts = match self {
            Self::Never => 1,
            Self::Some => ATTEMPTS_MAX,
            Self::ToTheEnd => u32::MAX,
        };
        Pauses { attempts, pause: RETRY_PAUSE }
    }
}

impl Pauses {
    /// How long it waits behind `answer`, which wants it to wait for `wanted`; `None` where it is not sent again.
    /// An answer that wants more than anybody waits says so then.
    pub(crate) fn next(
        &mut self,
        answer: &mut Answer,
        wanted: Option<Duration>,
    ) -> Option<Duration> {
        let wanted = wanted.unwrap_or_default();
        self.attempts -= 1;
        if self.attempts == 0 || !answer.is_passing {
            return None;
        }
        if wanted > RETRY_AFTER_MAX {
            let reason = answer.reason.take();
            answer.reason = reason.map(|reason| format!("{reason}, {ASKS_FOR_LONG}"));
            return None;
        }
        let pause = self.pause.max(wanted);
        self.pause = (self.pause * 2).min(RETRY_PAUSE_MAX);
        Some(pause)
    }
}

impl WorkerPlan {
    /// The clients of this worker.
    pub(crate) fn clients(&self) -> impl Iterator<Item = u32> + use<> {
        let step = usize::try_from(self.workers.max(1)).unwrap_or(usize::MAX);
        (self.worker..self.plan.clients).step_by(step)
    }

    /// Whether `client` is one of this worker's.
    pub(super) fn has(&self, client: u32) -> bool {
        client < self.plan.clients && client % self.workers == self.worker
    }

    /// The place of `client` among this worker's.
    pub(super) fn slot(&self, client: u32) -> usize {
        usize::try_from(client / self.workers).unwrap_or(usize::MAX)
    }

    /// Where `client` buys.
    pub(super) fn address(&self, client: u32) -> &Address {
        &self.addresses[self.place_of_address(client)]
    }

    /// The place of [`WorkerPlan::address`] among the addresses.
    pub(super) fn place_of_address(&self, client: u32) -> usize {
        usize::try_from(client).unwrap_or(0) % self.addresses.len()
    }

    /// Whether each purchase has a key of its own, which a shop may remember it by.
    pub(crate) fn sends_keys(&self) -> bool {
        let sends_keys = |address: &Address| match address {
            Address::Shop(shop) => shop.map.as_ref().is_some_and(|map| map.sends_keys(Action::Buy)),
            _ => false,
        };
        self.retries != Retries::Never || self.addresses.iter().any(sends_keys)
    }

    /// How many tickets one purchase is of.
    pub(crate) fn quantity(&self) -> u64 {
        match self.addresses.first() {
            Some(Address::Shop(shop)) => {
                shop.map.as_ref().map_or(1, |map| map.members.buy.quantity)
            }
            _ => 1,
        }
    }

    /// How long a client waits for an answer.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns)
    }
}

#[cfg(test)]
impl WorkerPlan {
    /// A plan for tests: worker `worker` of so many, which share so many clients that buy in a closed
    /// loop without an end.
    pub(crate) fn endless(worker: u32, workers: u32, clients: u32) -> Self {
        let plan = Plan {
            clients,
            work: crate::plan::Work::Mix { buy: 1, hold: 0, search: 0 },
            pace: crate::plan::Pace::Closed,
            warm_up_ns: 0,
            end_ns: None,
            requests: None,
            until_sold_out: false,
            waves: None,
            holds: crate::plan::Holds::default(),
            seed: 0,
        };
        Self {
            worker,
            workers,
            plan,
            addresses: vec![Address::Server { url: "http://127.0.0.1".to_owned() }],
            timeout_ns: 1,
            retries: Retries::Never,
            history: None,
            run: 0,
        }
    }
}
