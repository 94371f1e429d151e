//! What a running server takes from its machine: the time, and chance.

use std::{
    io, thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::ledger::Timer;

/// The clock that nobody sets.
pub(super) const TIMER: Timer = Timer { now: Instant::now, pause: thread::sleep };

/// The time, in milliseconds since 1970 UTC.
pub(super) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Bytes that nobody can guess.
///
/// # Errors
/// What the system says.
pub(super) fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let length = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    // Up to 256 bytes come whole once the system has gathered randomness (getrandom(2)).
    assert_eq!(length, bytes.len(), "the system gave too few random bytes");
    Ok(bytes)
}
