//! How requests hang together by the holds and the sales that they name.
//!
//! - A confirm and a release need their hold before them, a refund its sale.
//! - One thing at most becomes of a hold: it is confirmed, or released, or it lapses. A lapse has no
//!   call and no answer: it is a release that may have happened from an instant on that its hold tells.
//! - A hold of which one thing is answered has no other end, so what else may have become of it did not
//!   happen. What is left open is either free of all others, or of the few that exclude each other.

use std::collections::HashMap;

use super::told::quantity;
use crate::history::{Operation, OperationKind, Outcome};

/// What binds a request without an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tie {
    /// The place of the answered request that must have taken effect before it.
    pub(super) after: Option<u32>,
    /// The place of a hold of which one of several things may have become.
    pub(super) rivals: Option<u32>,
    /// Where it is a hold, or the lapse of a hold, of unknown outcome: from its call to its lapse.
    pub(super) span: Option<u64>,
    /// Whether it, or a rival, must have happened by the end.
    pub(super) is_due: bool,
}

/// What cannot be, whatever the order was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Broken {
    /// Two holds, or two sales, have one name.
    OneName([u32; 2]),
    /// A hold was confirmed and released.
    BothEnds([u32; 2]),
    /// More was confirmed or given back than its hold or its sale had.
    MoreThanMade {
        /// The hold or the sale, and its end.
        places: [u32; 2],
        /// How many tickets it had.
        made: u64,
        /// How many the end moved.
        moved: u64,
    },
    /// A hold was confirmed once it must have lapsed.
    Late {
        /// The hold and its confirm.
        places: [u32; 2],
        /// How long after, in nanoseconds.
        late_ns: u64,
    },
}

/// How the requests of a history hang together.
#[derive(Debug, Default)]
pub(super) struct Ties {
    /// By the place of an answered request, what must have taken effect before it.
    needs: Vec<(u32, u32)>,
    /// By the place of a request without an answer and whether it is a lapse, what binds it.
    bound: Vec<(u32, bool, Tie)>,
    /// The lapses that may have happened: the place of the hold, and from when on.
    pub(super) lapses: Vec<(u32, u64)>,
    /// Requests without an answer that did not happen.
    pub(super) impossible: Vec<u32>,
    pub(super) broken: Vec<Broken>,
}

/// All that names one hold.
#[derive(Default)]
struct Named {
    maker: Option<u32>,
    maybe_made: Option<u32>,
    confirm: Option<u32>,
    release: Option<u32>,
    maybe_confirm: Option<u32>,
    maybe_release: Option<u32>,
}

/// All that names one sale.
#[derive(Default)]
struct Sale {
    maker: Option<u32>,
    refund: Option<u32>,
    maybe_refund: Option<u32>,
}

impl Ties {
    /// The ties of requests, each given by the place of the operation that stands for it and its first
    /// call; the end was looked at at `ended_ns`.
    pub(super) fn of(
        operations: &[Operation],
        requests: impl Iterator<Item = (u32, u64)>,
        ended_ns: Option<u64>,
    ) -> Self {
        let mut ties = Self::default();
        if operations.iter().all(|one| one.links.is_none()) {
            return ties;
        }
        let (mut holds, mut sales) = (HashMap::new(), HashMap::new());
        let mut calls = HashMap::new();
        for (place, call) in requests {
            let operation = &operations[place as usize];
            if operation.links.is_some() {
                calls.insert(place, call);
            }
            if let Some(hold) = operation.hold() {
                ties.take_in_hold(holds.entry(hold).or_default(), place, operation);
            }
            if let Some(sale) = operation.sale() {
                ties.take_in_sale(sales.entry(sale).or_default(), place, operation);
            }
        }
        let world = World { operations, calls: &calls, ended_ns };
        for hold in holds.values() {
            ties.settle_hold(hold, &world);
        }
        for sale in sales.values() {
            let Some(maker) = sale.maker else { continue };
            ties.needs.extend(sale.refund.map(|refund| (refund, maker)));
            ties.broken.extend(sale.refund.and_then(|refund| world.more_than_made(maker, refund)));
            if sale.refund.is_none() {
                let after = Tie { after: Some(maker), ..Tie::default() };
                ties.bound.extend(sale.maybe_refund.map(|refund| (refund, false, after)));
            }
        }
        ties.needs.sort_unstable();
        ties.bound.sort_unstable();
        ties.lapses.sort_unstable();
        ties.impossible.sort_unstable();
        ties.broken.sort_unstable();
        ties
    }

