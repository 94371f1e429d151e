//! The lesson's other programs: what a thread, a daemon, a lock, a queue and a pool are, each shown
//! by a small program that really does it, and held to what it claims.
//!
//! - `args`, `show`: typed by the user, performed one after the other, ended by Ctrl-C at any time.
//! - `stage`, `event`: who did what, and when; `timeline`, `words`, `summary`, `page`: how it is told.
//! - `finding`, `pulse`: what was seen of a claim, and whether this machine was calm enough for it.
//! - `cast`, `troupe`: the processes of a lesson, from within and from without.
//! - `play`: what a lesson is; `catalogue`: all of them in the order in which to learn; then one file
//!   a lesson.
//!
//! # Invariants
//! - No verdict without a run: each is made of what was seen, and `--sabotage` turns it round.
//! - No process and no thread of a lesson outlives it.

mod args;
mod cast;
mod catalogue;
mod error;
mod event;
mod finding;
mod page;
mod play;
mod pulse;
mod show;
mod stage;
mod summary;
mod timeline;
mod troupe;
mod words;

mod programs;

pub(crate) use args::LessonArgs;
pub(crate) use cast::play_for_parent;
pub(crate) use show::show;

#[cfg(test)]
mod control_tests;
