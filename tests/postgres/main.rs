//! Counters in a real PostgreSQL: the engine by itself, its tables, and whole servers.
//!
//! - [`seller`]: one process at the engine, without a server around it.
//! - [`turns`]: what becomes of batches; [`standbys`]: and where commits wait for a standby.
//! - [`tables`]: whoever else writes into the tables.
//! - [`bad_input`]: what is refused, and in which words.
//! - [`creation`]: many who make one counter at once.
//! - [`servers`]: whole servers; [`obstacles`]: and what keeps one from selling.

mod bad_input;
#[path = "../e2e/contract/mod.rs"]
mod contract;
mod counter;
mod creation;
mod obstacles;
#[path = "../e2e/operator.rs"]
mod operator;
#[path = "../e2e/problem.rs"]
mod problem;
#[path = "../etcd/programs.rs"]
mod programs;
#[path = "../e2e/sales.rs"]
mod sales;
mod seller;
mod servers;
mod standbys;
mod tables;
mod turns;
