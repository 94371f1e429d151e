//! Turns at a ledger, whatever the engine: news, trial, append, and what became of it.
//!
//! What became of an append is one of four: durable (the trial is accepted and those
//! in it are answered), lost (the trial is dropped, the news are learnt, and the
//! same requests are decided again), unknown (the news tell whose the revision is;
//! until then nobody is answered and nothing else is tried), broken (latched: this
//! writer never appends again).
//!
//! # Invariants
//! - `AckAfterSync`: nobody is told of a batch before the engine said that it is durable.
//! - `SettleFirst`: behind an unknown append comes nothing before it is known.
//! - `NoStaleAnswer`: who is answered without a record is answered from what was all there is after they came.

use crate::{
    domain::Inconsistent,
    ledger::{Appended, Batch, Cause, Engine, Fault, News, Pipeline, Turn},
};

/// Those who wait for a ledger, and the pipeline that they share with its writer.
pub trait Clients {
    /// The engine's batches.
    type Batch: Batch;

    /// Lets `work` have the pipeline for itself.
    fn with<R>(&self, work: impl FnOnce(&mut Pipeline<Self::Batch>) -> R) -> R;

    /// A turn is open: decides for those who wait, and waits for more where that is worth it.
    ///
    /// False once this turn is to end, for nobody is there or others must have a go; the pipeline is closed then.
    fn gather(&self) -> bool;

    /// Takes what is gathered, to be appended; `None` where nothing would change.
    fn take(&self) -> Option<Self::Batch>;

    /// Whether anybody was taken, and is not told yet.
    fn owes(&self) -> bool;

    /// What was taken is durable, and can be seen by all: it can be told.
    fn settled(&self);

    /// What was decided and not told is void: it has to be decided again.
    fn lost(&self, which: Void);
}

/// Which decisions are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// Those that were gathered behind what was taken.
    Gathered,
    /// Those that were taken, and those behind.
    Taken,
}

/// What a turn came to.
#[derive(Clone, Debug)]
pub enum Turned {
    /// All that was decided is settled.
    Done,
    /// Something has to be decided again, or told to who reads from outside: another turn is due now.
    Again,
    /// Nothing could be decided just now, or what was decided is not settled yet.
    Waits(Cause),
    /// Nothing can be decided any more; what was decided and not settled may have happened.
    Broken(Cause),
}

/// Takes turns at the ledger of one engine.
pub struct Writer<E: Engine> {
    engine: E,
    now_ms: fn() -> u64,
    /// A batch of which it is not known whether the ledger has it.
    unsettled: Option<E::Batch>,
    /// Whether something is durable that could not be shown outside, and is not told yet.
    is_untold: bool,
    heard: Heard,
    latched: Option<Cause>,
}

/// What the news told since the last batch.
#[derive(Debug, Default)]
struct Heard {
    records: usize,
    own: usize,
    edited: Option<(u64, u64)>,
}

impl<E: Engine> Writer<E> {
    /// A writer at `engine`, by a clock in milliseconds since 1970 UTC.
    pub fn new(engine: E, now_ms: fn() -> u64) -> Self {
        Self {
            engine,
            now_ms,
            unsettled: None,
            is_untold: false,
            heard: Heard::default(),
            latched: None,
        }
    }

    /// Takes one turn for all who wait.
    pub fn turn<C: Clients<Batch = E::Batch>>(&mut self, clients: &C) -> Turned {
        if let Some(cause) = &self.latched {
            return Turned::Broken(cause.clone());
        }
        let turned = match self.take_turn(clients) {
            Ok(turned) => turned,
            Err(Fault::Passing(cause)) => Turned::Waits(cause),
            Err(Fault::Lasting(cause)) => Turned::Broken(cause),
        };
        if self.is_untold && !matches!(turned, Turned::Again) {
            // It is durable; who reads from outside is told by a later turn.
            self.is_untold = false;
            clients.settled();
        }
        if let Turned::Broken(cause) = &turned {
            self.latched = Some(cause.clone());
        }
        turned
    }

