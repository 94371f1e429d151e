//! Making a ledger of another's records, whatever the engines.
//!
//! It is made where nobody sells from it ([`Staged`]), and becomes the counter in one step
//! once it is whole. Whoever makes it may end at any moment: the next one goes on from what is
//! there, after it has seen that it is of the same counter.
//!
//! # Invariants
//! - The copy has the key of the counter, and each record at its own revision: so receipts, holds and keys that
//!   were given out stay what they are.
//! - `SettleFirst`: behind an append of unknown outcome nothing is tried before it is known.

use std::collections::VecDeque;

use crate::{
    domain::{Inconsistent, Inventory, Record},
    ledger::{
        Appended, Archive, Audit, Batch, Cause, Engine, Fault, News, Scan, Timer, Turn, agree,
        format::base::Base,
        persist::{Stop, persist},
    },
};

/// What is told where the ledger did not say in time what became of something.
const UNKNOWN: &str = "nobody knows what became of it";

/// A ledger in the making, from which nobody sells.
pub trait Staged: Engine {
    /// Whether an earlier copy was begun there that has not become the counter: asked ahead of the first turn, and
    /// makes nothing.
    ///
    /// # Errors
    /// [`Fault`], a lasting one where a counter is there.
    fn is_begun(&mut self) -> Result<bool, Fault>;

    /// Called ahead of the end of what is copied: from here on something stays of what was made, whatever
    /// becomes of this process, by which the next one sees that it was begun.
    ///
    /// # Errors
    /// [`Fault`], a lasting one where a counter is there by now.
    fn commit(&mut self) -> Result<(), Fault>;

    /// Makes it the counter, in one step: from now on it is sold from. It may be called again.
    ///
    /// # Errors
    /// [`Unpublished`].
    fn publish(&mut self) -> Result<(), Unpublished>;
}

/// Why nobody is told that a copy has become the counter.
#[derive(Clone, Debug)]
pub enum Unpublished {
    /// This try has changed nothing.
    Refused(Fault),
    /// It may have become it, or may yet.
    Unknown(Cause),
    /// It has, and that may not survive a power cut.
    NotSynced(Cause),
}

/// Why a copy cannot be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CopyError {
    /// What is copied cannot be read.
    #[error("what is copied: {0}")]
    Source(Cause),
    /// The copy cannot be written.
    #[error("the copy: {0}")]
    Target(Cause),
    /// It is whole, and may be the counter or not.
    #[error("the copy is whole, and nobody knows whether it has its name: {0}")]
    Unnamed(Cause),
    /// It is whole, and is not the counter.
    #[error("the copy is whole, and does not get its name: {0}")]
    NotNamed(Cause),
    /// It is the counter, and that may not survive a power cut.
    #[error("{0}")]
    NotSynced(Cause),
    /// There are records in it that are of something else.
    #[error("what is there already is not the beginning of what is copied")]
    Differs,
    /// There are fewer records than were told of.
    #[error("what is copied ends at revision `{found}`, and `{last}` was told of")]
    Short {
        /// Where it ends.
        found: u64,
        /// What was told of.
        last: u64,
    },
    /// A record does not go where it was told to.
    #[error("the copy: {0}")]
    Record(Inconsistent),
}

/// A copy in the making.
pub struct Copying<E: Engine> {
    engine: E,
    /// What it has come to.
    inventory: Inventory,
    timer: Timer,
    unsettled: Option<Unsettled<E::Batch>>,
    /// What was heard of that another has appended, and was not held against what is copied yet.
    landed: VecDeque<Record>,
}

/// A batch of which it is not known whether it is there.
struct Unsettled<B> {
    batch: B,
    /// How many records it has.
    records: usize,
    /// How many of them were heard of.
    heard: usize,
}

