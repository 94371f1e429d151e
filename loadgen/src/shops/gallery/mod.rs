//! The gallery: one file a shop. `catalogue`: all of them.
//!
//! Each has one bug that real systems had, and a twin without it: wherever `is_mended` stands is the
//! difference between both.

mod allotment_back_twice;
mod check_outside_lock;
mod count_in_cache;
mod decrement_without_check;
mod hold_lapses_in_confirm;
mod key_after_sale;
mod lock_in_one_process;
mod numbers_from_count;
mod refund_frees_twice;
mod replaced_file;
mod restock_lost;
mod retry_sells_twice;
mod sold_out_remembered;
mod stale_replica;
mod unlock_before_flush;

mod catalogue;

pub(super) use catalogue::{EXHIBITS, named};
