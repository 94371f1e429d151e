//! Changes that were made elsewhere, and that left the count as it was. Pure.
//!
//! A history knows its own clients only. An admission at the door, the sale that is closed or opened, and somebody
//! else's refusal that is remembered take a revision each and change no count. So as many of the revisions that nobody
//! here took may be theirs as the counts that were told on both sides leave over: all where these are the same, all but
//! one where they are not. Nobody can have lost anything by such a change, for no count is explained by it. A history
//! whose first line says `"revisions": "consecutive"` promises that there are no others.

use super::{
    evidence::Evidence,
    request::{Known, Requests, Role, Trusted},
    told::Told,
};
use crate::history::OperationKind;

/// From this many on the revisions number something else than the changes.
const CHANGES_MAX: u32 = 100_000;

/// What was changed elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// How many revisions were taken without a change of the count.
    pub(super) changes: u32,
    /// The first one.
    first: u64,
}

impl Elsewhere {
    /// What was, as far as revisions and counts are to be trusted, which tell it; `None` where nothing was.
    pub(super) fn find(evidence: &Evidence<'_>) -> Option<Self> {
        let header = evidence.header;
        let may_be_others = header.revisions.is_none() && header.revisions_are_consecutive();
        if !header.counts_are_exact() || !may_be_others {
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
            // A refusal under a key is remembered as a change of its own.
            if request.role == Role::Change || (request.role == Role::SoldOut && request.is_keyed) {
                taken.push(revision);
                counts.extend(revision.checked_sub(1).zip(count_before(&told, request.role)));
            }
        }
        counts.sort_unstable();
        taken.sort_unstable();
        let is_nobodys = |from: u64, to: u64| {
            let next = taken.partition_point(|revision| *revision <= from);
            taken.get(next).is_none_or(|revision| *revision > to)
        };
        let stretches = counts.windows(2).filter_map(|pair| {
            let [(from, before), (to, after)] = *pair else { return None };
            // Where the count is another one, somebody changed it: a hold that lapsed, or a call without an answer.
            let quiet = (to - from).checked_sub(u64::from(before != after))?;
            (quiet > 0 && is_nobodys(from, to)).then_some((from + 1, quiet))
        });
        let found = stretches.fold(None, |found: Option<Self>, (next, quiet)| {
            let Self { changes, first } = found.unwrap_or(Self { changes: 0, first: next });
            let more = u32::try_from(quiet).unwrap_or(u32::MAX);
            Some(Self { changes: changes.saturating_add(more), first })
        });
        found.filter(|found| found.changes < CHANGES_MAX)
    }

    /// What it leaves open.
    pub(super) fn doubt(self) -> String {
        let Self { changes, first } = self;
        let taken = match changes {
            1 => format!(
                "a revision, such as `{first}`, was taken by nobody here and changed no count"
            ),
            _ => format!(
                "{changes} revisions, such as `{first}`, were taken by nobody here and changed no count"
            ),
        };
        format!("{taken}: somebody else was let in or refused, or the sale was closed or opened")
    }
}

/// What was left ahead of a change.
fn count_before(told: &Told<'_>, role: Role) -> Option<u64> {
    match told.op {
        _ if role == Role::SoldOut => told.remaining,
        OperationKind::Buy | OperationKind::Hold => told.remaining?.checked_add(told.quantity?),
        OperationKind::Release | OperationKind::Refund | OperationKind::Restock => {
            told.remaining?.checked_sub(told.quantity?)
        }
        OperationKind::Confirm | OperationKind::Search => told.remaining,
    }
}
