//! What a ticket counter is: pure, deterministic, no I/O and no clock.
//!
//! An [`Inventory`] is the whole truth about stock. [`Inventory::apply`] takes
//! a [`Command`] and the time, and gives an [`Outcome`] and, where something
//! changed, a [`Record`]; folding the records gives the same inventory again.
//! Every rule of selling lives here and nowhere else.
//!
//! # Invariants
//! - `NoOversell`: what is left is never below zero.
//! - `AnswerOnce`: a request with a key that was seen changes nothing.
//! - `Conservation`: what is left changes by exactly what a record says.
//! - Revisions run 1, 2, 3, … without gaps; so do ticket numbers.

mod clock;
mod command;
mod inventory;
mod keys;
mod outcome;
mod pieces;
mod record;

pub use clock::Clock;
pub use command::{Command, Order, Request};
pub use inventory::{COUNT_MAX, Inconsistent, Inventory};
pub use keys::{KEY_CHARS_MAX, KEY_LIFE_MS};
pub use outcome::{Outcome, Sale, Stock};
pub use record::{Change, Record};
