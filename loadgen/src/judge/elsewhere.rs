//! Changes that were made elsewhere, and that left the count as it was. Pure.
//!
//! A history knows its own clients only. An admission at the door, the sale that is closed or opened, and somebody
//! else's refusal that is remembered take a revision each and change no count. Where the count that was told ahead of
//! revisions that nobody here took is the one that was told behind them, nobody lost anything by what took them.

use super::{
    evidence::Evidence,
    request::{Known, Requests, Role, Trusted},
    told::Told,
};
use crate::history::{Answer, Operation, OperationKind, Outcome};

/// From this many on the revisions number something else than the changes.
const CHANGES_MAX: u64 = 100_000;

/// What was changed elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// How many revisions were taken without a change of the count.
    changes: u64,
    /// The first one.
    first: u64,
}

impl Elsewhere {
    /// What was, as far as revisions and counts are to be trusted, which tell it; `None` where nothing was.
    pub(super) fn find(evidence: &Evidence<'_>) -> Option<Self> {
        let header = evidence.header;
        if !header.counts_are_exact() || !header.revisions_are_consecutive() {
            return None;
        }
        let requests = Requests::collect(evidence, Known::of(header), Trusted::ALL);
        let Known { initial, revision, .. } = requests.known;
        // Counts by revision, and the revisions that changes took.
        let mut counts: Vec<(u64, u64)> = revision.zip(initial).into_iter().collect();
        let mut taken = Vec::new();
        for request in requests.list.iter().filter(|one| one.role != Role::Unknown) {
            let told = requests.told(request);
            let Some(revision) = told.revision else { continue };
            counts.extend(told.remaining.map(|count| (revision, count)));
            if request.role == Role::Change {
                taken.push(revision);
                counts.extend(revision.checked_sub(1).zip(count_before(&told)));
            }
        }
        counts.sort_unstable();
        taken.sort_unstable();
        let is_nobodys = |from: u64, to: u64| {
            let next = taken.partition_point(|revision| *revision <= from);
            taken.get(next).is_none_or(|revision| *revision > to)
        };
        let alike = counts.windows(2).filter_map(|pair| match *pair {
            [(from, before), (to, after)] if before == after && from < to => Some((from, to)),
            _ => None,
        });
        let quiet = alike.filter(|(from, to)| is_nobodys(*from, *to));
        let found = quiet.fold(None, |found, (from, to)| {
            let Self { changes, first } = found.unwrap_or(Self { changes: 0, first: from + 1 });
            Some(Self { changes: changes.saturating_add(to - from), first })
        });
        found.filter(|found| found.changes < CHANGES_MAX)
    }

    /// `operations`, and one for each change, which may have happened at any time.
    pub(super) fn added_to(self, operations: &[Operation]) -> Vec<Operation> {
        // Of no tickets, a confirm takes a revision and nothing else.
        let change = Operation {
            return_ns: None,
            ..Operation::of_kind(
                (OperationKind::Confirm, Some(0)),
                u32::MAX,
                0,
                0,
                Answer::new(Outcome::Unknown),
            )
        };
        let changes = (0..self.changes).map(|_| change.clone());
        operations.iter().cloned().chain(changes).collect()
    }

    /// What it leaves open.
    pub(super) fn doubt(self) -> String {
        let Self { changes, first } = self;
        let taken = match changes {
            1 => format!("revision `{first}` was taken by nobody here and changed no count"),
            _ => format!(
                "{changes} revisions, as `{first}`, were taken by nobody here and changed no count"
            ),
        };
        format!("{taken}: somebody else was let in or refused, or the sale was closed or opened")
    }
}

/// What was left ahead of a change.
fn count_before(told: &Told<'_>) -> Option<u64> {
    match told.op {
        OperationKind::Buy | OperationKind::Hold => told.remaining?.checked_add(told.quantity?),
        OperationKind::Release | OperationKind::Refund | OperationKind::Restock => {
            told.remaining?.checked_sub(told.quantity?)
        }
        OperationKind::Confirm | OperationKind::Search => told.remaining,
    }
}
