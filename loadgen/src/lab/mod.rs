//! The lab: somebody is the scheduler of real worker processes, in a browser, and finds out what
//! happens between the read and the write.
//!
//! - `program`: the lesson's program line by line, in all its variants; `content`: what stands in the
//!   file; `setup`: what a lab is set up with, and a schedule as a file. Pure.
//! - `model`, `schedules`, `random`: the same on a pure model, all schedules of two workers, and one
//!   drawn by lot.
//! - `worker`: the program in a process of its own; `kernel`: who holds and who waits, as the kernel
//!   has it; `stage`: the workers from without; `folder`: where their files are, and who removes them.
//! - `telling`, `facts`, `missions`, `cost`: what happened, in words; what it adds up to; what it had to be;
//!   whom it kept waiting.
//! - `session`, `view`, `picture`, `cost_picture`: a lab and what is done with it, as plain data and as pictures.
//! - `http/`: the page and its commands; `replay`: without a page; `args`, `show`: the subcommand.
//!
//! # Invariants
//! - What is shown has really happened, in processes, with locks of the kernel.
//! - No process and no file of a lab outlives it.
//! - Whoever may not drive may watch, and no page of another site may do either.

mod content;
mod program;
mod setup;

mod model;
mod random;
mod schedules;

mod kernel;
mod worker;

mod error;
mod stage;

mod cost;
mod facts;
mod missions;
mod telling;

mod cost_picture;
mod picture;
mod session;
mod view;

mod http;
mod replay;

mod args;
mod show;

pub(crate) use args::LabArgs;
pub(crate) use show::show;
pub(crate) use worker::run_worker;
