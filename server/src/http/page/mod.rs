//! The pages: one self-contained document each, with its style and script in it, that asks this server for
//! anything and nobody else.
//!
//! - [`shop`]: what is left, and a form that buys, with a script or without.
//! - [`ticket`]: a receipt, with its QR code.
//! - [`operator`]: the sale and the door, for whoever has the token of admin calls.
//! - [`refusal`]: a problem, in words for people.
//! - [`document`]: what they share; [`figure`], [`qr`], [`address`]: what stands in them.
//!
//! A script adds what a form cannot: the live count, a hold, tickets that are listed again after a reload.
//! It reads what its page was rendered with from the markup, so a template and its script belong together.
//!
//! Browser tests find their way by ids, which stay: `count`, `warning`, `locking`, `quantity`, `buyer`, `buy`,
//! `hold`, `confirm`, `release`, `time-left`, `answers`, `kept-list`, `live-state`. `live-state` tells its state in
//! `data-state`: `loaded`, `live`, `polling`, `lost` or `behind`. A button that waits has `aria-disabled="true"` and
//! ignores presses.
//!
//! # Invariants
//! - Every value is escaped; only the constants of [`document::Assets`] go in as they are.
//! - The policy of a page names exactly its own two texts, so that a script which got in by any other way would
//!   not run.
//! - Every address in a page is relative: it works under any prefix that a proxy puts in front.

pub mod address;
pub mod document;
pub mod figure;
pub mod operator;
pub mod qr;
pub mod refusal;
pub mod shop;
pub mod ticket;

#[cfg(test)]
mod markup_tests;
