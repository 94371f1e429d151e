//! A counter in PostgreSQL that is made of another's records, and is none before it is whole.
//!
//! It has all its rows, and goes by a name that no address can have; one statement gives it its own.

use std::io;

use crate::ledger::{
    Cause, Engine, Fault, Staged, Unpublished,
    format::base::Base,
    postgres::{
        address::Address,
        archive::PostgresArchive,
        batch::PostgresBatch,
        engine::{Options, PostgresEngine, PostgresTurn},
        error::PostgresError,
        records::bigint,
        session::{Database, Session, Surroundings, import_name},
    },
};

/// The counter that has a name.
const FIND: &str = "SELECT key FROM ticket_counter.counter WHERE name = $1";

/// Gives a counter its name, also where it has it: so it may be sent again. One that has lost records, since another
/// server of the database took the place of the primary, does not get it; nor one that was made anew there, with a number
/// that was given out before.
const NAME: &str =
    "UPDATE ticket_counter.counter SET name = $2 WHERE id = $1 AND revision >= $3 AND key = $4";

/// A counter that nobody sells from yet.
pub struct PostgresStage {
    engine: PostgresEngine,
    /// The name that it will have, and the database that it is in.
    counter: String,
    database: String,
    /// Whether it was seen that no counter of the name is there.
    is_free: bool,
    /// A connection beside the turns, on which names are looked for and given.
    beside: Option<Session>,
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
        Ok(Self { engine, counter, database, is_free: false, beside: None })
    }

    /// What is read beside the turns.
    pub fn archive(&self) -> PostgresArchive {
        self.engine.archive()
    }

    fn taken(&self) -> PostgresError {
        let (counter, database) = (self.counter.clone(), self.database.clone());
        PostgresError::Taken { counter, database }
    }

    /// Asks `ask` on the connection beside the turns: a new one, where the last answer was lost.
    fn ask<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut Session) -> Result<T, PostgresError>,
    ) -> Result<T, PostgresError> {
        let Self { engine, beside, .. } = self;
        let (runtime, database) = engine.surroundings();
        runtime.block_on(async {
            let session = match beside.take().filter(Session::is_usable) {
                Some(session) => session,
                None => Session::connect(database, 0, |_| {}).await?,
            };
            ask(beside.insert(session)).await
        })
    }

    /// The key of the counter that is called `name`.
    fn key_of(&mut self, name: String) -> Result<Option<Vec<u8>>, PostgresError> {
        let database = self.database.clone();
        self.ask(async move |session| {
            if !session.has_tables(&database).await? {
                return Ok(None);
            }
            let rows = session.query(FIND, &[&name]).await?;
            Ok(rows.first().map(|row| row.get(0)))
        })
    }

    /// Refuses to make a counter where there is one.
    fn refuse_a_counter(&mut self) -> Result<(), PostgresError> {
        match self.key_of(self.counter.clone())? {
            Some(_) => Err(self.taken()),
            None => Ok(()),
        }
    }

    fn name(&mut self) -> Result<(), PostgresError> {
        let (identity, revision) = self.engine.place().ok_or_else(not_there)?;
        let (id, key) = (identity.id, identity.key);
        let (name, revision) = (self.counter.clone(), bigint(revision));
        let named = self.ask(async move |session| {
            session.commit(NAME, &[&id, &name, &revision, &key.as_slice()]).await
        });
        match named {
            Ok(1) => Ok(()),
            Ok(_) => Err(not_there()),
            // Another counter may have the name.
            Err(error @ PostgresError::Refused(_)) => match self.key_of(self.counter.clone()) {
                Ok(Some(found)) if found != key => Err(self.taken()),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

fn not_there() -> PostgresError {
    io::Error::other("what was imported is not there any more").into()
}

impl Engine for PostgresStage {
    type Batch = PostgresBatch;
    type Turn<'a> = PostgresTurn<'a>;

    fn begin(&mut self) -> Result<PostgresTurn<'_>, Fault> {
        // Ahead of its first turn, in which it is made.
        if !self.is_free {
            self.refuse_a_counter()?;
            self.is_free = true;
        }
        self.engine.begin()
    }

    fn rest(&mut self) -> Result<(), Fault> {
        self.engine.rest()
    }
}

impl Staged for PostgresStage {
    fn is_begun(&mut self) -> Result<bool, Fault> {
        self.refuse_a_counter()?;
        Ok(self.key_of(import_name(&self.counter))?.is_some())
    }

    /// What was made stays.
    fn commit(&mut self) -> Result<(), Fault> {
        Ok(self.refuse_a_counter()?)
    }

    fn publish(&mut self) -> Result<(), Unpublished> {
        self.name().map_err(|error| match error {
            PostgresError::Unknown(_) | PostgresError::Warned(_) => {
                Unpublished::Unknown(Cause::of(error))
            }
            error => Unpublished::Refused(error.into()),
        })
    }
}
