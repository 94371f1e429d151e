//! The lesson's other programs: what a thread, a daemon, a lock, a queue and a pool are, each shown
//! by a small program that really does it, and held to what it claims.
//!
//! - `finding`, `lateness`: what was seen of a claim, and whether this machine was calm enough.
//! - `timeline`: who did what, and when; `process`: the processes of a lesson.
//! - `definition`: what a lesson is; `programs/`: one file a lesson; `catalogue`: all of them.
//! - `outcome`: what a lesson gave; `drawing`, `text`, `page`: how it is told.
//! - `args`, `show`: typed by the user, run one after the other, ended by Ctrl-C at any time.
//!
//! # Invariants
//! - No verdict without a run: each is made of what was seen, and `--sabotage` turns it round.
//! - No process and no thread of a lesson outlives it.

mod error;
mod finding;
mod lateness;
mod timeline;

mod definition;
mod process;

mod catalogue;
mod programs;

mod drawing;
mod outcome;
mod page;
mod text;

mod args;
mod show;

pub(crate) use args::LessonArgs;
pub(crate) use catalogue::run_process;
pub(crate) use show::show;

#[cfg(test)]
mod control_tests;
