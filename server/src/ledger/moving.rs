//! Moving a counter from one ledger into another, whatever the engines.
//!
//! The old ledger gets an end: a record that closes the sale and says where the counter went, and
//! with it what is held is given back. It stands at exactly the next revision or not at all, so
//! every server of the old ledger has sold before it, or sells nothing. Everything ahead of it
//! is copied, and only then is the copy the counter. What does not fit in one batch is given back in others, and
//! whatever comes between them, such as a hold that was confirmed, stops the move.
//!
//! # Invariants
//! - At no moment can both be sold from; whoever is killed leaves one that can be, or none and a move that can
//!   be gone on with.

use std::{io, mem, sync::Arc};

use crate::{
    domain::{Change, Inconsistent, Inventory, Record, Stock, Trial},
    ledger::{
        Appended, Archive, Audit, Batch, Cause, CopyError, Copying, Engine, Fault, News, Scan,
        Staged, Timer, Turn, agree,
        persist::{Stop, persist},
    },
};

/// How the note begins by which a ledger says where its counter went.
const NOTE: &str = "moved to ";

/// The longest name of a place in such a note, in bytes: a line has its limit.
const PLACE_BYTES_MAX: usize = 200;

/// What is told where the ledger took nothing, and no fault says why.
const OTHERS: &str = "others keep changing the counter";

/// How many records are looked at at once, from the last one back, for the end that an earlier move has put.
const LOOKED_AT: u64 = 1000;

/// Why a counter cannot be moved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MoveError {
    /// It cannot be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The old ledger cannot be closed.
    #[error("what is moved: {0}")]
    Source(Cause),
    /// A record of the old ledger does not follow.
    #[error("what is moved: {0}")]
    Record(#[from] Inconsistent),
    /// It went elsewhere before.
    #[error(
        "the counter was moved to {to} at revision `{revision}`: what is here is not sold any more"
    )]
    Gone {
        /// Where to.
        to: String,
        /// The revision that says so.
        revision: u64,
    },
    /// The old ledger was changed behind the end that a move gave it.
    #[error("revision `{revision}` was written behind the end that a move gave the ledger")]
    Changed {
        /// The revision.
        revision: u64,
    },
    /// Somebody outside has changed the count just now.
    #[error("somebody changed the count meanwhile, and no record says so yet")]
    Edited,
    /// Somebody outside has changed the count behind the end that a move gave the ledger.
    #[error("somebody changed the count behind the end that a move gave the ledger")]
    EditedBehind,
    /// An earlier move to the same place came to its end, and what it made is gone.
    #[error(
        "the move to {to} has ended, and nothing of it is there: what was sold there is in no ledger here"
    )]
    Ended {
        /// Where to.
        to: String,
    },
}

/// Whether a move that has ended may be made once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is refused: what was sold at the new place since would be sold once more.
    Refused,
    /// Whoever asks for it has said so.
    Wanted,
}

/// A counter that is moved out of its ledger.
pub struct Moving<E: Engine> {
    source: E,
    /// What the ledger has come to.
    inventory: Inventory,
    note: String,
    /// The end that an earlier move gave the ledger, and what is behind it.
    held_back: Vec<Record>,
    /// The first revision of the end.
    end: Option<u64>,
    /// Whether one that has ended to the same place may go on.
    may_go_on: bool,
    unsettled: Option<(E::Batch, Vec<Record>)>,
    /// What the news told since the last step that came to something.
    heard: Heard,
    timer: Timer,
}

