//! Whether a connection is of use to anybody just now, and whom it waits for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

/// How many ticks a connection that waits for its client is left alone, however many wait for a place.
///
/// Short, for a crowd of slow clients gives way as fast as this; and long enough for a request that is on
/// its way, once the connection is open, to come from the other side of the world.
const IDLE_TICKS: u32 = 2;

/// The time of an event loop in half seconds, as exactly as idleness needs it.
#[derive(Clone, Debug, Default)]
pub struct Ticks(Arc<AtomicU32>);

/// What one connection is doing; its stream, its service and its bodies tell.
///
/// One event loop writes and reads it, so no order is asked of the memory.
#[derive(Debug)]
pub struct Activity {
    ticks: Ticks,
    /// When the client last did what the server waited for: began a head, ended one, got an answer.
    last: AtomicU32,
    requests: AtomicU32,
    listening: AtomicU32,
    /// Whether bytes came that no request was made of yet.
    head_begun: AtomicBool,
    /// Whether the request that is being served waits for more of its body.
    body_awaited: AtomicBool,
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
    /// Half a second has passed.
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
            head_begun: AtomicBool::new(false),
            body_awaited: AtomicBool::new(false),
        }
    }

    /// Bytes were read; gives whether they are the first of something.
    ///
    /// Only those count as activity: a client that sends a head byte by byte is of use to nobody.
    pub fn read(&self) -> bool {
        let begins = !self.head_begun.swap(true, Relaxed);
        if begins {
            self.note();
        }
        begins
    }

    /// What was read is done with, and was no request: a handshake.
    pub fn settle(&self) {
        self.note();
        self.head_begun.store(false, Relaxed);
    }

    /// A request is being served from now on.
    pub fn serve(self: &Arc<Self>) -> Serving {
        self.settle();
        self.requests.fetch_add(1, Relaxed);
        Serving(Arc::clone(self))
    }

    /// What is being served has no end of its own: the client listens until it leaves.
    pub fn listen(self: &Arc<Self>) -> Listening {
        self.listening.fetch_add(1, Relaxed);
        Listening(Arc::clone(self))
    }

    /// Whether the request that is being served waits for more of its body.
    pub fn await_body(&self, is_awaited: bool) {
        self.body_awaited.store(is_awaited, Relaxed);
    }

    /// Whether the client listens.
    pub fn is_listening(&self) -> bool {
        self.listening.load(Relaxed) > 0
    }

    /// Whether a part of a head was read, and its rest is waited for.
    pub fn is_head_begun(&self) -> bool {
        self.head_begun.load(Relaxed) && self.requests.load(Relaxed) == 0
    }

    /// Whether the server has waited for the client for a while: for a request, for the rest of one, or
    /// until it takes its answer. Whoever listens is waited for by nobody.
    pub fn is_idle(&self) -> bool {
        let since = self.ticks.0.load(Relaxed).wrapping_sub(self.last.load(Relaxed));
        let is_served = self.requests.load(Relaxed) > 0 && !self.body_awaited.load(Relaxed);
        !is_served && !self.is_listening() && since >= IDLE_TICKS
    }

    fn note(&self) {
        self.last.store(self.ticks.0.load(Relaxed), Relaxed);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.settle();
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(ticks: &Ticks) {
        (0..IDLE_TICKS).for_each(|_| ticks.tick());
    }

    #[test]
    fn a_connection_is_idle_once_nothing_was_served_or_sent_for_a_while() {
        let ticks = Ticks::default();
        let activity = Arc::new(Activity::new(&ticks));
        assert!(!activity.is_idle(), "it has just begun");
        pass(&ticks);
        assert!(activity.is_idle());
        let serving = activity.serve();
        pass(&ticks);
        assert!(!activity.is_idle(), "a request is being served");
        drop(serving);
        assert!(!activity.is_idle(), "its answer may be on its way");
        pass(&ticks);
        assert!(activity.is_idle());
        let listening = activity.listen();
        pass(&ticks);
        assert!(!activity.is_idle(), "a listener waits for news");
        drop(listening);
        pass(&ticks);
        assert!(activity.is_idle(), "it has left");
    }

    #[test]
    fn a_client_that_dribbles_is_idle_all_the_same() {
        let ticks = Ticks::default();
        let activity = Arc::new(Activity::new(&ticks));
        pass(&ticks);
        assert!(activity.read(), "a head begins");
        assert!(!activity.is_idle() && activity.is_head_begun());
        pass(&ticks);
        assert!(!activity.read(), "it goes on");
        assert!(activity.is_idle(), "for too long");

        let serving = activity.serve();
        assert!(!activity.is_idle() && !activity.is_head_begun(), "the head is whole");
        activity.await_body(true);
        pass(&ticks);
        activity.read();
        pass(&ticks);
        activity.read();
        assert!(activity.is_idle(), "the body is not");
        activity.await_body(false);
        assert!(!activity.is_idle(), "now it is");
        drop(serving);
        assert!(!activity.is_head_begun(), "what was read was the body");
    }
}
