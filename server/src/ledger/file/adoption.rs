//! Looking at what a count that somebody outside wrote can have been based on.

use crate::{
    domain::{Change, Stock},
    ledger::file::{
        disk::Disk,
        error::{LogError, TurnError},
        format::{
            head::Head,
            reconcile::{Known, OutsideChange, taken_over},
            watermark::Watermark,
        },
        layout::Layout,
        log::{
            cursor::{Cursor, Step},
            segment::Segment,
        },
    },
};

/// The outside change in `head`, if there is one, where the ledger ends at `now` and `written` says up
/// to where its head was written, before or after the machine started (`is_same_boot`).
pub(super) fn change_in<D: Disk>(
    disk: &D,
    layout: &Layout,
    head: &Head,
    now: Stock,
    (written, is_same_boot): (&Watermark, bool),
) -> Result<Option<OutsideChange>, TurnError> {
    let published = if is_same_boot { written.applied } else { written.synced };
    let passed = |from, to| passed(disk, layout, now, from, to);
    let seen = match head.revision {
        Some(revision) => passed(revision, revision)?,
        None => passed(published, now.revision)?,
    };
    let seen: Vec<Stock> = seen.into_iter().map(|passed| passed.stock).collect();
    let behind = seen.first().map_or(now.revision, |first| first.revision.max(published));
    let steps = if behind < now.revision { passed(behind, now.revision)? } else { Vec::new() };
    let adopted = steps.windows(2).filter_map(|steps| match steps {
        [before, after] if after.is_adjustment => Some((before.stock, after.stock)),
        _ => None,
    });
    let adopted = adopted.collect();
    Ok(taken_over(head, &Known { now, published, is_same_boot, seen, adopted }))
}

/// A stock, and whether an adjustment led to it.
struct Passed {
    stock: Stock,
    is_adjustment: bool,
}

/// The stocks at the revisions `from` to `to`, as far back as the ledger goes.
fn passed<D: Disk>(
    disk: &D,
    layout: &Layout,
    now: Stock,
    from: u64,
    to: u64,
) -> Result<Vec<Passed>, LogError> {
    if from >= now.revision {
        return Ok(vec![Passed { stock: now, is_adjustment: false }]);
    }
    let starts = layout.starts(disk)?;
    let first = starts.first().copied().unwrap_or_default().saturating_sub(1);
    let from = from.max(first);
    // The last segment that begins before it has it, but for one that a
    // killed server made and nobody went on in.
    for start in starts.into_iter().rev().filter(|start| *start <= from + 1) {
        let mut cursor = Cursor::at_start_of(Segment::open(disk, &layout.segment(start))?);
        let mut passed = Vec::new();
        let mut note = |stock: Stock, is_adjustment| {
            if stock.revision >= from {
                passed.push(Passed { stock, is_adjustment });
            }
        };
        note(cursor.stock(), false);
        cursor.read_on(disk, layout, to.max(from), &mut |step| {
            if let Step::Record(record, stock) = step {
                note(stock, matches!(record.change, Change::Adjusted { .. }));
            }
        })?;
        if !passed.is_empty() {
            return Ok(passed);
        }
    }
    Ok(Vec::new())
}