    /// What must have taken effect before the answered request at `place`.
    pub(super) fn need(&self, place: u32) -> Option<u32> {
        let found = self.needs.binary_search_by_key(&place, |(child, _)| *child);
        found.ok().map(|index| self.needs[index].1)
    }

    /// The answered requests that need another, each with that one.
    pub(super) fn needs(&self) -> &[(u32, u32)] {
        &self.needs
    }

    /// What binds the request without an answer at `place`.
    pub(super) fn tie(&self, place: u32, is_lapse: bool) -> Tie {
        let found = self.bound.binary_search_by_key(&(place, is_lapse), |one| (one.0, one.1));
        found.map_or(Tie::default(), |index| self.bound[index].2)
    }

    fn take_in_hold(&mut self, hold: &mut Named, place: u32, operation: &Operation) {
        let is_unknown = operation.outcome == Outcome::Unknown;
        let has_happened = matches!(operation.outcome, Outcome::Done | Outcome::Sold);
        let slot = match (operation.op, is_unknown) {
            (OperationKind::Hold, false) if has_happened => &mut hold.maker,
            (OperationKind::Hold, true) => &mut hold.maybe_made,
            (OperationKind::Confirm, false) if has_happened => &mut hold.confirm,
            (OperationKind::Confirm, true) => &mut hold.maybe_confirm,
            (OperationKind::Release, false) if has_happened => &mut hold.release,
            (OperationKind::Release, true) => &mut hold.maybe_release,
            _ => return,
        };
        if let Some(other) = slot.replace(place)
            && operation.op == OperationKind::Hold
            && !is_unknown
        {
            self.broken.push(Broken::OneName([other, place]));
        }
    }

    fn take_in_sale(&mut self, sale: &mut Sale, place: u32, operation: &Operation) {
        let is_unknown = operation.outcome == Outcome::Unknown;
        let has_happened = matches!(operation.outcome, Outcome::Done | Outcome::Sold);
        match operation.op {
            OperationKind::Buy | OperationKind::Confirm if has_happened => {
                if let Some(other) = sale.maker.replace(place) {
                    self.broken.push(Broken::OneName([other, place]));
                }
            }
            OperationKind::Refund if has_happened => sale.refund = Some(place),
            OperationKind::Refund if is_unknown => sale.maybe_refund = Some(place),
            _ => {}
        }
    }

