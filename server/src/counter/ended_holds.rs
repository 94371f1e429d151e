//! How a hold ended, of which only the ledger knows any more.
//!
//! The ends of holds are remembered as keys are: for a day, and as many as the operator allows. Whoever confirms
//! again later than that has to be told the same sale, and not that there was none. That takes a reading of all that
//! came between a hold and its end; a request reads some of it, and the next one goes on from there.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    counter::sales::{SCAN_RECORDS_MAX, WINDOW_RECORDS},
    domain::{Change, Record},
    ledger::{Archive, Cause},
};

/// Of how many holds it is known how they ended, or how far that was looked for.
const KNOWN_MAX: usize = 1024;

/// The ends of holds that were looked up in the ledger, for all event loops.
#[derive(Debug, Default)]
pub struct EndedHolds {
    /// By the revision of the hold; the one that was looked up last is the last.
    known: Mutex<VecDeque<(u64, Known)>>,
    /// One reading at a time: others look records up, too.
    reading: tokio::sync::Mutex<()>,
}

/// What is known of a hold.
#[derive(Clone, Debug)]
enum Known {
    /// The record that ended it; `None` where it lapsed. This does not change any more.
    End(Option<Record>),
    /// It did not end ahead of this revision, and lapses at this time, in milliseconds since 1970 UTC.
    NotAheadOf(u64, u64),
}

impl EndedHolds {
    /// The record that ended the hold made at the revision `hold`, of a ledger whose last record is `last`; `None` where
    /// nobody confirmed it or gave it back in its time.
    ///
    /// # Errors
    /// [`Cause`] where the records cannot be read, or are too many for one request: the next one goes on from there.
    pub(super) async fn end_of(
        &self,
        archive: &Arc<dyn Archive>,
        hold: u64,
        last: u64,
    ) -> Result<Option<Record>, Cause> {
        if let Some(Known::End(end)) = self.known_of(hold) {
            return Ok(end);
        }
        let _reading = self.reading.lock().await;
        let (first, expires_at_ms) = match self.known_of(hold) {
            Some(Known::End(end)) => return Ok(end),
            Some(Known::NotAheadOf(first, expires_at_ms)) => (first, expires_at_ms),
            None => {
                let made = Arc::clone(archive).records(hold, hold).await?.pop();
                let Change::Held { expires_at_ms, .. } = made.ok_or_else(unread)?.change else {
                    return Ok(None);
                };
                (hold + 1, expires_at_ms)
            }
        };
        let mut next = first;
        while next <= last {
            if next - first >= SCAN_RECORDS_MAX {
                return Err(Cause::of(format!(
                    "how the hold ended is looked for in the ledger, and not found among the next {} changes yet: \
                     ask again",
                    next - hold - 1
                )));
            }
            let end = (next + WINDOW_RECORDS - 1).min(last);
            let records = Arc::clone(archive).records(next, end).await?;
            let last_read = records.last().map(|record| record.revision);
            for (record, revision) in records.into_iter().zip(next..) {
                // What is missing may have ended it.
                if record.revision != revision {
                    return Err(unread());
                }
                let is_its_end = record.ended_hold().is_some_and(|(ended, _)| ended == hold);
                // What ends it later is its lapse, or as good as that.
                if is_its_end || record.at_ms >= expires_at_ms {
                    let end = is_its_end.then_some(record);
                    self.keep(hold, Known::End(end.clone()));
                    return Ok(end);
                }
            }
            if last_read != Some(end) {
                return Err(unread());
            }
            next = end + 1;
            self.keep(hold, Known::NotAheadOf(next, expires_at_ms));
        }
        Ok(None)
    }

    fn known_of(&self, hold: u64) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(known, _)| *known == hold).map(|(_, found)| found.clone())
    }

    /// Keeps what was found, in place of what was not looked up for the longest time.
    fn keep(&self, hold: u64, found: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(known, _)| *known != hold);
        if known.len() == KNOWN_MAX {
            known.pop_front();
        }
        known.push_back((hold, found));
    }
}

