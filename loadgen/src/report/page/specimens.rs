//! Histories to draw in tests: a counter is played through, with a lock and without one.

use crate::{
    history::{Answer, CriticalSection, Header, History, Operation, Outcome, Tickets, signed},
    judge::{Judgement, judge_history},
    report::JudgedHistory,
};

const MS: u64 = 1_000_000;

/// Without a lock: everybody reads before anybody writes.
pub(super) fn without_a_lock(workers: u32, tickets: u64) -> JudgedHistory {
    let operations = (0..workers).flat_map(|worker| {
        let read_ns = (5 + u64::from(worker)) * MS;
        let section = CriticalSection { read_ns, write_ns: read_ns + 300 * MS };
        [search(worker, read_ns - 3 * MS, tickets), sale(worker, read_ns, section, 1, tickets - 1)]
    });
    judged(header("none", tickets, tickets - 1), operations.collect())
}

/// With a lock: all ask at once, and come in one after the other.
pub(super) fn with_a_lock(workers: u32, tickets: u64) -> JudgedHistory {
    let operations = (0..workers).flat_map(|worker| {
        let turn = u64::from(worker);
        let read_ns = (5 + 301 * turn.min(tickets) + 101 * turn.saturating_sub(tickets)) * MS;
        let write_ns = read_ns + if turn < tickets { 300 } else { 100 } * MS;
        let section = CriticalSection { read_ns, write_ns };
        let buy = if turn < tickets {
            sale(worker, 3 * MS, section, turn + 1, tickets - turn - 1)
        } else {
            let section = Some(section);
            let answer = Answer { remaining: Some(0), section, ..Answer::new(Outcome::SoldOut) };
            Operation::buy(worker, 3 * MS, write_ns + MS, answer)
        };
        [search(worker, MS, tickets), buy]
    });
    judged(header("file", tickets, 0), operations.collect())
}

/// A server that dies: some are refused, some have no answer, and nothing is proved.
pub(super) fn with_unknowns() -> JudgedHistory {
    let mut specimen = with_a_lock(24, 10);
    let operations = &mut specimen.history.operations;
    for operation in operations.iter_mut().skip(9).step_by(5) {
        operation.outcome = Outcome::Unknown;
        operation.return_ns = None;
        operation.tickets = Tickets::default();
        operation.remaining = None;
        operation.section = None;
    }
    for operation in operations.iter_mut().skip(11).step_by(7) {
        operation.outcome = Outcome::Refused;
        operation.remaining = None;
        operation.section = None;
    }
    specimen.judgement.doubts = vec!["the file ends in the middle of line `49`".to_owned()];
    specimen
}

/// A long run of quick purchases; nobody says what is between read and write.
pub(super) fn large(operations: u64) -> JudgedHistory {
    let tickets = operations * 3 / 4;
    let operations = (0..operations).map(|number| {
        let call_ns = number * 10_000 + number * 7919 % 9000;
        let return_ns = call_ns + 300_000 + number * 7907 % 900_000;
        let answer = if number < tickets {
            Answer {
                tickets: Tickets::one(number + 1),
                remaining: Some(signed(tickets - number - 1)),
                revision: Some(number + 1),
                ..Answer::new(Outcome::Sold)
            }
        } else {
            Answer::new(Outcome::SoldOut)
        };
        Operation::buy(u32::try_from(number % 100).unwrap(), call_ns, return_ns, answer)
    });
    let history = history_of(header("group", tickets, 0), operations.collect());
    JudgedHistory::new(history, Judgement::default())
}

fn judged(header: Header, operations: Vec<Operation>) -> JudgedHistory {
    let history = history_of(header, operations);
    let judgement = judge_history(&history);
    JudgedHistory::new(history, judgement)
}

fn history_of(header: Header, operations: Vec<Operation>) -> History {
    let mut history = History::default();
    (history.header, history.operations) = (header, operations);
    history
}

fn header(label: &str, tickets: u64, left: u64) -> Header {
    Header { label: Some(label.to_owned()), left: Some(signed(left)), ..Header::new(tickets) }
}

fn search(worker: u32, call_ns: u64, count: u64) -> Operation {
    let answer = Answer { remaining: Some(signed(count)), ..Answer::new(Outcome::Found) };
    Operation::search(worker, call_ns, call_ns + MS, answer)
}

fn sale(worker: u32, call_ns: u64, section: CriticalSection, ticket: u64, left: u64) -> Operation {
    let answer = Answer {
        tickets: Tickets::one(ticket),
        remaining: Some(signed(left)),
        section: Some(section),
        ..Answer::new(Outcome::Sold)
    };
    Operation::buy(worker, call_ns, section.write_ns + MS, answer)
}
