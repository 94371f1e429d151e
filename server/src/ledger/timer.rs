//! The time between tries, and how it is let pass: both are given by whoever runs it.

use std::time::{Duration, Instant};

/// A clock that only goes forward, and a rest by it.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    /// What the clock says.
    pub now: fn() -> Instant,
    /// Rests for so long.
    pub pause: fn(Duration),
}
