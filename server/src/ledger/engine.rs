//! The seam between what every ledger shares and what one engine does.
//!
//! An engine keeps records somewhere: in files, in etcd, in a table. It knows
//! nothing of commands or rules. [`Engine::begin`] gives a [`Turn`]: it tells the
//! news, takes batches of records, and says of each what became of it. Reading
//! beside the turns goes through the [`Archive`].
//!
//! # Invariants
//! - `AckAfterSync`: an engine says [`Appended::Durable`] only of what survives
//!   whatever it promises to survive, and only then is anybody answered.
//! - A batch stands whole at exactly the next revisions, or not at all.

use std::{error::Error, fmt, pin::Pin, sync::Arc};

use crate::{
    domain::{Identity, Inventory, Record, Stock},
    ledger::Holder,
};

/// Where a ledger is kept.
pub trait Engine: Send {
    /// What is appended at once, in the engine's own form.
    type Batch: Batch;
    /// One go at the ledger.
    type Turn<'a>: Turn<Batch = Self::Batch>
    where
        Self: 'a;

    /// Begins a turn; ends with [`Turn::end`], or when it is dropped.
    ///
    /// An engine with a lock waits for it as long as it takes: whoever waits
    /// at the counter is withdrawn meanwhile, once it is too late for them.
    ///
    /// # Errors
    /// [`Fault`]; nothing was written.
    fn begin(&mut self) -> Result<Self::Turn<'_>, Fault>;

    /// Does what may be done while nobody waits; called when nothing has come for a while.
    ///
    /// # Errors
    /// [`Fault`].
    fn rest(&mut self) -> Result<(), Fault>;
}

/// One go at a ledger.
pub trait Turn {
    /// What is appended at once.
    type Batch: Batch;

    /// Tells `hear` everything that this process does not know yet, in the order of the ledger.
    ///
    /// # Errors
    /// [`Fault`]; what was told by then is told, and not told again.
    fn news(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), Fault>;

    /// An empty batch right behind all that was told.
    ///
    /// # Errors
    /// [`Fault`], for example where there is no room for another record.
    fn batch(&mut self) -> Result<Self::Batch, Fault>;

    /// Whether all that was told is still all that there is: at some moment after this was asked.
    ///
    /// What is answered without a record, such as that nothing is left, rests on it: whoever asked may have
    /// come after the news, and somebody else may have appended since. Trivial for an engine with a lock.
    ///
    /// # Errors
    /// [`Fault`]; then nobody is answered.
    fn confirm(&mut self) -> Result<bool, Fault>;

    /// Appends `batch` at exactly the revisions that it was made for.
    ///
    /// The same batch may be given again after [`Appended::Unknown`]: it is never there twice, and
    /// [`Appended::Durable`] where it was there already.
    fn append(&mut self, batch: &Self::Batch) -> Appended;

    /// Whether it is time to keep what the ledger has come to: all that was told, and nothing else.
    fn is_snapshot_due(&self) -> bool;

    /// Keeps `inventory`, which is what was asked for, beside the ledger, so that a start need not read
    /// all that was before; goes on while others sell, and nothing is lost where it fails.
    fn keep(&mut self, inventory: Inventory);

    /// Ends the turn: what it learnt or appended can be seen outside.
    ///
    /// # Errors
    /// [`Fault`]; what was appended is durable all the same.
    fn end(self) -> Result<(), Fault>;
}

/// Records on their way, in the engine's own form; made while the batch before is being appended.
pub trait Batch: Send + 'static {
    /// Adds `record`, or says that there is no room for it.
    fn push(&mut self, record: &Record) -> bool;

    /// Whether nothing was added.
    fn is_empty(&self) -> bool;

    /// Whether it began with as much room as others have, or nearly: not right ahead of where a part of the ledger ends.
    fn has_usual_room(&self) -> bool {
        true
    }

    /// Takes what was added, and leaves an empty batch that goes right behind it; there may be no room for more in
    /// this turn.
    #[must_use]
    fn take(&mut self) -> Self
    where
        Self: Sized;
}

/// Something that this process did not know yet.
#[derive(Clone, Debug)]
pub enum News {
    /// All that the ledger had come to at some revision: told once, ahead of everything else, by an engine
    /// that could not be reached when it was opened.
    Snapshot(Box<Inventory>),
    /// The next record.
    Record {
        /// The record.
        record: Record,
        /// Whether it is of the batch of this very process whose append was [`Appended::Unknown`].
        is_own: bool,
    },
    /// Somebody outside has changed the count, and no record says so yet: the next one has to.
    Edited {
        /// What is left now.
        remaining: u64,
        /// The ticket numbers given out by now.
        sold: u64,
    },
}

/// What became of an append.
#[derive(Clone, Debug)]
pub enum Appended {
    /// It is in the ledger, and stays there.
    Durable,
    /// It is in the ledger, and somebody outside hides it: the next turn has to show it before
    /// anybody is told.
    Unseen,
    /// It is not in the ledger: another writer had the revision.
    Lost,
    /// The answer was lost: the news will tell whose the revision is.
    Unknown(Cause),
    /// It may be in the ledger or not, and this process can never again be sure of what is.
    Broken(Cause),
}

/// Why a turn came to nothing, or to its end too early: of what it had not yet said to be durable
/// nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// A later try may succeed.
    #[error("{0}")]
    Passing(Cause),
    /// This process can never again be sure of what is in the ledger.
    #[error("{0}")]
    Lasting(Cause),
}

impl Fault {
    /// What the engine says.
    pub fn cause(self) -> Cause {
        let (Self::Passing(cause) | Self::Lasting(cause)) = self;
        cause
    }
}

/// What an engine says of a failure, for a person to read.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// The cause that `error` tells.
    pub fn of(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is read of a ledger beside its turns, from any thread.
pub trait Archive: Send + Sync {
    /// Whether nothing can be seen, without a turn, of changes that `known` does not have.
    ///
    /// False where that cannot be told: then a turn tells.
    fn is_current(&self, known: Stock) -> bool;

    /// Whether there may be changes that `known` does not have: a hint, by which an idle server is spared turns,
    /// and which may be lost on its way.
    fn may_have_news(&self, known: Stock) -> bool {
        !self.is_current(known)
    }

    /// What the tokens of this counter are made from; `None` until the ledger was reached for the first time.
    fn identity(&self) -> Option<Identity>;

    /// What the ledger says in short, where nobody can take a turn.
    ///
    /// # Errors
    /// [`Cause`], also while somebody is writing: a later try succeeds.
    fn summary(&self) -> Result<Summary, Cause>;

    /// Whether [`Archive::summary`] reads the ledger itself: so it tells what was there after it was asked, and else
    /// what was heard last.
    fn is_read_anew(&self) -> bool {
        true
    }

    /// How much of the room that there is is taken, from 0 to 1, where there is a limit to it that the engine tells.
    fn room_taken(&self) -> Option<f64> {
        None
    }

    /// The records from revision `first` to `last`, in order; fewer where the ledger has not all of them.
    fn records(self: Arc<Self>, first: u64, last: u64) -> Found;

    /// Who keeps others from taking a turn just now; empty where that cannot be told.
    fn holders(&self) -> Vec<Holder>;
}

/// Records that are being looked for.
pub type Found = Pin<Box<dyn Future<Output = Result<Vec<Record>, Cause>> + Send>>;

/// What a ledger says in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many tickets are left.
    pub remaining: u64,
    /// How many ticket numbers were given out, where it says so.
    pub sold: Option<u64>,
}
