//! What the calls promise, one script a promise: holds, refunds, the door, the sale itself, and keys.

mod admissions;
mod holds;
mod keys;
mod refunds;
mod sale;
mod shared;
mod steps;
