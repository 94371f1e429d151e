//! What engines say that is not so, so that the checks are seen to notice.

use crate::domain::{Change, Record};

/// What an engine says that is not so: what would break if the writer, or the engine, skipped a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A batch that is still on its way is called durable: its answers rest on another's sync.
    DurableOnItsWay,
    /// A batch that lost its race is called durable: its trial is accepted.
    DurableThoughLost,
    /// A batch that is there is called lost: it is decided and appended once more.
    LostThoughDurable,
    /// A batch whose answer was lost is called lost before anybody knows.
    LostThoughUnknown,
    /// What lapses comes back as if it were put on sale: no record ends the hold.
    LapseUnrecorded,
    /// A refund is heard of as a restock: the sale can be refunded once more.
    RefundForgotten,
    /// A hold is heard of as one that lasts longer: it is confirmed after its end.
    HoldWithoutEnd,
    /// The confirmation of a hold is heard of as an outside edit: the hold lapses as well.
    ConfirmForgotten,
    /// An admission is not remembered from before a start: the tickets are used once more.
    AdmissionForgotten,
    /// The own batch of an append of unknown outcome is heard of without its keys, which went with the trial.
    KeyForgotten,
    /// A snapshot has nothing of what was before but the count.
    SnapshotForgets,
    /// What was told is called all that there is, whatever others have appended since.
    ConfirmedUnseen,
    /// What was told is called all that there is where no hint tells of more.
    ConfirmedByHint,
    /// What was told is called all that there is by a plain reading, which may be of the past.
    ConfirmedByReading,
    /// An append compares no revision: it takes the place of what others have appended meanwhile.
    RevisionUncompared,
    /// An append does not compare whose ledger it is: another counter may be in its place.
    CounterUncompared,
    /// An append compares the head with the one that a hint told of, and not with the one that was read.
    ComparedWithHint,
    /// An append compares with a plain reading, which may be of the past.
    ComparedWithReading,
    /// An append whose answer is lost is sent once more below the engine, which is told the second answer.
    SentTwice,
}

/// From where a record is heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    AtTheStart,
    OfAnother,
    OfOneself,
}

impl Lie {
    /// What is written for `record`; it leaves the same count, and nobody sees from that what was done to it.
    pub(super) fn written(self, record: &Record) -> Record {
        let change = match (self, &record.change) {
            (Self::LapseUnrecorded, Change::Lapsed { quantity, .. }) => {
                Change::Restocked { quantity: *quantity }
            }
            _ => return record.clone(),
        };
        Record { change, ..record.clone() }
    }

    /// What is heard for `record`, which leaves the same count, where `issued` numbers were given out before.
    pub(super) fn heard(self, record: &Record, issued: u64, heard: Heard) -> Record {
        let mut lied = record.clone();
        match (self, &mut lied.change) {
            (Self::RefundForgotten, Change::Refunded { quantity, .. }) => {
                lied.change = Change::Restocked { quantity: *quantity };
            }
            (Self::HoldWithoutEnd, Change::Held { expires_at_ms, .. }) => *expires_at_ms += 60_000,
            (Self::ConfirmForgotten, Change::Sold { quantity, hold: Some(_), .. }) => {
                lied.change = Change::Adjusted { sold: issued + *quantity };
            }
            (Self::AdmissionForgotten, Change::Admitted { .. }) if heard == Heard::AtTheStart => {
                lied.change = Change::Adjusted { sold: issued };
            }
            (Self::KeyForgotten, _) if heard == Heard::OfOneself => lied.key = None,
            _ => {}
        }
        lied
    }
}
