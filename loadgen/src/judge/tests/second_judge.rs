//! A second judge that was made elsewhere: the linearizability tester of `stateright`.
//!
//! What it calls "in flight" is what we call unknown: it may take effect at any time after its call,
//! or never. Every operation gets a thread of its own, and of events at one instant the calls come
//! first, since our intervals are closed. Keys are beyond it.

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::{
    agreement::{assert_judged, is_right_with_others},
    brute_force::{Counter, judged_members, names_its_own},
    dice::Dice,
    simulation::{Scene, disturb, simulate},
};
use crate::history::{Answer, Header, Numbering, Operation, Outcome, signed};

const HISTORIES: u64 = 10_000;

#[derive(Clone)]
struct Spec(Counter);

/// What an operation was told, as far as it was.
#[derive(Clone, Debug, PartialEq)]
struct Said(Operation);

impl SequentialSpec for Spec {
    type Op = Operation;
    type Ret = Said;

    fn invoke(&mut self, operation: &Operation) -> Said {
        let mut said = operation.clone();
        if let Some(reply) = self.0.perform(operation, false) {
            said.outcome = reply.outcome;
            said.tickets = reply.tickets;
            said.remaining = Some(signed(reply.remaining));
            said.revision = Some(reply.revision);
        }
        Said(said)
    }

    fn is_valid_step(&mut self, operation: &Operation, Said(told): &Said) -> bool {
        let Some(reply) = self.0.perform(operation, false) else {
            return false;
        };
        reply.outcome == told.outcome
            && (!names_its_own(told) || told.tickets == reply.tickets)
            && told.remaining.is_none_or(|told| told == signed(reply.remaining))
            && told.revision.is_none_or(|told| told == reply.revision)
    }
}

fn second_opinion(header: &Header, operations: &[Operation]) -> bool {
    let (revisions, mut operations) = judged_members(operations);
    let ends = operations.iter().map(|one| one.return_ns.unwrap_or(one.call_ns));
    let end = ends.max().unwrap_or(0) + 1;
    operations.push(Operation::search(
        0,
        end,
        end,
        Answer {
            remaining: header.left,
            revision: header.left_revision.filter(|_| revisions),
            ..Answer::new(Outcome::Found)
        },
    ));
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (thread, operation) in operations.iter().enumerate() {
        events.push((operation.call_ns, false, thread));
        events.extend(operation.return_ns.map(|at| (at, true, thread)));
    }
    events.sort_unstable();
    let mut tester = LinearizabilityTester::new(Spec(Counter::new(header)));
    for (_, is_return, thread) in events {
        let operation = operations[thread].clone();
        if is_return {
            tester.on_return(thread, Said(operation)).unwrap();
        } else {
            tester.on_invoke(thread, operation).unwrap();
        }
    }
    tester.is_consistent()
}

#[test]
fn judge_agrees_with_stateright() {
    let (mut right, mut wrong) = (0_u64, 0_u64);
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed ^ 0x5EC0_4D00);
        let operations = 1 + dice.index(12);
        let mut scene = Scene::random(&mut dice, operations);
        scene.keyed_percent = 0;
        scene.has_links = false;
        scene.numbering = Numbering::Consecutive;
        scene.spread = 1 + dice.below(2);
        let (mut header, mut operations) = simulate(&mut dice, &scene);
        for _ in 0..dice.below(6) {
            disturb(&mut dice, &mut header, &mut operations);
        }
        if dice.chance(50) {
            // Others may have been there, too.
            header.revisions = None;
        }
        let with_others = is_right_with_others(&header, &operations, second_opinion);
        let is_right = second_opinion(&header, &operations) || with_others == Some(true);
        assert_judged(seed, is_right, &header, &operations);
        right += u64::from(is_right);
        wrong += u64::from(!is_right);
    }
    assert!(right > HISTORIES / 5 && wrong > HISTORIES / 5, "{right} right, {wrong} wrong");
}
