//! How a hold ended, of which only the ledger knows any more.
//!
//! The ends of holds are remembered as keys are: for a day, and as many as the operator allows. Whoever confirms
//! again later than that has to be told the same sale, and not that there was none.

use std::sync::Arc;

use crate::{
    counter::sales::{SCAN_RECORDS_MAX, WINDOW_RECORDS},
    domain::{Change, Record},
    ledger::{Archive, Cause},
};

/// The record that ended the hold made at the revision `hold`, of a ledger whose last record is `last`; `None` where
/// nobody confirmed it or gave it back in its time.
///
/// # Errors
/// [`Cause`] where the records cannot be read, or are too many.
pub(super) async fn end_of(
    archive: &Arc<dyn Archive>,
    hold: u64,
    last: u64,
) -> Result<Option<Record>, Cause> {
    let unread = || Cause::of("how the hold ended cannot be read in the ledger just now");
    let made = Arc::clone(archive).records(hold, hold).await?.pop().ok_or_else(unread)?;
    let Change::Held { expires_at_ms, .. } = made.change else { return Ok(None) };
    let mut first = hold + 1;
    while first <= last {
        if first - hold > SCAN_RECORDS_MAX {
            return Err(Cause::of(format!(
                "how the hold ended is not remembered, and not among the next {SCAN_RECORDS_MAX} changes"
            )));
        }
        let end = (first + WINDOW_RECORDS - 1).min(last);
        let records = Arc::clone(archive).records(first, end).await?;
        let last_read = records.last().map(|record| record.revision);
        for record in records {
            if record.ended_hold().is_some_and(|(ended, _)| ended == hold) {
                return Ok(Some(record));
            }
            // What ends it later is its lapse, or as good as that.
            if record.at_ms >= expires_at_ms {
                return Ok(None);
            }
        }
        if last_read != Some(end) {
            return Err(unread());
        }
        first = end + 1;
    }
    Ok(None)
}