impl<E: Engine> Copying<E> {
    /// A copy of the counter that begins with `base`, in `engine`, which has made it where it was missing;
    /// what is there already is `inventory`, where that is known.
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn begin(
        engine: E,
        inventory: Option<Inventory>,
        archive: &dyn Archive,
        base: &Base,
        timer: Timer,
    ) -> Result<Self, CopyError> {
        let inventory = inventory.unwrap_or_else(|| base.inventory(usize::MAX));
        let landed = VecDeque::new();
        let mut copying = Self { engine, inventory, timer, unsettled: None, landed };
        copying.persist(Self::hear_all)?;
        let is_of_it = archive.identity().is_some_and(|identity| identity.key == base.key);
        if is_of_it { Ok(copying) } else { Err(CopyError::Differs) }
    }

    /// What it has come to.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Reads on in `audit` up to the revision `last`, and copies what is not there yet; `sift` may keep records
    /// from being copied.
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn copy<S: Scan>(
        &mut self,
        audit: &mut Audit<S>,
        last: u64,
        sift: &mut dyn FnMut(Vec<Record>) -> Vec<Record>,
    ) -> Result<(), CopyError> {
        self.compare(audit)?;
        loop {
            let (read, copied) = (audit.folded().stock().revision, self.revision());
            let until = if read < copied { copied.min(last) } else { last };
            let records = audit.read_on(until).map_err(|fault| CopyError::Source(fault.cause()))?;
            if records.is_empty() {
                let found = audit.folded().stock().revision;
                if !self.landed.is_empty() {
                    return Err(CopyError::Differs);
                }
                return if found < last { Err(CopyError::Short { found, last }) } else { Ok(()) };
            }
            self.compare(audit)?;
            let mut records = sift(records);
            records.retain(|record| record.revision > copied);
            self.append(&records)?;
        }
    }

    /// Holds what is there against what was read, where both are at one revision.
    fn compare<S: Scan>(&self, audit: &Audit<S>) -> Result<(), CopyError> {
        let is_there = audit.folded().stock().revision == self.revision();
        if is_there && !agree(&self.inventory, audit.folded()) {
            return Err(CopyError::Differs);
        }
        Ok(())
    }

    /// Appends `records`, which go on from what is there.
    ///
    /// # Errors
    /// [`CopyError`]; some of them may be there.
    pub fn append(&mut self, records: &[Record]) -> Result<(), CopyError> {
        let mut rest = records;
        while !rest.is_empty() {
            let appended = self.persist(|copying| copying.append_some(rest))?;
            let (done, behind) = rest.split_at(appended);
            for record in done {
                self.inventory.fold(record).map_err(CopyError::Record)?;
            }
            rest = behind;
        }
        Ok(())
    }

    /// Keeps something of it from here on, whatever becomes of this process: see [`Staged::commit`].
    ///
    /// # Errors
    /// [`CopyError::Target`].
    pub fn commit(&mut self) -> Result<(), CopyError>
    where
        E: Staged,
    {
        self.persist(|copying| Ok(Some(copying.engine.commit()?)))
    }

