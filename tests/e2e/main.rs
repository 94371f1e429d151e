//! The end-to-end tests, one module a behaviour.

mod bad_counters;
mod bad_requests;
mod bench;
mod buy;
mod crashes;
mod harness;
mod idempotency;
mod kills;
mod lesson_modes;
mod live;
mod lock_timeouts;
mod page;
mod problem;
mod programs;
mod race;
mod race_processes;
mod receipts;
mod replaced_counters;
mod sales;
mod search;
mod sharing;
mod shutdown;
mod start;
mod strace;
mod tidy;
