//! The lesson's program line by line, and all that can become of it. Pure.
//!
//! - `program`: the program, in all its variants; `content`: what stands in the file; `setup`: what a lab is set up
//!   with, and a schedule as a file.
//! - `states`: the program's states, step by step; `schedules`: all schedules of two workers; `random`: one drawn
//!   by lot.

pub(super) mod content;
pub(super) mod program;
pub(super) mod setup;

pub(super) mod random;
pub(super) mod schedules;
pub(super) mod states;
