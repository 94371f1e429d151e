//! The general test of linearizability, for histories whose answers do not name their places.
//!
//! Wing and Gong (1993): take any operation that was called before the first of the outstanding
//! answers, let it take effect, and go on. Lowe (2017): never look twice at one set of operations
//! that took effect in one state. What has taken effect is kept as "all up to here" but for the few
//! before, so that an instant at which nothing is under way leaves nothing but the possible states, and
//! one that takes long costs its neighbours nothing.
//! Of unknown operations that are alike the one that was called first stands for all.

use std::collections::{HashMap, HashSet};

use super::{
    budget::{Budget, OutOfBudget},
    finding::{Contradiction, Finding},
    model::State,
    request::{FINAL, NEVER, Request, Requests, Role},
    told::Told,
};
use crate::history::{OperationKind, Tickets};

/// What has happened so far.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Config {
    /// None of the answered requests from this one on took effect, and the one before it did.
    front: u32,
    /// Those before `front` that did not, as bits of words of 64 requests; words with none are left out.
    missing: Vec<(u32, u64)>,
    /// How many of each class of unknown ones did: as what they are, and as a remembered refusal.
    used: Vec<[u32; 2]>,
    state: State,
}

/// Unknown requests that are alike.
struct Class {
    op: OperationKind,
    quantity: Option<u64>,
    may_be_blank: bool,
    /// Calls with their places, in order.
    calls: Vec<(u64, u32)>,
}

pub(super) struct Search<'a> {
    requests: &'a Requests<'a>,
    /// In the order of their calls.
    answered: Vec<Request>,
    classes: Vec<Class>,
    no_tickets: Tickets,
}

/// One step of a way: the step before it, what took effect, and when at the earliest.
struct Trace {
    before: usize,
    place: u32,
}

/// The way that was found, or why there is none.
pub(super) struct Searched {
    pub(super) finding: Finding,
    /// The places in their order, as far as the search got.
    pub(super) order: Vec<u32>,
}

impl<'a> Search<'a> {
    pub(super) fn new(requests: &'a Requests<'a>, list: &[Request]) -> Self {
        let (unknown, mut answered): (Vec<Request>, Vec<Request>) =
            list.iter().partition(|request| request.role == Role::Unknown);
        answered.sort_unstable_by_key(|request| (request.call, request.ret));
        let classes = classes(requests, &unknown);
        Self { requests, answered, classes, no_tickets: Tickets::default() }
    }

    /// Looks for an order, depth first.
    pub(super) fn run(&self, budget: &mut Budget) -> Searched {
        let mut trace = vec![Trace { before: 0, place: FINAL }];
        let mut seen = HashSet::new();
        let mut open = vec![(self.start(), 0_usize)];
        let mut deepest = (0, 0, self.start());
        while let Some((config, step)) = open.pop() {
            let done = Self::done(&config);
            if step == 0 || done > deepest.0 {
                deepest = (done, step, config.clone());
            }
            if done == self.answered.len() {
                return Searched { finding: Finding::Linearizable, order: way(&trace, step) };
            }
            let found = self.successors(&config, budget, |next, place| {
                if seen.insert(next.clone()) {
                    trace.push(Trace { before: step, place });
                    open.push((next, trace.len() - 1));
                }
            });
            if found == Err(OutOfBudget) {
                let order = way(&trace, deepest.1);
                return Searched { finding: Finding::OutOfBudget, order };
            }
        }
        let order = way(&trace, deepest.1);
        let finding = Finding::Contradiction(self.stuck(&deepest.2, &order));
        Searched { finding, order }
    }

    fn start(&self) -> Config {
        let mut state = State::at_start(&self.requests.known);
        if !self.answered.iter().any(|one| self.requests.told(one).revision.is_some()) {
            state.revision = None;
        }
        let used = vec![[0, 0]; self.classes.len()];
        Config { front: 0, missing: Vec::new(), used, state }
    }

    fn done(config: &Config) -> usize {
        let missing: u32 = config.missing.iter().map(|(_, bits)| bits.count_ones()).sum();
        (config.front - missing) as usize
    }

