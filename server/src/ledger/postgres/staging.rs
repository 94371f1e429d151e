//! A counter in PostgreSQL that is made of another's records, and is none before it is whole.
//!
//! It has all its rows, and goes by a name that no address can have; one statement gives it its own.

use std::io;

use crate::ledger::{
    Engine, Fault, Staged,
    format::base::Base,
    postgres::{
        address::Address,
        archive::PostgresArchive,
        batch::PostgresBatch,
        engine::{Options, PostgresEngine, PostgresTurn},
        error::PostgresError,
        session::{Database, Surroundings, import_name},
    },
};

/// The counter that has a name.
const FIND: &str = "SELECT key FROM ticket_counter.counter WHERE name = $1";

/// Gives a counter its name.
const NAME: &str = "UPDATE ticket_counter.counter SET name = $2 WHERE id = $1";

/// A counter that nobody sells from yet.
pub struct PostgresStage {
    engine: PostgresEngine,
    /// The name that it will have, and the database that it is in.
    counter: String,
    database: String,
    /// Whether it was seen that no counter of the name is there.
    is_free: bool,
}

impl PostgresStage {
    /// The counter at `address` in the making, which begins with `base`; nobody is asked yet.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub fn new(
        address: Address,
        surroundings: Surroundings,
        base: Base,
        options: Options,
    ) -> Result<Self, PostgresError> {
        let (counter, database) = (address.counter.clone(), address.database.clone());
        let staged = Address { counter: import_name(&counter), ..address };
        let engine =
            PostgresEngine::with(Database::new(staged, surroundings)?, options, Some(base))?;
        Ok(Self { engine, counter, database, is_free: false })
    }

    /// What is read beside the turns.
    pub fn archive(&self) -> PostgresArchive {
        self.engine.archive()
    }

    fn taken(&self) -> PostgresError {
        let (counter, database) = (self.counter.clone(), self.database.clone());
        PostgresError::Taken { counter, database }
    }

    /// The key of the counter that has the name by now.
    fn key_of_named(&mut self) -> Result<Option<Vec<u8>>, PostgresError> {
        let (runtime, open, _) = self.engine.parts();
        let rows = runtime.block_on(open.session.query(FIND, &[&self.counter]))?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    fn name(&mut self) -> Result<(), PostgresError> {
        let (runtime, open, known) = self.engine.parts();
        let (id, key) = (known.identity.id, known.identity.key);
        let named = runtime.block_on(open.session.commit(NAME, &[&id, &self.counter]));
        match named {
            Ok(1) => Ok(()),
            Ok(_) => Err(io::Error::other("what was imported is not there any more").into()),
            // An earlier try may have come through, or another counter has the name.
            Err(error @ PostgresError::Refused(_)) => match self.key_of_named()? {
                Some(found) if found == key => Ok(()),
                Some(_) => Err(self.taken()),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

impl Engine for PostgresStage {
    type Batch = PostgresBatch;
    type Turn<'a> = PostgresTurn<'a>;

    fn begin(&mut self) -> Result<PostgresTurn<'_>, Fault> {
        if !self.is_free {
            self.engine.begin().map(|_| ())?;
            if self.key_of_named()?.is_some() {
                return Err(self.taken().into());
            }
            self.is_free = true;
        }
        self.engine.begin()
    }

    fn rest(&mut self) -> Result<(), Fault> {
        self.engine.rest()
    }
}

impl Staged for PostgresStage {
    fn publish(&mut self) -> Result<(), Fault> {
        Ok(self.name()?)
    }
}
