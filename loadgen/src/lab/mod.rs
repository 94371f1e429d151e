//! The lab: somebody is the scheduler of real worker processes, in a browser, and finds out what
//! happens between the read and the write.
//!
//! - [`model`]: the lesson's program line by line, in all its variants, and all schedules of it; pure.
//! - [`workers`]: the program in processes of its own, with locks of the kernel.
//! - [`analysis`]: what happened, in words; what it adds up to; what it had to be; whom it kept waiting.
//! - [`views`]: a lab as plain data and as pictures.
//! - [`session`]: a lab and what is done with it; [`mod@http`]: the page and its commands; [`replay`]: without a page.
//! - [`args`], [`mod@show`]: the subcommand.
//!
//! # Invariants
//! - What is shown has really happened, in processes, with locks of the kernel.
//! - No process and no file of a lab outlives it.
//! - Whoever may not drive may watch, and no page of another site may do either.

mod error;
mod model;
mod workers;

mod analysis;

mod session;
mod views;

mod http;
mod replay;

mod args;
mod show;

pub(crate) use args::LabArgs;
pub(crate) use show::show;
pub(crate) use workers::worker::run_worker;
