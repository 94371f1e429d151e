//! The lab: real workers, driven over HTTP, by a replay, and in a real Chromium.

mod access;
mod agreement;
mod left_behind;
mod page;
mod replay;
mod running;
mod workers;
