//! A ticket counter over HTTP that cannot oversell.
//!
//! # Layout
//! - [`cli`], [`config`]: what the user typed, and what the program needs.
//! - [`log`]: what happens, told on standard error.
//! - `manual`: what the program tells of its command line.
//! - [`domain`]: the counter itself; pure.
//! - [`ledger`]: where the sales are kept: `db.txt` and the records beside it.
//! - [`counter`]: where requests wait, and the committer that sells to all of them at once; and the
//!   lesson's sellers, unsafe or slow, kept on purpose.
//! - [`http`]: the routes, the answers, the page.
//! - `fuzzing`: what the fuzz targets check; not in a normal build.
//! - [`run`]: a server from its start to its end.
//! - `simulation`: disks and an engine that fail, and the tests that let them; not in a normal build.

#![cfg_attr(not(test), warn(clippy::print_stderr, clippy::print_stdout))]

pub mod cli;
pub mod config;
pub mod counter;
pub mod db;
pub mod domain;
#[cfg(any(test, feature = "simulation"))]
pub mod fuzzing;
pub mod http;
pub mod ledger;
pub mod log;
mod manual;
pub mod run;
#[cfg(any(test, feature = "simulation"))]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests use more of it than the fuzz targets"))]
mod simulation;