    /// Does what may be done while nobody waits.
    ///
    /// # Errors
    /// [`Fault`]; a lasting one is latched.
    pub fn rest(&mut self) -> Result<(), Fault> {
        if let Some(cause) = &self.latched {
            return Err(Fault::Lasting(cause.clone()));
        }
        let rested = self.engine.rest();
        if let Err(Fault::Lasting(cause)) = &rested {
            self.latched = Some(cause.clone());
        }
        rested
    }

    fn take_turn<C: Clients<Batch = E::Batch>>(&mut self, clients: &C) -> Result<Turned, Fault> {
        let mut turn = self.engine.begin()?;
        // What was told ahead of a failure is not told again: so it is kept from try to try.
        self.heard.edited = None;
        hear(&mut turn, clients, &mut self.heard)?;
        if let Some(batch) = &self.unsettled {
            // IMPORTANT: ahead of everything else: nothing may be tried before this is known.
            let owner = settle(&mut turn, clients, batch, &self.heard)?;
            if let Owner::Unknown(cause) = owner {
                return Ok(Turned::Waits(cause));
            }
            self.unsettled = None;
            self.is_untold = matches!(owner, Owner::Unseen);
            if !matches!(owner, Owner::This) {
                return Ok(Turned::Again);
            }
        }
        let (batch, now_ms) = (turn.batch()?, (self.now_ms)());
        if turn.is_snapshot_due() && !self.is_untold {
            turn.keep(clients.with(|pipeline| pipeline.inventory().clone()));
        }
        let edited = std::mem::take(&mut self.heard).edited;
        if self.is_untold {
            return Ok(match show(turn, clients, (batch, edited, now_ms))? {
                Shown::Told => {
                    self.is_untold = false;
                    Turned::Again
                }
                Shown::HiddenAgain => Turned::Again,
                Shown::Unsettled(batch, cause) => {
                    (self.is_untold, self.unsettled) = (false, Some(batch));
                    Turned::Waits(cause)
                }
            });
        }
        clients.with(|pipeline| pipeline.open(batch, edited, now_ms));
        loop {
            let goes_on = clients.gather();
            let batch = clients.take();
            let is_unchanged = batch.is_none();
            if let Some(batch) = batch {
                match turn.append(&batch) {
                    Appended::Durable => clients.with(Pipeline::accept),
                    Appended::Unseen => {
                        clients.with(Pipeline::accept);
                        void(clients, Void::Gathered);
                        self.is_untold = true;
                        return Ok(Turned::Again);
                    }
                    Appended::Lost => {
                        void(clients, Void::Taken);
                        return Ok(Turned::Again);
                    }
                    Appended::Unknown(cause) => {
                        void(clients, Void::Gathered);
                        self.unsettled = Some(batch);
                        return Ok(Turned::Waits(cause));
                    }
                    Appended::Broken(cause) => return Err(Fault::Lasting(cause)),
                }
            }
            if is_unchanged && clients.owes() && !confirm(&mut turn, clients)? {
                return Ok(Turned::Again);
            }
            clients.settled();
            if !goes_on {
                turn.end()?;
                return Ok(Turned::Done);
            }
        }
    }
}

/// What became of a turn for nothing but to show outside what is durable and untold.
enum Shown<B> {
    /// It is shown, or cannot be just now: it is told.
    Told,
    /// It is told, and more is hidden.
    HiddenAgain,
    /// It is told, and it is not known whether the ledger has this batch of nobody's.
    Unsettled(B, Cause),
}

