//! The advisory lock on `db.txt`, taken by somebody who is no server.

use std::fs::{File, TryLockError};

use crate::counter::Counter;

/// The lock as an outside program holds it; freed when it is dropped.
pub struct OutsideLock {
    // Closing the file frees the lock: nobody else has this open file description.
    _file: File,
}

impl OutsideLock {
    /// Takes the lock on `counter`'s `db.txt`, waiting for whoever holds it.
    ///
    /// # Panics
    /// When the system refuses.
    #[track_caller]
    pub fn take(counter: &Counter) -> OutsideLock {
        let file = File::open(counter.path()).expect("db.txt can be opened");
        file.lock().expect("db.txt can be locked");
        OutsideLock { _file: file }
    }

    /// Whether somebody holds the lock on `counter`'s `db.txt` right now.
    ///
    /// # Panics
    /// When the system refuses.
    #[track_caller]
    pub fn is_held(counter: &Counter) -> bool {
        let file = File::open(counter.path()).expect("db.txt can be opened");
        match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(cause)) => panic!("db.txt can be locked: {cause}"),
        }
    }

    /// The pid that the system names as the holder.
    pub fn holder(&self) -> u32 {
        std::process::id()
    }
}
