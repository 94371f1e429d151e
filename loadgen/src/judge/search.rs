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
    request::{FINAL, NEVER, NOBODY, Request, Requests, Role},
    unheard::{Class, Member, Unheard},
};

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

pub(super) struct Search<'a> {
    requests: &'a Requests<'a>,
    /// In the order of their calls.
    answered: Vec<Request>,
    /// For each of these the one of these that must have taken effect before it.
    needs: Vec<Option<u32>>,
    unheard: Unheard,
    /// The index of each answered request that something of `unheard` needs, by its place.
    needed: HashMap<u32, u32>,
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
        let unheard = Unheard::of(requests, &unknown);
        let (needs, needed) = needs(requests, &answered, &unheard);
        Self { requests, answered, needs, unheard, needed }
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
        let used = vec![[0, 0]; self.unheard.classes.len()];
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
        let mut tried = None;
        for &index in &self.unheard.order {
            let class = &self.unheard.classes[index];
            if class.group.is_some() && class.group == tried {
                continue;
            }
            budget.step()?;
            let [changed, blank] = config.used[index];
            if !self.unheard.is_open(index, &config.used) {
                continue;
            }
            let nth = (changed + blank) as usize;
            let Some(place) = self.member(class, nth, config, first_answer, budget)? else {
                continue;
            };
            tried = class.group;
            if let Some(twin) = class.twin {
                let (nth, class) = (config.used[twin][0] as usize, &self.unheard.classes[twin]);
                if self.member(class, nth, config, first_answer, budget)?.is_some() {
                    continue;
                }
            }
            if class.may_be_blank
                && let Some(state) = config.state.remembering(class.quantity)
            {
                budget.store(words)?;
                found(config.with_unknown(index, 1, state), place);
            }
            let told = self.unheard.told(index);
            if let Ok(state) = config.state.changed(&told, self.requests.is_consecutive()) {
                budget.store(words)?;
                found(config.with_unknown(index, 0, state), place);
            }
        }
        for &index in candidates.iter().rev() {
            budget.step()?;
            let request = &self.answered[index as usize];
            if self.needs[index as usize].is_some_and(|needed| !config.is_done(needed))
                || (request.place == FINAL && self.unheard.overdue(&config.used).is_some())
            {
                continue;
            }
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

    /// The place of the `nth` of those in `class` that are free in `config`, from 0.
    fn member(
        &self,
        class: &Class,
        nth: usize,
        config: &Config,
        first_answer: u64,
        budget: &mut Budget,
    ) -> Result<Option<u32>, OutOfBudget> {
        if !class.is_bound {
            let member = class.members.get(nth).filter(|member| member.call <= first_answer);
            return Ok(member.map(|member| member.place));
        }
        budget.store(class.members.len())?;
        let is_free = |member: &&Member| {
            let is_done =
                |after| self.needed.get(&after).is_some_and(|index| config.is_done(*index));
            member.after.is_none_or(is_done)
        };
        let called = class.members.iter().take_while(|member| member.call <= first_answer);
        Ok(called.filter(is_free).nth(nth).map(|member| member.place))
    }

    /// Where the search got stuck: what was outstanding, and what had come right before it.
    fn stuck(&self, config: &Config, order: &[u32]) -> Contradiction {
        let (candidates, _) = self.candidates(config);
        let outstanding = candidates.iter().map(|index| &self.answered[*index as usize]);
        let is_answered = |place: &&u32| {
            **place == FINAL
                || **place < NOBODY
                    && self.requests.evidence.operations[**place as usize].return_ns.is_some()
        };
        let recent = order.iter().rev().filter(is_answered).take(STUCK_MAX / 2).copied();
        let mut window: Vec<u32> =
            outstanding.take(STUCK_MAX / 2).map(|one| one.place).chain(recent).collect();
        window.sort_unstable();
        window.dedup();
        Contradiction::Stuck { window }
    }
}

/// For each of `answered` the one that must have taken effect before it, and the index of each that something
/// of `unheard` needs.
fn needs(
    requests: &Requests<'_>,
    answered: &[Request],
    unheard: &Unheard,
) -> (Vec<Option<u32>>, HashMap<u32, u32>) {
    let members = unheard.classes.iter().flat_map(|class| &class.members);
    let all = requests.ties.needs().iter().map(|(_, needed)| *needed);
    let all: HashSet<u32> = all.chain(members.filter_map(|member| member.after)).collect();
    let indices = (0..).zip(answered).filter(|(_, one)| all.contains(&one.place));
    let needed: HashMap<u32, u32> = indices.map(|(index, one)| (one.place, index)).collect();
    let need = |one: &Request| needed.get(&requests.ties.need(one.place)?).copied();
    (answered.iter().map(need).collect(), needed)
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

    /// Whether the answered request `index` took effect.
    fn is_done(&self, index: u32) -> bool {
        let word = self.missing.binary_search_by_key(&(index / 64), |(word, _)| *word);
        index < self.front && word.map_or(true, |at| self.missing[at].1 >> (index % 64) & 1 == 0)
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
