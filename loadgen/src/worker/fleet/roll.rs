//! The roll: who is ready, who has bought, who has ended. Pure.
//!
//! # Invariants
//! - Closing the roll gives exactly one purchase for each worker.

use std::collections::BTreeMap;

use crate::{
    history::{Answer, Operation, OperationKind, Outcome},
    worker::seat::Report,
};

#[derive(Clone, Copy, Debug, Default)]
struct Attendance {
    is_ready: bool,
    has_bought: bool,
    has_ended: bool,
}

/// So many lacks are named; one is enough for a run to prove nothing.
const LACKS_MAX: usize = 20;

/// What the workers of a fleet have said so far.
#[derive(Debug)]
pub(super) struct Roll {
    workers: Vec<Attendance>,
    present: u32,
    ready: u32,
    bought: u32,
    ended: u32,
    operations: Vec<Operation>,
    notes: BTreeMap<String, u32>,
    /// What the operations lack; each is a note too.
    lacks: Vec<String>,
}

impl Roll {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers: vec![Attendance::default(); workers],
            present: 0,
            ready: 0,
            bought: 0,
            ended: 0,
            operations: Vec::with_capacity(2 * workers),
            notes: BTreeMap::new(),
            lacks: Vec::new(),
        }
    }

    /// How many are ready.
    pub(super) fn ready(&self) -> u32 {
        self.ready
    }

    /// How many have bought, or tried to.
    pub(super) fn bought(&self) -> u32 {
        self.bought
    }

    /// Whether everybody is ready or has ended.
    pub(super) fn is_assembled(&self) -> bool {
        self.present as usize == self.workers.len()
    }

    /// Whether everybody has ended.
    pub(super) fn is_over(&self) -> bool {
        self.ended as usize == self.workers.len()
    }

    /// Takes down what `worker` says.
    pub(super) fn hear(&mut self, worker: u32, report: Report) {
        // A worker that has many clients says these for itself.
        match report {
            Report::Note(text) => return self.note(text),
            Report::Lost(text) => return self.lack(text),
            Report::Tally(_) | Report::Done | Report::Died => return,
            Report::Ready | Report::Operation(_) | Report::Ended => {}
        }
        let Some(attendance) = self.workers.get_mut(worker as usize) else {
            return self.note(format!("a worker `{worker}` that nobody started"));
        };
        let was_present = attendance.is_ready || attendance.has_ended;
        match report {
            Report::Ready if attendance.is_ready => {}
            Report::Ready => {
                attendance.is_ready = true;
                self.ready += 1;
            }
            Report::Ended if attendance.has_ended => {}
            Report::Ended => {
                attendance.has_ended = true;
                self.ended += 1;
            }
            Report::Operation(buy) if buy.op == OperationKind::Buy => {
                if attendance.has_bought {
                    return self.lack(format!("worker {worker} answered twice"));
                }
                attendance.has_bought = true;
                self.bought += 1;
                self.operations.push(buy);
            }
            Report::Operation(operation) => self.operations.push(operation),
            Report::Note(_) | Report::Lost(_) | Report::Tally(_) | Report::Done | Report::Died => {}
        }
        let attendance = self.workers[worker as usize];
        if !was_present && (attendance.is_ready || attendance.has_ended) {
            self.present += 1;
        }
    }

    /// Ends the run that was released at `released_ns`. A worker that never said how its purchase
    /// went may have bought at any time since then; one that was never ready has not bought. Gives the
    /// operations, the notes, and what the operations lack.
    pub(super) fn close(mut self, released_ns: u64) -> (Vec<Operation>, Vec<String>, Vec<String>) {
        let (mut silent, mut never_ready) = (0_u32, 0_u32);
        for (worker, attendance) in (0_u32..).zip(&self.workers) {
            let answer = match attendance {
                Attendance { has_bought: true, .. } => continue,
                Attendance { is_ready: true, .. } => {
                    silent += 1;
                    Answer::new(Outcome::Unknown)
                }
                Attendance { .. } => {
                    never_ready += 1;
                    Answer::new(Outcome::Refused)
                }
            };
            let buy = Operation::buy(worker, released_ns, released_ns, answer);
            self.operations.push(buy);
        }
        let mut notes: Vec<String> = Vec::new();
        if never_ready > 0 {
            notes.push(format!("{never_ready} ended before the start and bought nothing"));
        }
        if silent > 0 {
            notes.push(format!("{silent} ended without a word: whether they bought is unknown"));
        }
        notes.extend(self.notes.iter().map(|(text, times)| match times {
            1 => text.clone(),
            _ => format!("{text} ({times} times)"),
        }));
        (self.operations, notes, self.lacks)
    }

    fn lack(&mut self, text: String) {
        if self.lacks.len() < LACKS_MAX && !self.lacks.contains(&text) {
            self.lacks.push(text.clone());
        }
        self.note(text);
    }

    fn note(&mut self, text: String) {
        *self.notes.entry(text).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sold_out(worker: u32) -> Report {
        Report::Operation(Operation::buy(worker, 5, 6, Answer::new(Outcome::SoldOut)))
    }

    #[test]
    fn the_barrier_opens_when_all_are_ready_or_have_ended() {
        let mut roll = Roll::new(2);
        roll.hear(0, Report::Ready);
        roll.hear(0, Report::Ready);
        assert!(!roll.is_assembled());
        roll.hear(1, Report::Ended);
        assert!(roll.is_assembled());
        roll.hear(0, Report::Ended);
        roll.hear(0, Report::Ended);
        assert!(roll.is_over());
    }

    #[test]
    fn every_worker_has_one_purchase_in_the_end() {
        let mut roll = Roll::new(4);
        for worker in 0..3 {
            roll.hear(worker, Report::Ready);
        }
        roll.hear(0, sold_out(0));
        roll.hear(0, sold_out(0));
        roll.hear(1, Report::Lost("odd".to_owned()));
        roll.hear(9, Report::Ready);
        let (operations, notes, lacks) = roll.close(3);
        let outcomes: Vec<(u32, Outcome)> =
            operations.iter().map(|buy| (buy.process, buy.outcome)).collect();
        assert_eq!(
            outcomes,
            [
                (0, Outcome::SoldOut),
                (1, Outcome::Unknown),
                (2, Outcome::Unknown),
                (3, Outcome::Refused)
            ]
        );
        assert_eq!((operations[1].call_ns, operations[1].return_ns), (3, None));
        assert_eq!(notes.len(), 5);
        assert_eq!(lacks, ["worker 0 answered twice", "odd"]);
    }
}
