//! The pass along a witness.
//!
//! Linearizable exactly when the state fits at each place and no operation was answered before one
//! was called that stands before it. (Two operations at different places suffice: a cycle of "stands
//! before" and "was answered before" must somewhere step back along the order by the clock, and that
//! step alone is one.) Readers at one place see the same state, so their order is free.

use std::collections::HashMap;

use super::{
    axis::{Axis, Witness},
    fill::{Branch, Fills, Seen, Stretch},
    refusals::Refusals,
};
use crate::judge::{
    budget::Budget,
    finding::{Contradiction, Finding, Step},
    model::{Misfit, State},
    request::{FINAL, Request, Role},
};

/// How far a branch went.
enum Reached {
    /// Past all requests.
    End(Branch),
    /// To the request at this index, before which something is missing.
    Gap(usize, Branch),
    /// To the request at this index, which does not fit.
    Wrong(usize, Contradiction),
}

impl Witness<'_> {
    /// Whether the order that the answers name is one, with the unknown operations wherever they help.
    pub(in crate::judge) fn check(&self, budget: &mut Budget) -> Finding {
        if let Some(contradiction) = self.backwards() {
            return Finding::Contradiction(contradiction);
        }
        if let Some(contradiction) = self.untied() {
            return Finding::Contradiction(contradiction);
        }
        let latest = if self.needs_latest() { self.latest() } else { Vec::new() };
        let refusals = Refusals::place(self);
        if let Some(contradiction) = refusals.contradiction(self) {
            return Finding::Contradiction(contradiction);
        }
        self.walk(&latest, &refusals, budget)
    }

    /// For each operation of the history the earliest instant at which it can have taken effect.
    /// Stops where the order contradicts itself.
    pub(in crate::judge) fn instants(&self, operations: usize) -> Vec<Option<u64>> {
        let mut instants = vec![None; operations];
        let (mut reached, mut highest, mut rank) = (0, 0, (0, false));
        for request in &self.fixed {
            if self.begin(request) < rank.0 {
                break;
            }
            let is_change = request.role == Role::Change;
            if rank != (request.at, is_change) {
                (reached, rank) = (highest, (request.at, is_change));
            }
            let instant = request.call.max(reached);
            if instant > request.ret {
                break;
            }
            highest = highest.max(instant);
            if request.place != FINAL {
                instants[request.place as usize] = Some(instant);
            }
        }
        if !self.refusals.is_empty() {
            Refusals::place(self).add_instants(self, &mut instants);
        }
        instants
    }

    /// Two operations that stand the other way round by the clock.
    fn backwards(&self) -> Option<Contradiction> {
        let mut last: Option<&Request> = None;
        let mut rank = None;
        let mut here: Option<&Request> = None;
        for request in &self.fixed {
            let is_change = request.role == Role::Change;
            if rank != Some((request.at, is_change)) {
                rank = Some((request.at, is_change));
                last = here;
            }
            // IMPORTANT: closed intervals: at equal times either order will do.
            if let Some(last) = last
                && request.ret < last.call
            {
                let (before, after) = (last.place, request.place);
                return Some(Contradiction::Backwards { before, after });
            }
            if here.is_none_or(|here| here.call < request.call) {
                here = Some(request);
            }
        }
        None
    }

    /// A confirm, a release or a refund that stands before what it is of.
    fn untied(&self) -> Option<Contradiction> {
        let needs = self.requests.ties.needs();
        if needs.is_empty() {
            return None;
        }
        let changes = self.fixed.iter().filter(|one| one.role == Role::Change);
        let at: HashMap<u32, u64> = changes.map(|one| (one.place, one.at)).collect();
        let is_before = |(place, after): &&(u32, u32)| {
            at.get(place).zip(at.get(after)).is_some_and(|(at, after)| at <= after)
        };
        needs.iter().find(is_before).map(|(place, after)| Contradiction::Misfit {
            before: Some(*after),
            place: *place,
            misfit: Misfit::Nothing,
        })
    }

    fn needs_latest(&self) -> bool {
        let may_be_blank = |one: &Request| one.is_keyed && one.role == Role::SoldOut;
        !self.unknown.is_empty()
            || (self.axis == Axis::Revision && self.fixed.iter().any(may_be_blank))
    }

    /// For each place in the order the earliest answer of all that stand there or later.
    fn latest(&self) -> Vec<u64> {
        let mut latest = vec![u64::MAX; self.fixed.len()];
        let mut earliest = self.looked();
        for (slot, request) in latest.iter_mut().zip(&self.fixed).rev() {
            earliest = earliest.min(request.ret);
            *slot = earliest;
        }
        latest
    }

    /// When the end was looked at, at the latest, where that has no place of its own.
    fn looked(&self) -> u64 {
        self.last_read.map_or(u64::MAX, |last_read| last_read.ret)
    }

    /// Depth first, since the unknown operations can go in many ways and one that fits will do. The
    /// way that got furthest tells what is wrong.
    fn walk(&self, latest: &[u64], refusals: &Refusals, budget: &mut Budget) -> Finding {
        let order = (&self.fixed[..], latest, self.looked());
        let fills = Fills::new(self.axis, self.requests, &self.unknown, order);
        let mut seen = Seen::default();
        let mut open = vec![(0, self.start(&fills))];
        let mut furthest: Option<(usize, Contradiction)> = None;
        while let Some((index, branch)) = open.pop() {
            let (index, contradiction) = match self.advance(index, branch) {
                Reached::Wrong(index, contradiction) => (index, contradiction),
                Reached::End(branch) => match self.end(&fills, branch, refusals, budget) {
                    Finding::Contradiction(contradiction) => (self.fixed.len(), contradiction),
                    other => return other,
                },
                Reached::Gap(index, branch) => {
                    let stretch = Stretch {
                        index,
                        target: self.begin(&self.fixed[index]),
                        latest: latest.get(index).copied().unwrap_or(0),
                        refusals,
                        refused: self.remembered_refusal(index),
                    };
                    let reached = fills.can_reach(branch.at, stretch.target);
                    let stepped = fills.each_step(&branch, &stretch, budget, |next| {
                        if reached && next.at <= stretch.target && fills.is_new(&mut seen, &next) {
                            open.push((index, next));
                        }
                    });
                    if stepped.is_err() {
                        return Finding::OutOfBudget;
                    }
                    (index, self.gap(index, branch.at, stretch.target))
                }
            };
            if furthest.as_ref().is_none_or(|(furthest, _)| *furthest <= index) {
                furthest = Some((index, contradiction));
            }
        }
        furthest.map_or(Finding::Linearizable, |(_, wrong)| Finding::Contradiction(wrong))
    }

    /// Lets the requests from `index` on follow `branch`, up to where one does not or cannot yet.
    fn advance(&self, mut index: usize, mut branch: Branch) -> Reached {
        while let Some(request) = self.fixed.get(index) {
            let begin = self.begin(request);
            if begin < branch.at {
                return Reached::Wrong(index, self.collision(index));
            }
            if begin > branch.at {
                if self.is_closed {
                    return Reached::Gap(index, branch);
                }
                branch.state = self.forgotten(begin);
            }
            match branch.state.after(self.requests, request) {
                Ok(state) => branch.state = state,
                Err(misfit) => {
                    let before = index.checked_sub(1).map(|before| self.fixed[before].place);
                    let place = request.place;
                    let wrong = Contradiction::Misfit { before, place, misfit };
                    return Reached::Wrong(index, wrong);
                }
            }
            branch.at = request.at;
            index += 1;
        }
        Reached::End(branch)
    }

    fn start(&self, fills: &Fills) -> Branch {
        let known = self.requests.known;
        let mut state = State::at_start(&known);
        let start = match self.axis {
            Axis::Revision => known.revision,
            // Names have no numbers before them: their places are counted from the start.
            Axis::Tickets => known.sold.or((!self.requests.is_consecutive()).then_some(0)),
        };
        let at = match start.filter(|_| self.is_closed) {
            Some(start) => start,
            None => {
                let at = self.fixed.first().map_or(0, |first| self.begin(first));
                state = self.forgotten(at);
                at
            }
        };
        if self.axis == Axis::Tickets && !self.fixed.iter().any(|one| self.has_revision(one)) {
            state.revision = None;
        }
        fills.begin(state, at)
    }

    fn has_revision(&self, request: &Request) -> bool {
        self.requests.told(request).revision.is_some()
    }

    /// What is known at `at` after strangers were at work.
    fn forgotten(&self, at: u64) -> State {
        let (revision, sold) = match self.axis {
            Axis::Revision => (Some(at), None),
            Axis::Tickets => (None, self.requests.is_consecutive().then_some(at)),
        };
        State { remaining: None, sold, held: None, out: None, revision }
    }

    /// The call of a refusal under a key that can itself be the change that its revision names.
    fn remembered_refusal(&self, index: usize) -> Option<u64> {
        let at = self.fixed[index].at;
        if self.axis != Axis::Revision || self.fixed[index].role == Role::Change {
            return None;
        }
        self.fixed[index..]
            .iter()
            .take_while(|one| one.at == at)
            .find(|one| one.is_keyed && one.role == Role::SoldOut)
            .map(|one| one.call)
    }

    /// Why the request at `index` cannot begin where it does.
    fn collision(&self, index: usize) -> Contradiction {
        let request = &self.fixed[index];
        let Some(last) = index.checked_sub(1).map(|last| self.fixed[last].at) else {
            let place = request.place;
            return Contradiction::Misfit { before: None, place, misfit: Misfit::Nothing };
        };
        let mut at_last = self.fixed[..index].iter().rev().take_while(|one| one.at == last);
        match at_last.clone().find(|one| one.role == Role::Change) {
            Some(first) => Contradiction::SameStep { first: first.place, second: request.place },
            None => {
                let read = at_last.next().map_or(FINAL, |read| read.place);
                Contradiction::Inside { read, sale: request.place }
            }
        }
    }

    fn gap(&self, index: usize, at: u64, begin: u64) -> Contradiction {
        let step = match self.axis {
            Axis::Revision => Step::Revision(at + 1),
            Axis::Tickets => self.sales(at, begin),
        };
        let before = index.checked_sub(1).map(|before| self.fixed[before].place);
        Contradiction::Gap { before, after: self.fixed[index].place, step }
    }

    /// The sales that lead from the place `at` to `begin`.
    fn sales(&self, at: u64, begin: u64) -> Step {
        match self.requests.is_consecutive() {
            true => Step::Tickets(at + 1, begin),
            // The places count what was sold, and no ticket is called so.
            false => Step::Sales(begin - at),
        }
    }

    /// After the last place: what the last refusal and the read at the end still need.
    fn end(
        &self,
        fills: &Fills,
        branch: Branch,
        refusals: &Refusals,
        budget: &mut Budget,
    ) -> Finding {
        let before = self.fixed.last().map(|last| last.place);
        let at = branch.at;
        let stretch = Stretch {
            index: self.fixed.len(),
            target: u64::MAX,
            latest: self.looked(),
            refusals,
            refused: None,
        };
        if let Some(refusal) = refusals.last().filter(|refusal| refusal.at > at) {
            let goal = refusal.at;
            let never = |_: &Branch| false;
            let reaches = (|branch: &Branch| branch.at >= goal, never);
            return match fills.reaches(branch, &stretch, budget, reaches) {
                Err(_) => Finding::OutOfBudget,
                Ok(true) => Finding::Linearizable,
                Ok(false) => Finding::Contradiction(Contradiction::Gap {
                    before,
                    after: refusal.place,
                    step: self.sales(at, goal),
                }),
            };
        }
        let left = self.requests.known.left;
        let overdue = |branch: &Branch| fills.overdue(branch).filter(|_| self.is_closed);
        let Some((last_read, left)) = self.last_read.as_ref().zip(left) else {
            let has_end = self.fixed.last().is_some_and(|last| last.place == FINAL);
            return match overdue(&branch).filter(|_| has_end) {
                Some(hold) => Finding::Contradiction(Contradiction::Kept { hold }),
                None => Finding::Linearizable,
            };
        };
        let expected = branch.state.remaining;
        let kept = overdue(&branch);
        let is_sales_only = self.requests.is_sales_only;
        let left_held = self.requests.left_held();
        let is_past = |branch: &Branch| is_sales_only && branch.state.remaining < Some(left);
        let is_goal = |branch: &Branch| {
            let held = branch.state.held.zip(left_held);
            branch.state.remaining.is_none_or(|there| there == left)
                && held.is_none_or(|(held, told)| held == told)
                && overdue(branch).is_none()
        };
        match fills.reaches(branch, &stretch, budget, (is_goal, is_past)) {
            Err(_) => Finding::OutOfBudget,
            Ok(true) => Finding::Linearizable,
            Ok(false) if kept.is_some() && expected == Some(left) => {
                Finding::Contradiction(Contradiction::Kept { hold: kept.unwrap_or(FINAL) })
            }
            Ok(false) => Finding::Contradiction(Contradiction::Misfit {
                before,
                place: last_read.place,
                misfit: Misfit::Remaining { told: left, expected: expected.unwrap_or(left) },
            }),
        }
    }
}
