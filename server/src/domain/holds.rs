//! Tickets that are set aside: which holds are open, and which of them is over first.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

/// A hold that is neither bought nor given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenHold {
    /// How many tickets.
    pub quantity: u64,
    /// From when on they cannot be bought by whoever holds them, in milliseconds since 1970 UTC.
    pub expires_at_ms: u64,
    /// For whom, in the buyer's own words.
    pub buyer: Option<Box<str>>,
}

impl OpenHold {
    /// Whether its time is over at `at_ms`.
    pub fn is_over(&self, at_ms: u64) -> bool {
        self.expires_at_ms <= at_ms
    }
}

/// When a hold is over, and its revision: holds in the order in which they lapse.
pub(super) type Due = (u64, u64);

/// The open holds, by the revisions that made them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    open: BTreeMap<u64, OpenHold>,
    due: BTreeSet<Due>,
}

impl Holds {
    pub(super) fn get(&self, revision: u64) -> Option<&OpenHold> {
        self.open.get(&revision)
    }

    pub(super) fn insert(&mut self, revision: u64, hold: OpenHold) {
        self.due.insert((hold.expires_at_ms, revision));
        self.open.insert(revision, hold);
    }

    pub(super) fn remove(&mut self, revision: u64) -> Option<OpenHold> {
        let hold = self.open.remove(&revision)?;
        self.due.remove(&(hold.expires_at_ms, revision));
        Some(hold)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The hold that lapses first of those behind `passed`.
    pub(super) fn first_due(&self, passed: Option<Due>) -> Option<Due> {
        let behind = passed.map_or(Bound::Unbounded, Bound::Excluded);
        self.due.range((behind, Bound::Unbounded)).next().copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &OpenHold)> {
        self.open.iter().map(|(revision, hold)| (*revision, hold))
    }
}
