//! Runs to draw in tests: a counter is played through, with a lock and without one.

use super::PageRun;
use crate::{
    history::{Answer, CriticalSection, Header, Operation, Outcome, Tickets, signed},
    judge::{self, Evidence, Judgement, Violation, ViolationKind},
};

const MS: u64 = 1_000_000;

/// A run that owns what a [`PageRun`] borrows.
pub(super) struct Specimen {
    pub(super) label: &'static str,
    pub(super) facts: Vec<(String, String)>,
    pub(super) header: Header,
    pub(super) operations: Vec<Operation>,
    pub(super) judgement: Judgement,
    pub(super) points: Vec<Option<u64>>,
}

impl Specimen {
    fn new(label: &'static str, header: Header, operations: Vec<Operation>) -> Self {
        let evidence = Evidence { header: &header, operations: &operations, lacks: &[] };
        let judgement = judge::judge(&evidence);
        let counts = judge::count(&evidence);
        let facts = [
            ("Workers", "100 processes".to_owned()),
            ("Command line", "`loadgen race --lesson-delays`".to_owned()),
            ("Version", "0.1.0".to_owned()),
            ("Tickets sold", counts.sold.to_string()),
            ("Left in `db.txt`", header.left.map_or("?".to_owned(), |left| left.to_string())),
            ("Oversold", counts.oversold.to_string()),
            ("Lost updates", counts.lost_updates.to_string()),
            ("Duplicate tickets", counts.duplicate_tickets.to_string()),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { label, facts, header, operations, judgement, points: Vec::new() }
    }

    /// As the page is given it.
    pub(super) fn run(&self) -> PageRun<'_> {
        PageRun {
            label: self.label.to_owned(),
            facts: self.facts.clone(),
            header: &self.header,
            operations: &self.operations,
            judgement: &self.judgement,
            points: self.points.clone(),
            clocks: None,
        }
    }
}

/// The lesson without a lock: everybody reads before anybody writes.
pub(super) fn without_a_lock(workers: u32, tickets: u64) -> Specimen {
    let mut dice = Dice(7);
    let mut count = tickets;
    let mut sold = 0;
    let mut writes: Vec<(u64, u64)> = Vec::new();
    let mut reads: Vec<(u64, u32)> =
        (0..workers).map(|worker| (4 * MS + dice.below(60 * MS), worker)).collect();
    reads.sort_unstable();
    let mut operations = Vec::new();
    for (read_ns, worker) in reads {
        for (_, written) in writes.extract_if(.., |(at, _)| *at <= read_ns) {
            count = written;
            sold += 1;
        }
        let write_ns = read_ns + 300 * MS + dice.below(8 * MS);
        writes.push((write_ns, count - 1));
        operations.push(search(worker, read_ns - 3 * MS, count));
        let answer = Answer {
            tickets: Tickets::one(sold + 1),
            remaining: Some(signed(count - 1)),
            section: Some(CriticalSection { read_ns, write_ns }),
            ..Answer::new(Outcome::Sold)
        };
        operations.push(Operation::buy(worker, read_ns - MS, write_ns + MS, answer));
    }
    let header = Header { left: Some(signed(tickets - 1)), ..Header::new(tickets) };
    let mut specimen = Specimen::new("none", header, operations);
    specimen.judgement.violations.insert(0, same_ticket(&specimen.operations));
    specimen
}

fn search(worker: u32, call_ns: u64, count: u64) -> Operation {
    let answer = Answer { remaining: Some(signed(count)), ..Answer::new(Outcome::Found) };
    Operation::search(worker, call_ns, call_ns + MS, answer)
}

fn same_ticket(operations: &[Operation]) -> Violation {
    let (one, other) = (&operations[1], &operations[5]);
    Violation {
        kind: ViolationKind::DuplicateTicket,
        message: "ticket `1` was sold twice".to_owned(),
        operations: vec![1, 5],
        story: vec![
            format!(
                "Worker {} was sold ticket `1`, and so was worker {}.",
                one.process, other.process
            ),
            "Both say that 9 tickets were left afterwards.".to_owned(),
            "Whichever came first, the other must have found 9 and left 8: a contradiction."
                .to_owned(),
        ],
        needs_whole: false,
    }
}

/// The lesson with a lock: one at a time.
pub(super) fn with_a_lock(workers: u32, tickets: u64) -> Specimen {
    let mut dice = Dice(11);
    let mut operations = Vec::new();
    let mut points = Vec::new();
    let mut free_ns = 5 * MS;
    for worker in 0..workers {
        let worker = worker * 37 % workers;
        let call_ns = 2 * MS + dice.below(4 * MS);
        operations.push(search(worker, call_ns - MS, tickets));
        points.push(Some(call_ns - MS / 2));
        let read_ns = free_ns.max(call_ns + MS / 10);
        let sold = operations.iter().filter(|known| known.outcome == Outcome::Sold).count() as u64;
        let is_sold = sold < tickets;
        let write_ns = read_ns + if is_sold { 300 * MS } else { 100 * MS };
        free_ns = write_ns + MS / 5;
        let section = Some(CriticalSection { read_ns, write_ns });
        let answer = if is_sold {
            Answer {
                tickets: Tickets::one(sold + 1),
                remaining: Some(signed(tickets - sold - 1)),
                section,
                ..Answer::new(Outcome::Sold)
            }
        } else {
            Answer { remaining: Some(0), section, ..Answer::new(Outcome::SoldOut) }
        };
        operations.push(Operation::buy(worker, call_ns + MS / 10, free_ns + MS, answer));
        points.push(Some(write_ns));
    }
    let header = Header { left: Some(0), ..Header::new(tickets) };
    Specimen { points, ..Specimen::new("file", header, operations) }
}

/// A server that dies: some are refused, some have no answer, and nothing is proved.
pub(super) fn with_unknowns() -> Specimen {
    let mut specimen = with_a_lock(24, 10);
    specimen.label = "a server that dies";
    for operation in specimen.operations.iter_mut().skip(9).step_by(5) {
        operation.outcome = Outcome::Unknown;
        operation.return_ns = None;
        operation.tickets = Tickets::default();
        operation.remaining = None;
        operation.section = None;
    }
    for operation in specimen.operations.iter_mut().skip(11).step_by(7) {
        operation.outcome = Outcome::Refused;
        operation.remaining = None;
        operation.section = None;
    }
    specimen.judgement = Judgement {
        doubts: vec!["the file ends in the middle of line `49`".to_owned()],
        ..Judgement::default()
    };
    specimen
}

/// A long run of quick purchases; nobody says what is between read and write.
pub(super) fn large(operations: u64) -> Specimen {
    let mut dice = Dice(5);
    let tickets = operations * 3 / 4;
    let history = (0..operations).map(|number| {
        let call_ns = number * 10_000 + dice.below(9_000);
        let return_ns = call_ns + 300_000 + dice.below(900_000);
        let worker = u32::try_from(number % 100).unwrap_or(0);
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
        Operation::buy(worker, call_ns, return_ns, answer)
    });
    let header = Header { left: Some(0), ..Header::new(tickets) };
    let operations: Vec<Operation> = history.collect();
    let points = operations.iter().map(|buy| buy.return_ns.map(|end| end - 100_000)).collect();
    let judgement = Judgement::default();
    Specimen { label: "group", facts: Vec::new(), header, operations, judgement, points }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
