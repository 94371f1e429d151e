//! Which unknown operations stand where nobody else does.
//!
//! An unknown operation may stand at a place when it was called no later than the earliest answer of
//! all that stand at or after that place (`latest`). `latest` never falls along the order, so of two
//! alike operations the one that was called first can stand wherever the other can. Hence only *how
//! many* of each kind are used matters, not which: the state of the search is one number for each
//! kind. Where all unknown operations are alike there is nothing to search (Hall's theorem on nested
//! sets: counting is exact).

use std::collections::HashSet;

use super::{axis::Axis, refusals::Refusals};
use crate::{
    history::{OperationKind, Tickets},
    judge::{
        budget::{Budget, OutOfBudget},
        model::State,
        request::{Request, Requests},
        told::Told,
    },
};

/// Unknown operations that are alike.
struct Class {
    op: OperationKind,
    quantity: u64,
    /// Whether it may have taken a revision without a change, as a remembered refusal.
    may_be_blank: bool,
    /// Their calls, in order.
    calls: Vec<u64>,
}

/// All unknown operations of a history.
pub(super) struct Fills {
    axis: Axis,
    classes: Vec<Class>,
    no_tickets: Tickets,
    is_consecutive: bool,
    /// How far all of them together can go.
    reach: u64,
}

/// One way in which the unknown operations so far can have gone.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) state: State,
    /// The place that has been reached.
    pub(super) at: u64,
    /// How many of each class are used: as what they are, and as a remembered refusal.
    used: Vec<[u32; 2]>,
}

/// Where branches were before: at which place, with how many used.
pub(super) type Seen = HashSet<(u64, Vec<[u32; 2]>)>;

/// A stretch that has to be filled.
pub(super) struct Stretch<'a> {
    /// Where it must end.
    pub(super) target: u64,
    /// The earliest answer of all that stand after it.
    pub(super) latest: u64,
    /// "Sold out" without a place of their own.
    pub(super) refusals: &'a Refusals,
    /// The call of a remembered refusal that can be the last step itself.
    pub(super) refused: Option<u64>,
}

impl Fills {
    pub(super) fn new(axis: Axis, requests: &Requests<'_>, unknown: &[Request]) -> Self {
        let mut keyed: Vec<(OperationKind, u64, bool, u64)> = unknown
            .iter()
            .map(|one| {
                let told = requests.told(one);
                let blank = one.is_keyed
                    && axis == Axis::Revision
                    && matches!(told.op, OperationKind::Buy | OperationKind::Hold);
                (told.op, told.quantity.unwrap_or(0), blank, one.call)
            })
            .collect();
        keyed.sort_unstable();
        let classes: Vec<Class> = keyed
            .chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2))
            .map(|alike| {
                let (op, quantity, may_be_blank, _) = alike[0];
                let calls = alike.iter().map(|one| one.3).collect();
                Class { op, quantity, may_be_blank, calls }
            })
            .collect();
        let step = |class: &Class| match axis {
            Axis::Revision => class.calls.len() as u64,
            Axis::Tickets => class.quantity.saturating_mul(class.calls.len() as u64),
        };
        let reach = classes.iter().map(step).fold(0, u64::saturating_add);
        let is_consecutive = requests.is_consecutive();
        Self { axis, classes, no_tickets: Tickets::default(), is_consecutive, reach }
    }

    /// The branch of a history that has reached `at`.
    pub(super) fn begin(&self, state: State, at: u64) -> Branch {
        Branch { state, at, used: vec![[0, 0]; self.classes.len()] }
    }

    /// Whether all unknown operations together can go from `at` to `target`.
    pub(super) fn can_reach(&self, at: u64, target: u64) -> bool {
        target - at <= self.reach.saturating_add(1)
    }

    /// Whether some way on from `branch` leads to a branch that `is_goal`; `is_past` tells where going
    /// on is of no use.
    pub(super) fn reaches(
        &self,
        branch: Branch,
        stretch: &Stretch<'_>,
        budget: &mut Budget,
        (is_goal, is_past): (impl Fn(&Branch) -> bool, impl Fn(&Branch) -> bool),
    ) -> Result<bool, OutOfBudget> {
        let mut seen = Seen::default();
        let mut open = vec![branch];
        while let Some(branch) = open.pop() {
            if is_goal(&branch) {
                return Ok(true);
            }
            self.each_step(&branch, stretch, budget, |next| {
                if !is_past(&next) && self.is_new(&mut seen, &next) {
                    open.push(next);
                }
            })?;
        }
        Ok(false)
    }

    /// With one class there is one way only, and nothing to remember.
    pub(super) fn is_new(&self, seen: &mut Seen, branch: &Branch) -> bool {
        let is_single = self.classes.len() == 1 && !self.classes[0].may_be_blank;
        is_single || seen.insert((branch.at, branch.used.clone()))
    }

    /// Hands each branch that is one operation further than `branch` to `found`.
    pub(super) fn each_step(
        &self,
        branch: &Branch,
        stretch: &Stretch<'_>,
        budget: &mut Budget,
        mut found: impl FnMut(Branch),
    ) -> Result<(), OutOfBudget> {
        let latest = stretch.latest.min(stretch.refusals.latest_after(branch.at));
        if let Some(call) = stretch.refused
            && branch.at.checked_add(1) == Some(stretch.target)
            && call <= latest
        {
            budget.store(branch.used.len())?;
            let state = branch.state.with_next_revision();
            found(Branch { state, at: stretch.target, used: branch.used.clone() });
        }
        for (index, class) in self.classes.iter().enumerate() {
            budget.step()?;
            let [sold, blank] = branch.used[index];
            // IMPORTANT: closed intervals: a call at the very instant of an answer may stand before it.
            let free = class.calls.partition_point(|call| *call <= latest);
            if (sold + blank) as usize >= free {
                continue;
            }
            budget.store(branch.used.len())?;
            if let Some(next) = self.with_change(branch, index) {
                found(next);
            }
            if class.may_be_blank
                && let Some(state) = branch.state.remembering(Some(class.quantity))
                && let Some(at) = branch.at.checked_add(1)
            {
                budget.store(branch.used.len())?;
                let mut used = branch.used.clone();
                used[index][1] += 1;
                found(Branch { state, at, used });
            }
        }
        Ok(())
    }

    fn with_change(&self, branch: &Branch, index: usize) -> Option<Branch> {
        let class = &self.classes[index];
        let told = Told {
            op: class.op,
            quantity: Some(class.quantity),
            tickets: &self.no_tickets,
            remaining: None,
            revision: None,
        };
        let state = branch.state.changed(&told, self.is_consecutive).ok()?;
        let step = match self.axis {
            Axis::Revision => 1,
            Axis::Tickets => class.quantity,
        };
        let mut used = branch.used.clone();
        used[index][0] += 1;
        Some(Branch { state, at: branch.at.checked_add(step)?, used })
    }
}
