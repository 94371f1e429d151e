//! How long turns take: an engine that is timed, whichever it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    domain::Inventory,
    ledger::{Appended, Engine, Fault, News, Turn},
};

/// Whom the times of turns are told.
pub trait TurnTimes: Send + Sync {
    /// A turn began after this wait for the lock.
    fn waited(&self, wait: Duration);

    /// A turn kept the lock from others for so long.
    fn held(&self, hold: Duration);

    /// An append took so long, its sync among it, and this became of it.
    fn appended(&self, took: Duration, what: &Appended);
}

/// An engine of which the times are told.
pub struct Timed<E> {
    engine: E,
    times: Arc<dyn TurnTimes>,
}

/// A turn of which the times are told.
pub struct TimedTurn<T> {
    turn: T,
    hold: Hold,
}

/// The time for which a turn is held.
struct Hold {
    times: Arc<dyn TurnTimes>,
    since: Instant,
}

impl<E> Timed<E> {
    /// `engine`, whose times are told to `times`.
    pub fn new(engine: E, times: Arc<dyn TurnTimes>) -> Self {
        Self { engine, times }
    }
}

impl<E: Engine> Engine for Timed<E> {
    type Batch = E::Batch;
    type Turn<'a>
        = TimedTurn<E::Turn<'a>>
    where
        Self: 'a;

    fn begin(&mut self) -> Result<Self::Turn<'_>, Fault> {
        let asked = Instant::now();
        let turn = self.engine.begin()?;
        let since = Instant::now();
        self.times.waited(since.duration_since(asked));
        Ok(TimedTurn { turn, hold: Hold { times: Arc::clone(&self.times), since } })
    }

    fn rest(&mut self) -> Result<(), Fault> {
        self.engine.rest()
    }
}

impl<T: Turn> Turn for TimedTurn<T> {
    type Batch = T::Batch;

    fn news(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), Fault> {
        self.turn.news(hear)
    }

    fn batch(&mut self) -> Result<T::Batch, Fault> {
        self.turn.batch()
    }

    fn confirm(&mut self) -> Result<bool, Fault> {
        self.turn.confirm()
    }

    fn append(&mut self, batch: &T::Batch) -> Appended {
        let begun = Instant::now();
        let appended = self.turn.append(batch);
        self.hold.times.appended(begun.elapsed(), &appended);
        appended
    }

    fn is_snapshot_due(&self) -> bool {
        self.turn.is_snapshot_due()
    }

    fn keep(&mut self, inventory: Inventory) {
        self.turn.keep(inventory);
    }

    fn end(self) -> Result<(), Fault> {
        self.turn.end()
    }
}

/// However the turn ends.
impl Drop for Hold {
    fn drop(&mut self) {
        self.times.held(self.since.elapsed());
    }
}
