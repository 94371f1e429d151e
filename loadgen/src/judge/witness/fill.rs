//! Which unknown operations stand where nobody else does.
//!
//! An unknown operation may stand at a place when it was called no later than the earliest answer of
//! all that stand at or after that place (`latest`). `latest` never falls along the order, so of two
//! alike operations the one that was called first can stand wherever the other can. Hence only *how
//! many* of each kind are used matters, not which: the state of the search is one number for each
//! kind. Where all unknown operations are alike there is nothing to search (Hall's theorem on nested
//! sets: counting is exact).
//!
//! The lapse of a hold has to stand behind its hold too. Its hold stands at one place, so that from one
//! place on it is free and stays so: again only their number matters. What may have become of a hold in two
//! ways is a class of its own, and excludes the other.

use std::collections::{HashMap, HashSet};

use super::{axis::Axis, refusals::Refusals};
use crate::judge::{
    budget::{Budget, OutOfBudget},
    model::State,
    request::{Request, Requests, Role},
    unheard::{Class, Member, Unheard},
};

/// All that may have happened unheard.
pub(super) struct Fills {
    axis: Axis,
    unheard: Unheard,
    /// For each class whose members need something before them: from which request of the order on each is
    /// free, in order.
    froms: Vec<Option<Vec<usize>>>,
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
    /// The request of the order before which it lies.
    pub(super) index: usize,
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
    /// Those of `unknown` beside the `fixed` order, with the earliest answer of all that stand at each
    /// place of it or later, and when the `end` was looked at.
    pub(super) fn new(
        axis: Axis,
        requests: &Requests<'_>,
        unknown: &[Request],
        (fixed, latest, end): (&[Request], &[u64], u64),
    ) -> Self {
        let mut unheard = Unheard::of(requests, unknown);
        let step = |class: &Class| match axis {
            Axis::Revision => class.members.len() as u64,
            Axis::Tickets => class.quantity.unwrap_or(0).saturating_mul(class.members.len() as u64),
        };
        if axis == Axis::Tickets {
            // A refusal that is remembered takes no ticket.
            unheard.classes.iter_mut().for_each(|class| class.may_be_blank = false);
        }
        let reach = unheard.classes.iter().map(step).fold(0, u64::saturating_add);
        let froms = froms(&unheard, fixed, (latest, end));
        Self { axis, unheard, froms, is_consecutive: requests.is_consecutive(), reach }
    }

    /// The hold of a lapse that must have happened by the end and has not on `branch`.
    pub(super) fn overdue(&self, branch: &Branch) -> Option<u32> {
        self.unheard.overdue(&branch.used)
    }

    /// The branch of a history that has reached `at`.
    pub(super) fn begin(&self, state: State, at: u64) -> Branch {
        Branch { state, at, used: vec![[0, 0]; self.unheard.classes.len()] }
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
        let is_single = matches!(&self.unheard.classes[..], [class] if !class.may_be_blank);
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
        let mut tried = None;
        for &index in &self.unheard.order {
            let class = &self.unheard.classes[index];
            if class.group.is_some() && class.group == tried {
                continue;
            }
            budget.step()?;
            let is_twin_free = |twin: usize| self.is_free(twin, branch, (stretch.index, latest));
            if !self.is_free(index, branch, (stretch.index, latest))
                || class.twin.is_some_and(is_twin_free)
            {
                continue;
            }
            tried = class.group;
            budget.store(branch.used.len())?;
            if let Some(next) = self.with_change(branch, index) {
                found(next);
            }
            if class.may_be_blank
                && let Some(state) = branch.state.remembering(class.quantity)
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

    /// Whether one more of the class at `index` can take effect before the request at `before`, where it must
    /// have been called by `latest`.
    fn is_free(&self, index: usize, branch: &Branch, (before, latest): (usize, u64)) -> bool {
        let members = &self.unheard.classes[index].members;
        let [changed, blank] = branch.used[index];
        let free = match &self.froms[index] {
            Some(froms) => froms.partition_point(|from| *from <= before),
            // IMPORTANT: closed intervals: a call at the very instant of an answer may stand before it.
            None => members.partition_point(|member| member.call <= latest),
        };
        ((changed + blank) as usize) < free && self.unheard.is_open(index, &branch.used)
    }

    fn with_change(&self, branch: &Branch, index: usize) -> Option<Branch> {
        let told = self.unheard.told(index);
        let state = branch.state.changed(&told, self.is_consecutive).ok()?;
        let step = match self.axis {
            Axis::Revision => 1,
            Axis::Tickets => told.quantity.unwrap_or(0),
        };
        let mut used = branch.used.clone();
        used[index][0] += 1;
        Some(Branch { state, at: branch.at.checked_add(step)?, used })
    }
}

/// For each class whose members need something before them, from which request of `fixed` on each is free:
/// behind what it needs, and where its call lies before the `latest` of all that come.
fn froms(
    unheard: &Unheard,
    fixed: &[Request],
    (latest, end): (&[u64], u64),
) -> Vec<Option<Vec<usize>>> {
    let mut indices: HashMap<u32, usize> = HashMap::new();
    if unheard.classes.iter().any(|class| class.is_bound) {
        let members = unheard.classes.iter().flat_map(|class| &class.members);
        indices.extend(members.filter_map(|member| Some((member.after?, usize::MAX))));
        for (index, request) in fixed.iter().enumerate().filter(|(_, one)| one.role == Role::Change)
        {
            indices.entry(request.place).and_modify(|at| *at = index);
        }
    }
    let of_class = |class: &Class| {
        if !class.is_bound {
            return None;
        }
        let from = |member: &Member| {
            let behind = member.after.map_or(0, |after| {
                indices.get(&after).copied().unwrap_or(usize::MAX).saturating_add(1)
            });
            if member.call > end {
                return usize::MAX;
            }
            // IMPORTANT: closed intervals, as for all others.
            let called = latest.partition_point(|latest| *latest < member.call);
            behind.max(called)
        };
        let mut froms: Vec<usize> = class.members.iter().map(from).collect();
        froms.sort_unstable();
        Some(froms)
    };
    unheard.classes.iter().map(of_class).collect()
}
