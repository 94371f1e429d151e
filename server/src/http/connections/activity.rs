//! Whether a connection is of use to anybody just now.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// How many ticks a connection that serves nothing is left alone, however many wait for a place.
const IDLE_TICKS: u32 = 2;

/// The time of an event loop in seconds, as exactly as idleness needs it.
#[derive(Clone, Debug, Default)]
pub struct Ticks(Arc<AtomicU32>);

/// What one connection is doing; its stream and its service tell.
///
/// One event loop writes and reads it, so no order is asked of the memory.
#[derive(Debug)]
pub struct Activity {
    ticks: Ticks,
    last: AtomicU32,
    requests: AtomicU32,
    listening: AtomicU32,
}

/// A request that is being served, for as long as this lives.
pub struct Serving(Arc<Activity>);

/// A client that listens, for as long as this lives.
pub struct Listening(Arc<Activity>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.note();
        self.0.listening.fetch_sub(1, Relaxed);
    }
}

impl Ticks {
    /// A second has passed.
    pub fn tick(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Activity {
    /// The activity of a connection that begins now.
    pub fn new(ticks: &Ticks) -> Self {
        Self {
            ticks: ticks.clone(),
            last: AtomicU32::new(ticks.0.load(Relaxed)),
            requests: AtomicU32::new(0),
            listening: AtomicU32::new(0),
        }
    }

    /// Something was read, or an answer is on its way.
    pub fn note(&self) {
        self.last.store(self.ticks.0.load(Relaxed), Relaxed);
    }

    /// A request is being served from now on.
    pub fn serve(self: &Arc<Self>) -> Serving {
        self.requests.fetch_add(1, Relaxed);
        Serving(Arc::clone(self))
    }

    /// What is being served has no end of its own: the client listens until it leaves.
    pub fn listen(self: &Arc<Self>) -> Listening {
        self.listening.fetch_add(1, Relaxed);
        Listening(Arc::clone(self))
    }

    /// Whether the client listens.
    pub fn is_listening(&self) -> bool {
        self.listening.load(Relaxed) > 0
    }

    /// Whether nothing is being served, and nothing was sent for a while.
    pub fn is_idle(&self) -> bool {
        let since = self.ticks.0.load(Relaxed).wrapping_sub(self.last.load(Relaxed));
        self.requests.load(Relaxed) == 0 && !self.is_listening() && since >= IDLE_TICKS
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.note();
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_once_nothing_was_served_or_sent_for_a_while() {
        let ticks = Ticks::default();
        let activity = Arc::new(Activity::new(&ticks));
        let pass = || (0..IDLE_TICKS).for_each(|_| ticks.tick());
        assert!(!activity.is_idle(), "it has just begun");
        pass();
        assert!(activity.is_idle());
        let serving = activity.serve();
        pass();
        assert!(!activity.is_idle(), "a request is being served");
        drop(serving);
        assert!(!activity.is_idle(), "its answer may be on its way");
        pass();
        assert!(activity.is_idle());
        let listening = activity.listen();
        pass();
        assert!(!activity.is_idle(), "a listener waits for news");
        drop(listening);
        pass();
        assert!(activity.is_idle(), "it has left");
    }
}
