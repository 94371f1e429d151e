//! A load generator with a judge.

pub mod history;
pub mod judge;
