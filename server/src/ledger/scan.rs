//! Reading a whole ledger, from its first record on: for who looks it over, or carries it elsewhere.

use crate::{
    domain::{Inventory, Record},
    ledger::{Fault, format::base::Base},
};

/// A reading of a whole ledger, which goes on as the ledger grows.
pub trait Scan {
    /// What the ledger begins with.
    fn base(&self) -> &Base;

    /// The next records, in order and none behind the revision `last`, each of which goes on from the one
    /// before by its checksum; none where the ledger has no more.
    ///
    /// # Errors
    /// [`Fault::Lasting`] with what is damaged; [`Fault::Passing`] where it cannot be read just now.
    fn read_on(&mut self, last: u64) -> Result<Vec<Record>, Fault>;

    /// Holds what is kept of the ledger beside its records, such as its head and its snapshots, against what
    /// these have come to, where it is of that revision.
    ///
    /// # Errors
    /// [`Fault::Lasting`] with what disagrees.
    fn compare(&mut self, folded: &Inventory) -> Result<(), Fault>;
}

/// What a ledger that others can write to says of itself, for people.
pub trait Overview {
    /// What its head says, in the form of `db.txt`.
    fn head(&self) -> String;

    /// The last revision, by its head.
    fn last(&self) -> u64;

    /// Of how many pieces it is, as far as it was read.
    fn pieces(&self) -> String;

    /// What whoever looks after it should know, and is no fault.
    fn notes(&self) -> Vec<String>;
}
