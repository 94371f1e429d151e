//! What the calls promise, one script a promise, wherever the counter is kept: this runs in the suites of all engines.
//!
//! Where that is, `crate::counter` and `crate::programs` say.

mod admin;
mod admissions;
mod buy;
mod holds;
mod idempotency;
mod keys;
mod live;
mod receipts;
mod refunds;
mod sale;
pub(crate) mod sales_list;
mod search;
mod shared;
mod steps;
