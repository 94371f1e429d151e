//! Counters in a real etcd cluster of three members: the engine by itself, and whole servers.

mod access;
mod campaign;
mod clusters;
#[path = "../e2e/contract/mod.rs"]
mod contract;
mod counter;
mod engine;
mod failures;
mod keeping;
mod obstacles;
#[path = "../e2e/operator.rs"]
mod operator;
#[path = "../e2e/problem.rs"]
mod problem;
mod programs;
mod room;
#[path = "../e2e/sales.rs"]
mod sales;
mod seat;
mod servers;
