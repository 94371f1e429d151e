//! What a child process writes on one of its streams, collected while it runs.

use std::{
    io::Read,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The bytes so far of one stream of a child process; a thread of its own reads it to the end.
#[derive(Clone)]
pub struct Output {
    shared: Arc<Shared>,
}

struct Shared {
    // Held for an append or a copy only; a std mutex, since nothing awaits here.
    collected: Mutex<Collected>,
    grew: Condvar,
}

#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    ended: bool,
}

impl Output {
    /// Starts to read `stream`.
    pub fn collect(mut stream: impl Read + Send + 'static) -> Output {
        let output = Output {
            shared: Arc::new(Shared { collected: Mutex::default(), grew: Condvar::new() }),
        };
        let writer = output.clone();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                let read = stream.read(&mut chunk).unwrap_or(0);
                writer.append(&chunk[..read]);
                if read == 0 {
                    return;
                }
            }
        });
        output
    }

    /// All that was read so far; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        let collected = self.shared.collected.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&collected.bytes).into_owned()
    }

    /// Waits for a whole line that `pick` takes something from.
    ///
    /// `None` when the stream ended, or `limit` ran out, before there was one.
    pub fn find_line<T>(&self, limit: Duration, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.wait(limit, |collected| {
            let text = String::from_utf8_lossy(&collected.bytes);
            text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).find_map(&pick)
        })
    }

    /// Waits until the stream has ended; false when `limit` ran out first, as it does where a
    /// grandchild keeps the stream open.
    pub fn wait_for_end(&self, limit: Duration) -> bool {
        self.wait(limit, |collected| collected.ended.then_some(())).is_some()
    }

    fn append(&self, chunk: &[u8]) {
        let mut collected = self.shared.collected.lock().unwrap_or_else(PoisonError::into_inner);
        collected.bytes.extend_from_slice(chunk);
        collected.ended |= chunk.is_empty();
        self.shared.grew.notify_all();
    }

    fn wait<T>(&self, limit: Duration, probe: impl Fn(&Collected) -> Option<T>) -> Option<T> {
        let started = Instant::now();
        let mut collected = self.shared.collected.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = probe(&collected);
            let left = limit.saturating_sub(started.elapsed());
            if found.is_some() || collected.ended || left.is_zero() {
                return found;
            }
            collected = self
                .shared
                .grew
                .wait_timeout(collected, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
