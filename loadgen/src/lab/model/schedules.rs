//! All schedules of two workers: how many there are, what comes of each, and each by its number.
//!
//! A schedule ends when nobody can take a step any more. Two states that are equal have the same
//! future, so that it is counted once: states, and not schedules, are what is walked through.
//!
//! # Invariants
//! - Schedules are numbered in the order of the dictionary, from 0, and by number each is found
//!   again without the others being walked through.

use std::collections::HashMap;

use serde::Serialize;

use crate::lab::model::{
    setup::Setup,
    states::{Model, Place},
};

/// What comes of a whole schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Every ticket that was sold was sold once.
    Right,
    /// One ticket was sold to two buyers.
    SoldTwice,
    /// A worker read a file that somebody was writing, and crashed.
    Broke,
    /// All who are left wait for each other.
    Deadlock,
}

/// How many schedules come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Counts {
    pub(crate) right: u64,
    pub(crate) sold_twice: u64,
    pub(crate) broke: u64,
    pub(crate) deadlock: u64,
}

/// The schedules of one lab, as far as somebody has asked for them.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    counted: HashMap<Model, Counts>,
}

impl Kind {
    /// One letter, for a list that is long.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Right => 'r',
            Self::SoldTwice => 's',
            Self::Broke => 'b',
            Self::Deadlock => 'd',
        }
    }

    /// What came of a `model` in which nobody can take a step any more.
    pub(crate) fn of(model: &Model) -> Self {
        let mut tickets: Vec<u32> =
            model.buyers().iter().filter_map(|buyer| buyer.ticket).collect();
        let sold = tickets.len();
        tickets.sort_unstable();
        tickets.dedup();
        if tickets.len() < sold {
            Self::SoldTwice
        } else if model.buyers().iter().any(|buyer| buyer.place == Place::Broke) {
            Self::Broke
        } else if model.is_deadlock() {
            Self::Deadlock
        } else {
            Self::Right
        }
    }
}

impl Counts {
    /// All of them.
    pub(crate) fn all(self) -> u64 {
        self.right + self.sold_twice + self.broke + self.deadlock
    }

    fn one(kind: Kind) -> Self {
        let mut counts = Self::default();
        match kind {
            Kind::Right => counts.right = 1,
            Kind::SoldTwice => counts.sold_twice = 1,
            Kind::Broke => counts.broke = 1,
            Kind::Deadlock => counts.deadlock = 1,
        }
        counts
    }

    fn and(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            sold_twice: self.sold_twice + other.sold_twice,
            broke: self.broke + other.broke,
            deadlock: self.deadlock + other.deadlock,
        }
    }
}

impl Schedules {
    /// How many ways there are to go on from `model`, and what they come to.
    pub(crate) fn count(&mut self, model: &Model) -> Counts {
        if let Some(counts) = self.counted.get(model) {
            return *counts;
        }
        let mut counts = Counts::default();
        for next in successors(model) {
            counts = counts.and(self.count(&next));
        }
        if counts.all() == 0 {
            counts = Counts::one(Kind::of(model));
        }
        self.counted.insert(model.clone(), counts);
        counts
    }

    /// The schedule with this `number` of a lab with `setup`; `None` behind the last.
    pub(crate) fn schedule(&mut self, setup: Setup, mut number: u64) -> Option<Vec<u8>> {
        let mut model = Model::new(setup);
        let mut schedule = Vec::new();
        if number >= self.count(&model).all() {
            return None;
        }
        'steps: loop {
            let ready: Vec<u8> = model.ready().collect();
            for worker in ready {
                let mut next = model.clone();
                next.step(worker);
                let ways = self.count(&next).all();
                if number < ways {
                    schedule.push(worker);
                    model = next;
                    continue 'steps;
                }
                number -= ways;
            }
            return Some(schedule);
        }
    }

    /// What each schedule comes to, a letter each, in the order of their numbers; `None` where there
    /// are more than `most`.
    pub(crate) fn letters(&mut self, setup: Setup, most: u64) -> Option<String> {
        let model = Model::new(setup);
        (self.count(&model).all() <= most).then(|| {
            let mut letters = String::new();
            write_letters(&model, &mut letters);
            letters
        })
    }
}

fn successors(model: &Model) -> impl Iterator<Item = Model> {
    model.ready().map(|worker| {
        let mut next = model.clone();
        next.step(worker);
        next
    })
}

