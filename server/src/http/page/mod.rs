//! The page at `/`: what is left, large and live, a button that buys, and the last answers.
//!
//! One self-contained document: style and script stand in it, the icon is a `data:` address, and the
//! browser asks this server for `/live`, `/buy` and `/search` and nobody else for anything. Without
//! a script it still shows the count it was rendered with, and says how to buy with curl.
//!
//! Browser tests find their way by these ids, which stay: `count`, `sold`, `revision`, `locking`,
//! `warning`, `quantity`, `buy`, `answers`, `live-state`. `count`, `sold` and `revision` are
//! `<data>` elements: the bare number is their `value`, their text groups digits from 10,000 on.
//! `warning` is there always, and `hidden` when there is nothing to warn of. `buy` stays pressable
//! at zero, because the counter decides and not the page; while it waits it has `aria-busy="true"`
//! and ignores presses. `live-state` tells its state in `data-state`: `loaded`, `live`,
//! `reconnecting` or `behind`.
//!
//! # Invariants
//! - Every value is escaped; only the two constants `STYLE` and `SCRIPT` go in as they are.
//! - The header that [`content_security_policy`] gives names exactly those two texts, so that a
//!   script which got in by any other way would not run.
//!
//! Which locking deserves a warning, and its words, are the caller's.

mod render;

pub use render::{PageView, content_security_policy, render};