    /// Makes it the counter.
    ///
    /// # Errors
    /// [`CopyError::NotNamed`] where it is not; [`CopyError::Unnamed`] where nobody knows; [`CopyError::NotSynced`]
    /// where it is.
    pub fn publish(mut self) -> Result<E, CopyError>
    where
        E: Staged,
    {
        let (engine, mut is_unknown) = (&mut self.engine, false);
        let published = persist(self.timer, UNKNOWN, || match engine.publish() {
            Ok(()) => Ok(Some(())),
            Err(Unpublished::Refused(fault)) => Err(Stop::Fault(fault)),
            Err(Unpublished::Unknown(cause)) => {
                is_unknown = true;
                Err(Stop::Fault(Fault::Passing(cause)))
            }
            Err(Unpublished::NotSynced(cause)) => Err(Stop::Error(CopyError::NotSynced(cause))),
        });
        match published {
            Ok(()) => Ok(self.engine),
            // What a later try was refused says nothing of one whose answer was lost.
            Err(Stop::Fault(Fault::Passing(cause))) if is_unknown => Err(CopyError::Unnamed(cause)),
            Err(Stop::Fault(fault)) => Err(CopyError::NotNamed(fault.cause())),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// What the copy was made in.
    pub fn into_engine(self) -> E {
        self.engine
    }

    fn revision(&self) -> u64 {
        self.inventory.stock().revision
    }

    fn persist<T>(
        &mut self,
        mut step: impl FnMut(&mut Self) -> Result<Option<T>, Stop<CopyError>>,
    ) -> Result<T, CopyError> {
        Ok(persist(self.timer, UNKNOWN, || step(self))?)
    }

    /// Hears all that is there.
    fn hear_all(&mut self) -> Result<Option<()>, Stop<CopyError>> {
        let Self { engine, inventory, .. } = self;
        let mut turn = engine.begin()?;
        let mut fault = None;
        turn.news(&mut |news| match news {
            News::Snapshot(snapshot) => *inventory = *snapshot,
            News::Record { record, .. } => {
                fault = fault.or(inventory.fold(&record).err());
            }
            News::Edited { .. } => {}
        })?;
        turn.end()?;
        match fault {
            Some(fault) => Err(Stop::Error(CopyError::Record(fault))),
            None => Ok(Some(())),
        }
    }

    /// Appends as many of `records` as go into one batch, and says how many that were; `None` where nobody knows
    /// yet, or where it has to be tried again.
    fn append_some(&mut self, records: &[Record]) -> Result<Option<usize>, Stop<CopyError>> {
        let Self { engine, inventory, unsettled, landed, .. } = self;
        let mut turn = engine.begin()?;
        let heard = turn.news(&mut |news| match (news, unsettled.as_mut()) {
            (News::Record { is_own: true, .. }, Some(unsettled)) => unsettled.heard += 1,
            (News::Record { record, .. }, _) => landed.push_back(record),
            _ => {}
        });
        if !landed.is_empty() {
            // Of another import, or of one that was killed and whose last batch was on its way.
            *unsettled = None;
            let count = landed.len().min(records.len());
            let is_the_same = landed.drain(..count).eq(records[..count].iter().cloned());
            let differs = Stop::Error(CopyError::Differs);
            return if is_the_same { Ok(Some(count)) } else { Err(differs) };
        }
        heard?;
        if let Some(Unsettled { records, .. }) =
            unsettled.take_if(|batch| batch.heard == batch.records)
        {
            return Ok(Some(records));
        }
        let unsettled = match unsettled {
            Some(unsettled) => unsettled,
            None => {
                let mut batch = turn.batch()?;
                let taken = records.iter().take_while(|record| batch.push(record)).count();
                if turn.is_snapshot_due() {
                    turn.keep(inventory.clone());
                }
                assert!(
                    taken > 0,
                    "an empty batch has room for any record that goes on from what is there"
                );
                unsettled.insert(Unsettled { batch, records: taken, heard: 0 })
            }
        };
        let taken = unsettled.records;
        let appended = turn.append(&unsettled.batch);
        // Where it stays unknown, the very same batch is tried again: it is never there twice.
        if !matches!(appended, Appended::Unknown(_)) {
            self.unsettled = None;
        }
        match appended {
            Appended::Durable | Appended::Unseen => {
                // It is durable, whatever becomes of the rest of the turn.
                let _ = turn.end();
                Ok(Some(taken))
            }
            // The next turn tells by whom, or why it was not taken.
            Appended::Lost | Appended::Unknown(_) => Ok(None),
            Appended::Broken(cause) => Err(Stop::Fault(Fault::Lasting(cause))),
        }
    }
}

impl From<Stop<CopyError>> for CopyError {
    fn from(stop: Stop<CopyError>) -> Self {
        match stop {
            Stop::Fault(fault) => Self::Target(fault.cause()),
            Stop::Error(error) => error,
        }
    }
}
