//! Counters in a real PostgreSQL: the engine by itself, its tables, and whole servers.
//!
//! - [`seller`]: one process at the engine, without a server around it.
//! - [`turns`]: what becomes of batches; [`standbys`]: and where commits wait for a standby.
//! - [`tables`]: whoever else writes into the tables.
//! - [`bad_input`]: what is refused, and in which words.
//! - [`servers`]: whole servers.

mod bad_input;
mod seller;
mod servers;
mod standbys;
mod tables;
mod turns;
