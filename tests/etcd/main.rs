//! Counters in a real etcd cluster of three members: the engine by itself, and whole servers.

mod access;
mod campaign;
mod engine;
mod failures;
mod keeping;
mod seat;
mod servers;