impl<E: Engine> Moving<E> {
    /// The counter in `source`, which goes `to` another place; it has come to `inventory`, where that is known.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn begin(
        source: E,
        inventory: Option<Inventory>,
        to: &str,
        timer: Timer,
    ) -> Result<Self, MoveError> {
        let inventory = inventory.unwrap_or_else(|| Inventory::new(Stock::default(), 0));
        let cut = to.len().saturating_sub(PLACE_BYTES_MAX);
        let cut = (cut..=to.len()).find(|cut| to.is_char_boundary(*cut)).unwrap_or_default();
        let note = format!("{NOTE}{}", &to[cut..]);
        let (held_back, end, unsettled) = (Vec::new(), None, None);
        let heard = Heard::default();
        let mut moving = Self {
            source,
            inventory,
            note,
            held_back,
            end,
            may_go_on: true,
            unsettled,
            heard,
            timer,
        };
        moving.hear_all()?;
        Ok(moving)
    }

    /// What the ledger has come to.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Refuses what can be seen to come to nothing before anything is made in `target`: also a move that has ended, unless
    /// it is wanted `again`. What is read of the old ledger comes from `archive`.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn check<T: Staged>(
        &mut self,
        target: &mut T,
        archive: &Arc<dyn Archive>,
        again: Again,
    ) -> Result<(), MoveError> {
        let asked =
            persist(self.timer, OTHERS, || Ok::<_, Stop<CopyError>>(Some(target.is_begun()?)));
        let is_begun = asked.map_err(CopyError::from)?;
        self.may_go_on = is_begun || again == Again::Wanted;
        if !self.inventory.stock().is_closed {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error: io::Error| MoveError::Source(Cause::of(error)))?;
        let found = runtime.block_on(End::of(archive, self.inventory.stock().revision));
        let Some(end) = found.map_err(MoveError::Source)? else { return Ok(()) };
        let to = end.to().to_owned();
        if end.note != self.note {
            return Err(MoveError::Gone { to, revision: end.revision });
        }
        if let Some(revision) = end.changed_at {
            return Err(MoveError::Changed { revision });
        }
        if self.may_go_on { Ok(()) } else { Err(MoveError::Ended { to }) }
    }

    /// Copies everything that `audit` reads into `copying`, and ends the ledger at the time `now_ms`: behind this
    /// the copy is whole, and nothing is sold from the ledger any more.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn run<S: Scan, T: Staged>(
        &mut self,
        audit: &mut Audit<S>,
        copying: &mut Copying<T>,
        now_ms: u64,
    ) -> Result<(), MoveError> {
        self.hear_up_to(copying.inventory().stock().revision)?;
        let mut held_back = mem::take(&mut self.held_back);
        let last = self.inventory.stock().revision;
        copying.copy(audit, last, &mut |records| sift(&mut held_back, records))?;
        self.held_back = held_back;
        self.end = self.earlier_end()?;
        // IMPORTANT: nothing is closed for a copy whose name was taken meanwhile.
        copying.commit()?;
        let end = loop {
            let end = self.persist(|moving| moving.end_some(now_ms))?;
            if self.inventory.memory().holds == 0 {
                break end;
            }
        };
        copying.copy(audit, end - 1, &mut |records| records)?;
        // A last look: what has changed since then would be missing in the copy.
        self.persist(|moving| moving.end_some(now_ms))?;
        let copied = copying.inventory();
        let is_whole = copied.stock().revision == end - 1
            && (audit.folded().stock().revision != end - 1 || agree(copied, audit.folded()));
        if is_whole { Ok(()) } else { Err(CopyError::Differs.into()) }
    }

    /// Hears on up to the revision `copied`, which a copy has: one of this ledger has nothing that it has not.
    fn hear_up_to(&mut self, copied: u64) -> Result<(), MoveError> {
        self.persist(|moving| {
            if moving.inventory.stock().revision >= copied {
                return Ok(Some(()));
            }
            let mut turn = moving.source.begin()?;
            hear(&mut turn, &mut moving.inventory, &mut moving.heard)?;
            let is_behind = moving.inventory.stock().revision < copied;
            // What was heard may be of the past.
            let is_all = is_behind && turn.confirm()?;
            turn.end()?;
            if is_all { Err(Stop::Error(CopyError::Differs.into())) } else { Ok(None) }
        })?;
        // It is read by whoever copies.
        self.heard = Heard::default();
        Ok(())
    }

    /// Hears all that there is to be heard: what is refused, and what is made ahead of that, rests on it.
    fn hear_all(&mut self) -> Result<(), MoveError> {
        self.persist(|moving| {
            let mut turn = moving.source.begin()?;
            hear(&mut turn, &mut moving.inventory, &mut moving.heard)?;
            // What was heard may be of the past.
            let is_all = turn.confirm()?;
            turn.end()?;
            Ok(is_all.then_some(()))
        })?;
        // It is read by whoever copies.
        self.heard = Heard::default();
        Ok(())
    }

    /// The first revision of the end that an earlier move to the same place gave the ledger.
    fn earlier_end(&self) -> Result<Option<u64>, MoveError> {
        let Some((end, behind)) = self.held_back.split_first() else { return Ok(None) };
        let note = note_of(end).unwrap_or_default();
        if note != self.note {
            let to = place_of(note).to_owned();
            return Err(MoveError::Gone { to, revision: end.revision });
        }
        refuse_changes(behind)?;
        if !self.may_go_on {
            // What was heard at the beginning was of the past.
            return Err(MoveError::Ended { to: place_of(note).to_owned() });
        }
        Ok(Some(end.revision))
    }

    /// Ends the ledger, or gives more back of what is held; gives the first revision of the end, `None` where another
    /// has appended, or nobody knows yet.
    fn end_some(&mut self, now_ms: u64) -> Result<Option<u64>, Stop<MoveError>> {
        let Self { source, inventory, note, held_back, end, unsettled, heard, .. } = self;
        let mut turn = source.begin()?;
        hear(&mut turn, inventory, heard)?;
        let heard = mem::take(heard);
        if heard.own > 0
            && let Some((_, records)) = unsettled.take()
        {
            *end = end.or(records.first().map(|record| record.revision));
            // What others have appended is behind it.
            refuse_changes(&heard.others).map_err(Stop::Error)?;
            return Ok(*end);
        }
        if !heard.others.is_empty() {
            *unsettled = None;
            if end.is_some() {
                refuse_changes(&heard.others).map_err(Stop::Error)?;
            } else {
                sift(held_back, heard.others);
                if !held_back.is_empty() {
                    drop(turn);
                    self.end = self.earlier_end().map_err(Stop::Error)?;
                    return Ok(self.end);
                }
            }
        }
        if end.is_some() && inventory.memory().holds == 0 {
            return Ok(if turn.confirm()? { *end } else { None });
        }
        let (batch, records) = match unsettled {
            Some((batch, records)) => (batch, records),
            None => {
                let trial = Trial::of(inventory, now_ms.max(inventory.at_ms()));
                let mut records = trial.end(inventory, end.is_none().then_some(&**note));
                let mut batch = turn.batch()?;
                let taken = records.iter().take_while(|record| batch.push(record)).count();
                assert!(taken > 0, "an empty batch has room for any record");
                records.truncate(taken);
                let (batch, records) = unsettled.insert((batch, records));
                (batch, records)
            }
        };
        match turn.append(batch) {
            Appended::Durable | Appended::Unseen => {
                let first = records.first().map(|record| record.revision);
                for record in records {
                    inventory.fold(record).map_err(|fault| Stop::Error(fault.into()))?;
                }
                (*unsettled, *end) = (None, end.or(first));
                // It is durable, whatever becomes of the rest of the turn.
                let _ = turn.end();
                Ok(*end)
            }
            Appended::Lost => {
                *unsettled = None;
                Ok(None)
            }
            Appended::Unknown(_) => Ok(None),
            Appended::Broken(cause) => Err(Stop::Fault(Fault::Lasting(cause))),
        }
    }

    fn persist<T>(
        &mut self,
        mut step: impl FnMut(&mut Self) -> Result<Option<T>, Stop<MoveError>>,
    ) -> Result<T, MoveError> {
        match persist(self.timer, OTHERS, || step(self)) {
            Ok(done) => Ok(done),
            Err(Stop::Fault(fault)) => Err(MoveError::Source(fault.cause())),
            Err(Stop::Error(MoveError::Edited)) if self.end.is_some() => {
                Err(MoveError::EditedBehind)
            }
            Err(Stop::Error(error)) => Err(error),
        }
    }
}