/// Shows outside what is durable, and takes over what somebody wrote there.
///
/// IMPORTANT: nobody is decided in this turn: who waits to be told must not share the fate of another batch.
fn show<T: Turn, C: Clients<Batch = T::Batch>>(
    mut turn: T,
    clients: &C,
    (batch, edited, now_ms): (T::Batch, Option<(u64, u64)>, u64),
) -> Result<Shown<T::Batch>, Fault> {
    let adjustment = clients.with(|pipeline| {
        pipeline.open(batch, edited, now_ms);
        pipeline.close();
        pipeline.take()
    });
    let Some(adjustment) = adjustment else {
        turn.end()?;
        clients.settled();
        return Ok(Shown::Told);
    };
    let appended = turn.append(&adjustment);
    if let Appended::Durable = appended {
        clients.with(Pipeline::accept);
        turn.end()?;
    }
    clients.settled();
    match appended {
        Appended::Durable => Ok(Shown::Told),
        Appended::Unseen => {
            clients.with(Pipeline::accept);
            Ok(Shown::HiddenAgain)
        }
        Appended::Lost => {
            clients.with(Pipeline::drop_trial);
            Ok(Shown::Told)
        }
        Appended::Unknown(cause) => Ok(Shown::Unsettled(adjustment, cause)),
        Appended::Broken(cause) => Err(Fault::Lasting(cause)),
    }
}

fn hear<T: Turn, C: Clients<Batch = T::Batch>>(
    turn: &mut T,
    clients: &C,
    heard: &mut Heard,
) -> Result<(), Fault> {
    let mut fault: Option<Inconsistent> = None;
    turn.news(&mut |news| match news {
        News::Snapshot(inventory) => clients.with(|pipeline| pipeline.start_from(*inventory)),
        News::Record { record, is_own } => {
            heard.records += 1;
            heard.own += usize::from(is_own);
            if let Err(found) = clients.with(|pipeline| pipeline.hear(&record)) {
                fault.get_or_insert(found);
            }
        }
        News::Edited { remaining, sold } => heard.edited = Some((remaining, sold)),
    })?;
    match fault {
        // This process and the ledger do not agree, and will not.
        Some(fault) => Err(Fault::Lasting(Cause::of(fault))),
        None => Ok(()),
    }
}

/// Whose the revision of an unsettled batch is.
enum Owner {
    This,
    /// This one's, and somebody outside hides it.
    Unseen,
    Another,
    Unknown(Cause),
}

/// Finds out what became of `batch`: the news tell, or the same batch is appended once more,
/// which cannot put it there twice.
fn settle<T: Turn, C: Clients<Batch = T::Batch>>(
    turn: &mut T,
    clients: &C,
    batch: &T::Batch,
    heard: &Heard,
) -> Result<Owner, Fault> {
    if heard.own > 0 {
        clients.with(|pipeline| pipeline.forget_in_flight(heard.own));
        clients.settled();
        return Ok(Owner::This);
    }
    let appended = if heard.records > 0 { Appended::Lost } else { turn.append(batch) };
    match appended {
        Appended::Durable => {
            clients.with(Pipeline::accept);
            clients.settled();
            Ok(Owner::This)
        }
        Appended::Unseen => {
            clients.with(Pipeline::accept);
            Ok(Owner::Unseen)
        }
        Appended::Lost => {
            void(clients, Void::Taken);
            Ok(Owner::Another)
        }
        Appended::Unknown(cause) => Ok(Owner::Unknown(cause)),
        Appended::Broken(cause) => Err(Fault::Lasting(cause)),
    }
}

/// Whether what was decided without a record can be told; else it is decided again.
fn confirm<T: Turn, C: Clients<Batch = T::Batch>>(
    turn: &mut T,
    clients: &C,
) -> Result<bool, Fault> {
    let confirmed = turn.confirm();
    if !matches!(confirmed, Ok(true)) {
        void(clients, Void::Taken);
    }
    confirmed
}

/// Drops what was decided, and has it decided again.
fn void<C: Clients>(clients: &C, which: Void) {
    clients.with(|pipeline| match which {
        Void::Gathered => pipeline.drop_gathered(),
        Void::Taken => pipeline.drop_trial(),
    });
    clients.lost(which);
}