    fn settle_hold(&mut self, hold: &Named, world: &World<'_>) {
        self.broken.extend(
            hold.confirm.zip(hold.release).map(|(one, other)| Broken::BothEnds([one, other])),
        );
        let ends = [hold.confirm, hold.release];
        let maybes = [hold.maybe_confirm, hold.maybe_release];
        let Some(maker) = hold.maker else {
            if ends.iter().any(Option::is_some) {
                self.impossible.extend(maybes.into_iter().flatten());
            } else if let [Some(confirm), Some(release)] = maybes {
                let tie = Tie { rivals: Some(confirm), ..Tie::default() };
                self.bound.extend([(confirm, false, tie), (release, false, tie)]);
            } else if maybes == [None, None] {
                self.settle_unknown(hold.maybe_made, world);
            }
            return;
        };
        self.needs.extend(ends.into_iter().flatten().map(|end| (end, maker)));
        let more = ends.into_iter().flatten().filter_map(|end| world.more_than_made(maker, end));
        self.broken.extend(more);
        let is_late = |place: &u32| world.late_ns(maker, *place).is_some_and(|late| late > 0);
        if let Some(confirm) = hold.confirm
            && let Some(late_ns @ 1..) = world.late_ns(maker, confirm)
        {
            self.broken.push(Broken::Late { places: [maker, confirm], late_ns });
        }
        if ends.iter().any(Option::is_some) {
            self.impossible.extend(maybes.into_iter().flatten());
            return;
        }
        let (late, maybe_confirm): (Vec<u32>, Vec<u32>) =
            hold.maybe_confirm.into_iter().partition(is_late);
        self.impossible.extend(late);
        let rivals = maybe_confirm.first().map(|_| maker);
        let is_due = world.is_due(maker);
        let tie = Tie { after: Some(maker), rivals, span: None, is_due };
        self.bound.extend(maybe_confirm.into_iter().map(|confirm| (confirm, false, tie)));
        // What gives it back is one thing, by whichever way, and the first of both ways is the better.
        let lapses_from = world.lapses_from(maker);
        match hold.maybe_release {
            Some(release) if lapses_from.is_none_or(|from| world.call(release) <= from) => {
                self.bound.push((release, false, tie));
            }
            maybe_release => {
                self.impossible.extend(maybe_release);
                self.lapses.extend(lapses_from.map(|from| (maker, from)));
                self.bound.extend(lapses_from.map(|_| (maker, true, tie)));
            }
        }
    }

    /// A hold that may have been made can have lapsed too.
    fn settle_unknown(&mut self, hold: Option<u32>, world: &World<'_>) {
        let Some((hold, from)) = hold.and_then(|hold| Some((hold, world.lapses_from(hold)?)))
        else {
            return;
        };
        let is_keyed = world.operations[hold as usize].key.is_some();
        // A refusal under a key may be remembered, so those are not alike.
        let rivals = is_keyed.then_some(hold);
        let span = Some(from.saturating_sub(world.call(hold)));
        let tie = Tie { after: None, rivals, span, is_due: false };
        self.lapses.push((hold, from));
        self.bound.extend([(hold, false, tie), (hold, true, tie)]);
    }
}

/// What the ties of a hold rest on.
struct World<'a> {
    operations: &'a [Operation],
    /// First calls, by places.
    calls: &'a HashMap<u32, u64>,
    ended_ns: Option<u64>,
}

impl World<'_> {
    fn call(&self, place: u32) -> u64 {
        self.calls.get(&place).copied().unwrap_or(0)
    }

    fn lapses_from(&self, hold: u32) -> Option<u64> {
        self.operations[hold as usize].links.as_ref()?.lapses_from_ns
    }

    fn lapses_by(&self, hold: u32) -> Option<u64> {
        let links = self.operations[hold as usize].links.as_ref()?;
        Some(links.lapses_by_ns?.max(links.lapses_from_ns?))
    }

    /// Whether whatever becomes of `hold` must have by the end.
    fn is_due(&self, hold: u32) -> bool {
        self.lapses_by(hold).zip(self.ended_ns).is_some_and(|(by, ended)| by < ended)
    }

    /// Whether `end` moved more than `maker` had, where both say how many that is.
    fn more_than_made(&self, maker: u32, end: u32) -> Option<Broken> {
        let [made, ended] = [maker, end].map(|place| &self.operations[place as usize]);
        let given = (!made.tickets.is_empty()).then_some(made.tickets.len() as u64);
        let (made, moved) = (made.quantity.max(given)?, quantity(ended)?);
        (moved > made).then_some(Broken::MoreThanMade { places: [maker, end], made, moved })
    }

    /// How long after `hold` must have lapsed `end` was called.
    fn late_ns(&self, hold: u32, end: u32) -> Option<u64> {
        Some(self.call(end).saturating_sub(self.lapses_by(hold)?))
    }
}