/// Keeps the end that a move gave the ledger, and what is behind it, until the sale was opened again.
fn sift(held_back: &mut Vec<Record>, records: Vec<Record>) -> Vec<Record> {
    let mut passed = Vec::with_capacity(records.len());
    for record in records {
        if held_back.is_empty() && note_of(&record).is_none() {
            passed.push(record);
            continue;
        }
        let is_opened = matches!(record.change, Change::SaleSet { is_open: true });
        held_back.push(record);
        if is_opened {
            passed.append(held_back);
        }
    }
    passed
}

/// Refuses what stands behind the end of a ledger and is no part of it: it would be missing in the copy.
fn refuse_changes(behind: &[Record]) -> Result<(), MoveError> {
    match behind.iter().find(|record| !is_ended_too(record)) {
        Some(record) => Err(MoveError::Changed { revision: record.revision }),
        None => Ok(()),
    }
}

/// Whether `record` is part of the end: a hold that lapses here lapses there too, at the same time.
fn is_ended_too(record: &Record) -> bool {
    matches!(record.change, Change::Released { .. } | Change::Lapsed { .. })
}

/// What a ledger says of where its counter went, where `record` says it.
fn note_of(record: &Record) -> Option<&str> {
    let note = record.key.as_deref().filter(|note| note.starts_with(NOTE));
    note.filter(|_| matches!(record.change, Change::SaleSet { is_open: false }))
}

