//! What a ticket counter is: pure, deterministic, no I/O and no clock.
//!
//! A [`Trial`] answers a [`Command`] at a time, and gives an [`Outcome`] and, where
//! something would change, a [`Record`]. An [`Inventory`] is the whole truth about
//! stock: it changes only by folding records that are durable. Every rule of
//! selling lives here and nowhere else.
//!
//! # Invariants
//! - `NoOversell`: what is left is never below zero.
//! - `AnswerOnce`: a request with a key that was seen changes nothing.
//! - `Conservation`: what is left changes by exactly what a record says, and all tickets that there are
//!   are left, held or sold.
//! - `HoldEndsOnce`: what is held lapses at its time, and cannot be bought from then on.
//! - `SaleEndsOnce`: a sale is refunded once or admitted once, and never both.
//! - Revisions run 1, 2, 3, … without gaps; so do ticket numbers.

mod clock;
mod command;
mod ended_sales;
mod holds;
mod identity;
mod inventory;
mod keys;
#[cfg(test)]
mod model_tests;
mod outcome;
mod pieces;
mod record;
mod rules;
mod stock;
mod trial;

pub use clock::Clock;
pub use command::{Command, HOLD_SECONDS_MAX, Order, Request, SoldBefore};
pub use holds::OpenHold;
pub use identity::{Identity, epoch_of};
pub use inventory::{Inventory, Memory};
pub use keys::{KEY_CHARS_MAX, KEY_LIFE_MS, SeenName};
pub use outcome::{Hold, Outcome, Sale, SaleStatus};
pub use record::{Change, Record};
pub use stock::{COUNT_MAX, Inconsistent, Stock};
pub use trial::Trial;
