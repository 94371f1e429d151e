//! The systems that are measured: each is started, sells for a while, is counted, and ends.

mod engines;
mod fdatasync;
mod ours;
mod outsider;
mod postgres;
mod redis;
mod roster;
mod sqlite;

pub(crate) use engines::Kept;
pub(crate) use roster::{ALL, Setting, System, named};