/// Where the counter went, as `note` says it.
fn place_of(note: &str) -> &str {
    note.strip_prefix(NOTE).unwrap_or(note)
}

/// The end that a move gave a ledger, as it is found from behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    note: String,
    /// The revision that says so.
    pub revision: u64,
    /// The first revision behind it that is no part of it.
    changed_at: Option<u64>,
}

impl End {
    /// The end of the ledger that `archive` reads, whose sale is closed at its revision `last`; `None` where that was
    /// no move.
    ///
    /// # Errors
    /// [`Cause`]: it cannot be read.
    pub async fn of(archive: &Arc<dyn Archive>, mut last: u64) -> Result<Option<Self>, Cause> {
        let mut changed_at = None;
        while last > 0 {
            let first = (last + 1).saturating_sub(LOOKED_AT).max(1);
            let records = Arc::clone(archive).records(first, last).await?;
            if !records.is_empty() && records.last().is_none_or(|record| record.revision != last) {
                return Err(Cause::of("not all of its last records can be read"));
            }
            for record in records.iter().rev() {
                if let Change::SaleSet { .. } = record.change {
                    let revision = record.revision;
                    let end = |note: &str| Self { note: note.to_owned(), revision, changed_at };
                    return Ok(note_of(record).map(end));
                }
                if !is_ended_too(record) {
                    changed_at = Some(record.revision);
                }
            }
            // What is before the first record of all is not there.
            last = if records.is_empty() { 0 } else { first - 1 };
        }
        Ok(None)
    }

    /// Where the counter went.
    pub fn to(&self) -> &str {
        place_of(&self.note)
    }
}

/// The records that were heard of.
#[derive(Default)]
struct Heard {
    own: usize,
    others: Vec<Record>,
}

/// Hears the news; what was told ahead of a failure is not told again, so it is kept.
fn hear<T: Turn>(
    turn: &mut T,
    inventory: &mut Inventory,
    heard: &mut Heard,
) -> Result<(), Stop<MoveError>> {
    let (mut fault, mut is_edited) = (None, false);
    turn.news(&mut |news| match news {
        News::Snapshot(snapshot) => *inventory = *snapshot,
        News::Record { record, is_own } => {
            fault = fault.or(inventory.fold(&record).err());
            if is_own {
                heard.own += 1;
            } else {
                heard.others.push(record);
            }
        }
        News::Edited { .. } => is_edited = true,
    })?;
    match fault {
        Some(fault) => Err(Stop::Error(fault.into())),
        None if is_edited => Err(Stop::Error(MoveError::Edited)),
        None => Ok(()),
    }
}
