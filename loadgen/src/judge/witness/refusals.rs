//! "Sold out" without a place of its own, in a history of purchases and searches only.
//!
//! Such a refusal must stand where fewer were left than it asked for. The count only falls, so it
//! fits at the first such place and at all later ones, and the first is best: the fewest have to
//! stand before it. What begins before that place has to, so it must have been called before the
//! refusal was answered. That the refusal must also stand after everything that was answered before
//! its call asks for no more: whatever that pushes in front of it was called before such an answer,
//! so before the refusal was answered.

use super::axis::Witness;
use crate::judge::{
    finding::Contradiction,
    request::{Known, Request, Role},
};

/// The refusals of a history, in the order of their places.
pub(super) struct Refusals {
    /// Each with the first place that it can stand at, in `at`.
    list: Vec<Request>,
    /// For each the earliest answer of it and all that come after it.
    latest: Vec<u64>,
}

impl Refusals {
    /// No refusals.
    pub(super) fn none() -> Self {
        Self { list: Vec::new(), latest: Vec::new() }
    }

    /// Gives each refusal of `witness` its place.
    pub(super) fn place(witness: &Witness<'_>) -> Self {
        let Known { initial, sold, .. } = witness.requests.known;
        let Some(initial) = initial else {
            return Self::none();
        };
        let mut list = witness.refusals.clone();
        for refusal in &mut list {
            let quantity = witness.requests.told(refusal).quantity.unwrap_or(1);
            refusal.at = sold
                .unwrap_or(0)
                .saturating_add(initial.saturating_add(1).saturating_sub(quantity));
        }
        list.sort_unstable_by_key(|refusal| refusal.at);
        let mut earliest = u64::MAX;
        let mut latest: Vec<u64> = list
            .iter()
            .rev()
            .map(|refusal| {
                earliest = earliest.min(refusal.ret);
                earliest
            })
            .collect();
        latest.reverse();
        Self { list, latest }
    }

    /// The earliest answer of the refusals that something that begins at `at` has to stand before.
    pub(super) fn latest_after(&self, at: u64) -> u64 {
        let first = self.list.partition_point(|refusal| refusal.at <= at);
        self.latest.get(first).copied().unwrap_or(u64::MAX)
    }

    /// The last refusal, which needs the count to fall furthest.
    pub(super) fn last(&self) -> Option<&Request> {
        self.list.last()
    }

    /// The latest called of all that have to stand before each refusal.
    fn last_before<'a>(
        &'a self,
        witness: &'a Witness<'_>,
    ) -> impl Iterator<Item = (&'a Request, Option<&'a Request>)> {
        let mut before = witness.fixed.iter().peekable();
        let mut last: Option<&Request> = None;
        self.list.iter().map(move |refusal| {
            let begins_before = |one: &Request| match one.role {
                Role::Change => witness.begin(one) < refusal.at,
                _ => one.at < refusal.at,
            };
            while let Some(one) = before.next_if(|one| begins_before(one)) {
                if last.is_none_or(|last| last.call < one.call) {
                    last = Some(one);
                }
            }
            (refusal, last)
        })
    }

    /// A refusal that was answered before something was called that has to stand before it.
    pub(super) fn contradiction(&self, witness: &Witness<'_>) -> Option<Contradiction> {
        self.last_before(witness).find_map(|(refusal, last)| {
            let last = last.filter(|last| last.call > refusal.ret)?;
            Some(Contradiction::Backwards { before: last.place, after: refusal.place })
        })
    }

    /// Adds for each refusal the earliest instant at which it can have been decided.
    pub(super) fn add_instants(&self, witness: &Witness<'_>, instants: &mut [Option<u64>]) {
        for (refusal, last) in self.last_before(witness) {
            let instant = refusal.call.max(last.map_or(0, |last| last.call));
            if instant <= refusal.ret {
                instants[refusal.place as usize] = Some(instant);
            }
        }
    }
}