    /// Hands each configuration that can follow `config` to `found`, the likeliest last.
    fn successors(
        &self,
        config: &Config,
        budget: &mut Budget,
        mut found: impl FnMut(Config, u32),
    ) -> Result<(), OutOfBudget> {
        let (candidates, first_answer) = self.candidates(config);
        let words = config.words();
        for (index, class) in self.classes.iter().enumerate() {
            budget.step()?;
            let [changed, blank] = config.used[index];
            let Some(&(_, place)) = class
                .calls
                .get((changed + blank) as usize)
                .filter(|(call, _)| *call <= first_answer)
            else {
                continue;
            };
            if class.may_be_blank
                && let Some(state) = config.state.remembering(class.quantity)
            {
                budget.store(words)?;
                found(config.with_unknown(index, 1, state), place);
            }
            if let Ok(state) =
                config.state.changed(&self.told(class), self.requests.is_consecutive())
            {
                budget.store(words)?;
                found(config.with_unknown(index, 0, state), place);
            }
        }
        for &index in candidates.iter().rev() {
            budget.step()?;
            let request = &self.answered[index as usize];
            if request.is_keyed && request.role == Role::SoldOut {
                let remembered = config.state.with_next_revision();
                if let Ok(state) = remembered.after(self.requests, request) {
                    budget.store(words)?;
                    found(config.with(index, state), request.place);
                }
            }
            if let Ok(state) = config.state.after(self.requests, request) {
                budget.store(words)?;
                found(config.with(index, state), request.place);
            }
        }
        Ok(())
    }

    /// The answered requests that may be next, and the first of the outstanding answers.
    fn candidates(&self, config: &Config) -> (Vec<u32>, u64) {
        let mut first_answer = NEVER;
        let mut candidates: Vec<u32> = Vec::new();
        for index in config.outstanding() {
            let Some(request) = self.answered.get(index as usize) else { break };
            if request.call > first_answer {
                break;
            }
            first_answer = first_answer.min(request.ret);
            candidates.push(index);
        }
        candidates.retain(|index| self.answered[*index as usize].call <= first_answer);
        (candidates, first_answer)
    }

    fn told(&self, class: &Class) -> Told<'_> {
        Told {
            op: class.op,
            quantity: class.quantity,
            tickets: &self.no_tickets,
            remaining: None,
            revision: None,
        }
    }

    /// Where the search got stuck: what was outstanding, and what had come right before it.
    fn stuck(&self, config: &Config, order: &[u32]) -> Contradiction {
        let (candidates, _) = self.candidates(config);
        let outstanding = candidates.iter().map(|index| &self.answered[*index as usize]);
        let is_answered = |place: &&u32| {
            **place == FINAL
                || self.requests.evidence.operations[**place as usize].return_ns.is_some()
        };
        let recent = order.iter().rev().filter(is_answered).take(STUCK_MAX / 2).copied();
        let mut window: Vec<u32> =
            outstanding.take(STUCK_MAX / 2).map(|one| one.place).chain(recent).collect();
        window.sort_unstable();
        window.dedup();
        Contradiction::Stuck { window }
    }
}

/// The requests of `unknown` that are alike, together.
fn classes(requests: &Requests<'_>, unknown: &[Request]) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    let mut known = HashMap::new();
    for request in unknown {
        let told = requests.told(request);
        let (op, quantity) = (told.op, told.quantity);
        let may_be_blank =
            request.is_keyed && matches!(op, OperationKind::Buy | OperationKind::Hold);
        let index = *known.entry((op, quantity, may_be_blank)).or_insert(classes.len());
        if index == classes.len() {
            classes.push(Class { op, quantity, may_be_blank, calls: Vec::new() });
        }
        classes[index].calls.push((request.call, request.place));
    }
    for class in &mut classes {
        class.calls.sort_unstable();
    }
    classes
}

/// How many operations are looked at for a smaller counterexample.
const STUCK_MAX: usize = 24;

impl Config {
    /// The answered requests that did not take effect, in their order, without an end.
    fn outstanding(&self) -> impl Iterator<Item = u32> + '_ {
        let bits_of = |&(word, bits): &(u32, u64)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        };
        self.missing.iter().flat_map(bits_of).chain(self.front..)
    }

    /// How many words of 64 bits it takes beside its own size.
    fn words(&self) -> usize {
        self.used.len() + 2 * self.missing.len()
    }

    /// With the answered request `index` in effect.
    fn with(&self, index: u32, state: State) -> Self {
        let mut next = Self { state, ..self.clone() };
        let (word, bit) = (index / 64, 1 << (index % 64));
        if index < next.front {
            if let Ok(at) = next.missing.binary_search_by_key(&word, |(word, _)| *word) {
                next.missing[at].1 &= !bit;
                if next.missing[at].1 == 0 {
                    next.missing.remove(at);
                }
            }
            return next;
        }
        for skipped in next.front..index {
            let bit = 1 << (skipped % 64);
            match next.missing.last_mut() {
                Some((word, bits)) if *word == skipped / 64 => *bits |= bit,
                _ => next.missing.push((skipped / 64, bit)),
            }
        }
        next.front = index + 1;
        next
    }

    fn with_unknown(&self, class: usize, role: usize, state: State) -> Self {
        let mut next = Self { state, ..self.clone() };
        next.used[class][role] += 1;
        next
    }
}

/// The places on the way to `step`.
fn way(trace: &[Trace], mut step: usize) -> Vec<u32> {
    let mut places = Vec::new();
    while step != 0 {
        places.push(trace[step].place);
        step = trace[step].before;
    }
    places.reverse();
    places
}