fn write_letters(model: &Model, letters: &mut String) {
    let before = letters.len();
    for next in successors(model) {
        write_letters(&next, letters);
    }
    if letters.len() == before {
        letters.push(Kind::of(model).letter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::model::program::{VARIANTS, Variant};

    fn setup(variant: Variant, tickets: u32) -> Setup {
        Setup { variant, workers: 2, tickets }
    }

    /// Every schedule, found by trying them all, without memory.
    fn all(model: &Model, so_far: &mut Vec<u8>, found: &mut Vec<(Vec<u8>, Kind)>) {
        let ready: Vec<u8> = model.ready().collect();
        if ready.is_empty() {
            found.push((so_far.clone(), Kind::of(model)));
        }
        for worker in ready {
            let mut next = model.clone();
            next.step(worker);
            so_far.push(worker);
            all(&next, so_far, found);
            so_far.pop();
        }
    }

    #[test]
    fn counts_are_those_of_trying_every_schedule() {
        for variant in VARIANTS {
            for tickets in [1, 2] {
                let setup = setup(variant, tickets);
                let mut found = Vec::new();
                all(&Model::new(setup), &mut Vec::new(), &mut found);
                let mut schedules = Schedules::default();
                let counts = schedules.count(&Model::new(setup));
                let of = |kind| found.iter().filter(|(_, found)| *found == kind).count() as u64;
                assert_eq!(counts.right, of(Kind::Right), "{setup:?}");
                assert_eq!(counts.sold_twice, of(Kind::SoldTwice), "{setup:?}");
                assert_eq!(counts.broke, of(Kind::Broke), "{setup:?}");
                assert_eq!(counts.deadlock, of(Kind::Deadlock), "{setup:?}");
                assert_eq!(counts.all(), found.len() as u64, "{setup:?}");
                let letters: String = found.iter().map(|(_, kind)| kind.letter()).collect();
                assert_eq!(schedules.letters(setup, u64::MAX), Some(letters), "{setup:?}");
                assert_eq!(schedules.letters(setup, counts.all() - 1), None);
                for number in [0, counts.all() / 3, counts.all() - 1] {
                    let at = usize::try_from(number).unwrap();
                    let schedule = schedules.schedule(setup, number);
                    assert_eq!(schedule, Some(found[at].0.clone()), "{setup:?} {number}");
                }
                assert_eq!(schedules.schedule(setup, counts.all()), None);
            }
        }
    }

    #[test]
    fn without_a_lock_the_counts_are_those_of_the_binomials() {
        let binomial = |n: u64, k: u64| (1..=k).fold(1, |ways, i| ways * (n - k + i) / i);
        let counts =
            |tickets| Schedules::default().count(&Model::new(setup(Variant::None, tickets)));
        // Two programs of 7 lines. One of them breaks off where it reads (its line 2) between lines
        // 5 and 6 of the other: it is at line 2 in C(6, 1) ways, and with it broken off there is one
        // way to go on, where there would be C(7, 2).
        let all = binomial(14, 7);
        let meet = 2 * binomial(6, 1);
        let broken = meet * binomial(7, 2);
        // One reads when the other has written (behind its line 6, or behind its line 7).
        let apart = 2 * (binomial(7, 1) * binomial(6, 1) + binomial(8, 1));
        let two = counts(2);
        assert_eq!((two.broke, two.right), (meet, apart));
        assert_eq!(two.sold_twice, all - broken - apart);
        // With one ticket who reads then is at its end in 2 more steps.
        let one = counts(1);
        let apart = 2 * (binomial(7, 1) * binomial(3, 1) + binomial(8, 1));
        assert_eq!((one.broke, one.right, one.sold_twice), (meet, apart, two.sold_twice));
        assert_eq!(one.all(), 3_150);
    }

    #[test]
    fn schedules_of_one_ticket_are_as_many_as_the_reference_says() {
        for (variant, all, sold_twice, broke, deadlock) in [
            (Variant::None, 3_150, 3_080, 12, 0),
            (Variant::WriteLock, 11_804, 11_620, 14, 0),
            (Variant::Mutex, 42_406, 41_160, 56, 0),
            (Variant::Flock, 440, 0, 0, 0),
            (Variant::Replaced, 694, 638, 0, 0),
            (Variant::LockFile, 18, 0, 0, 0),
            (Variant::CompareAndSwap, 1_380, 0, 0, 0),
            (Variant::TwoLocks, 1_464, 0, 0, 12),
        ] {
            let counts = Schedules::default().count(&Model::new(setup(variant, 1)));
            let right = all - sold_twice - broke - deadlock;
            assert_eq!(counts, Counts { right, sold_twice, broke, deadlock }, "{variant:?}");
        }
    }

    #[test]
    fn no_schedule_oversells_under_a_lock_from_reading_to_writing() {
        let counts = |variant| Schedules::default().count(&Model::new(setup(variant, 1)));
        for variant in [Variant::Flock, Variant::LockFile, Variant::CompareAndSwap] {
            let counts = counts(variant);
            assert_eq!(counts.all(), counts.right, "{variant:?}");
        }
        for variant in [Variant::None, Variant::WriteLock, Variant::Mutex, Variant::Replaced] {
            assert!(counts(variant).sold_twice > 0, "{variant:?}");
        }
        let two = counts(Variant::TwoLocks);
        assert!(two.deadlock > 0 && two.sold_twice == 0 && two.broke == 0, "{two:?}");
    }
}