fn unread() -> Cause {
    Cause::of("how the hold ended cannot be read in the ledger just now")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::runtime;

    use super::*;
    use crate::{
        domain::{Identity, Stock},
        ledger::{Found, Holder, Summary},
    };

    const HOLD: u64 = 3;

    const EXPIRES_AT_MS: u64 = 1_000_000;

    /// A ledger with a hold, and the record at each revision behind it.
    struct Ledger {
        behind: fn(u64) -> Record,
        last: u64,
        /// How many behind the hold are not there.
        missing: u64,
        read: AtomicU64,
    }

    impl Archive for Ledger {
        fn is_current(&self, _known: Stock) -> bool {
            true
        }

        fn identity(&self) -> Option<Identity> {
            None
        }

        fn summary(&self) -> Result<Summary, Cause> {
            Err(Cause::of("nobody asks"))
        }

        fn records(self: Arc<Self>, first: u64, last: u64) -> Found {
            let (behind, last) = (self.behind, last.min(self.last));
            let held = Change::Held { quantity: 1, expires_at_ms: EXPIRES_AT_MS, buyer: None };
            let missing = HOLD + 1..=HOLD + self.missing;
            let revisions = (first..=last).filter(|revision| !missing.contains(revision));
            let records = revisions.map(|revision| match revision {
                HOLD => Record { change: held.clone(), ..restock(HOLD, HOLD) },
                _ => behind(revision),
            });
            let records: Vec<_> = records.collect();
            self.read.fetch_add(records.len() as u64, Ordering::Relaxed);
            Box::pin(async move { Ok(records) })
        }

        fn holders(&self) -> Vec<Holder> {
            Vec::new()
        }
    }

    fn restock(revision: u64, at_ms: u64) -> Record {
        let change = Change::Restocked { quantity: 1 };
        Record { revision, at_ms, remaining: 1, change, key: None }
    }

    /// How many records are between the hold and its end, or its lapse.
    const BETWEEN: u64 = 2 * SCAN_RECORDS_MAX + 70;

    fn sold_in_the_end(revision: u64) -> Record {
        let change = Change::Sold { first_ticket: 1, quantity: 1, buyer: None, hold: Some(HOLD) };
        match revision - HOLD {
            behind if behind > BETWEEN => Record { change, ..restock(revision, revision) },
            _ => restock(revision, revision),
        }
    }

    fn lapsed_in_the_end(revision: u64) -> Record {
        let is_over = revision - HOLD > BETWEEN;
        restock(revision, if is_over { EXPIRES_AT_MS } else { revision })
    }

    fn ledger(behind: fn(u64) -> Record) -> (Arc<Ledger>, Arc<dyn Archive>) {
        let last = HOLD + BETWEEN + 5000;
        let ledger = Arc::new(Ledger { behind, last, missing: 0, read: AtomicU64::new(0) });
        (Arc::clone(&ledger), ledger)
    }

    fn run<F: Future>(work: F) -> F::Output {
        runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    /// Asks as a client does that is told to ask again; no request reads more than some of the ledger.
    #[track_caller]
    fn ask_until_told(
        holds: &EndedHolds,
        ledger: &Ledger,
        archive: &Arc<dyn Archive>,
    ) -> Option<Record> {
        let told = (0..3).find_map(|_| {
            let before = ledger.read.load(Ordering::Relaxed);
            let told = run(holds.end_of(archive, HOLD, ledger.last));
            let read = ledger.read.load(Ordering::Relaxed) - before;
            assert!(read <= SCAN_RECORDS_MAX + 1, "{read} records");
            told.ok()
        });
        told.expect("nobody has to ask more often")
    }

    #[test]
    fn the_end_of_a_hold_is_found_however_far_off_it_is_and_no_request_reads_more_than_some_of_it()
    {
        for (behind, end) in [
            (sold_in_the_end as fn(u64) -> Record, Some(HOLD + BETWEEN + 1)),
            (lapsed_in_the_end, None),
        ] {
            let ((ledger, archive), holds) = (ledger(behind), EndedHolds::default());
            let found = ask_until_told(&holds, &ledger, &archive);
            assert_eq!(found.map(|record| record.revision), end);
        }
    }

    #[test]
    fn of_a_hold_whose_end_may_be_missing_nothing_is_said() {
        let over = |revision| restock(revision, EXPIRES_AT_MS);
        for (missing, is_told) in [(0, true), (1, false), (10, false)] {
            let ledger = Ledger { behind: over, last: 50, missing, read: AtomicU64::new(0) };
            let archive: Arc<dyn Archive> = Arc::new(ledger);
            let told = run(EndedHolds::default().end_of(&archive, HOLD, 50));
            assert_eq!(told.is_ok(), is_told, "{missing}: {told:?}");
        }
    }

    #[test]
    fn an_end_that_was_found_is_not_looked_up_again() {
        let ((ledger, archive), holds) = (ledger(sold_in_the_end), EndedHolds::default());
        ask_until_told(&holds, &ledger, &archive);
        let read = ledger.read.load(Ordering::Relaxed);
        let again = run(holds.end_of(&archive, HOLD, ledger.last)).unwrap();
        assert_eq!(again.map(|record| record.revision), Some(HOLD + BETWEEN + 1));
        assert_eq!(ledger.read.load(Ordering::Relaxed), read);
    }

    #[test]
    fn a_hold_of_which_nothing_is_said_yet_is_looked_for_again() {
        let ((ledger, archive), holds) = (ledger(sold_in_the_end), EndedHolds::default());
        assert_eq!(run(holds.end_of(&archive, HOLD, HOLD + 10)).unwrap(), None);
        assert!(ask_until_told(&holds, &ledger, &archive).is_some());
    }

    #[test]
    fn of_many_holds_the_ones_that_were_looked_up_last_are_known() {
        let holds = EndedHolds::default();
        (0..2 * KNOWN_MAX as u64).for_each(|hold| holds.keep(hold, Known::End(None)));
        assert!(holds.known_of(KNOWN_MAX as u64 - 1).is_none());
        assert!(holds.known_of(KNOWN_MAX as u64).is_some());
    }
}
