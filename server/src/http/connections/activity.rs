//! What a connection is doing: whom it waits for, and whether it can be given to somebody else.

use std::{
    cmp::Reverse,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};

/// For how many ticks a client that was answered may let the server wait, however many want its place.
///
/// Long enough for a request that is on its way to come from the other side of the world.
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
    /// How many answers that are made while they are sent are not whole yet.
    sending: AtomicU32,
    /// Whether bytes came that no request was made of yet.
    head_begun: AtomicBool,
    /// Whether the request that is being served waits for more of its body.
    body_awaited: AtomicBool,
    /// Whether the request that is being served has a body that was not read to its end.
    has_unread_body: AtomicBool,
    /// How many requests were answered.
    answers: AtomicU32,
    /// Whether the client does not take what is written to it.
    is_blocked: AtomicBool,
    /// Whether the last answer was written, and nothing but the client's end is waited for.
    is_over: AtomicBool,
}

/// Why a connection can be given to somebody else; who goes first stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dispensable {
    /// Its client has all its answers.
    Over,
    /// Its client has let the server wait for a while, for so many ticks.
    Idle(Reverse<u32>),
    /// Its client has not sent all that its first answer needs, or does not take what is written to it.
    Slow,
    /// Its client has so many answers, and may come back.
    Kept(u32),
}

/// A request that is being served, for as long as this lives.
pub struct Serving(Arc<Activity>);

impl Serving {
    /// Whether its connection may end with the answer: not all of its body was read.
    pub fn has_unread_body(&self) -> bool {
        self.0.has_unread_body.load(Relaxed)
    }
}

/// A client that listens, for as long as this lives.
pub struct Listening(Arc<Activity>);

/// An answer that is made while it is sent, for as long as this lives.
pub struct Sending(Arc<Activity>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.note();
        self.0.sending.fetch_sub(1, Relaxed);
    }
}

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
            sending: AtomicU32::new(0),
            head_begun: AtomicBool::new(false),
            body_awaited: AtomicBool::new(false),
            has_unread_body: AtomicBool::new(false),
            answers: AtomicU32::new(0),
            is_blocked: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
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

    /// What is being served is sent piece by piece: whoever does not take it in time is given up by its stream.
    pub fn send(self: &Arc<Self>) -> Sending {
        self.sending.fetch_add(1, Relaxed);
        Sending(Arc::clone(self))
    }

    /// Whether the request that is being served waits for more of its body.
    pub fn await_body(&self, is_awaited: bool) {
        self.body_awaited.store(is_awaited, Relaxed);
    }

    /// Whether the request that is being served has a body of which something is left to read.
    pub fn leave_body(&self, is_left: bool) {
        self.has_unread_body.store(is_left, Relaxed);
    }

    /// Whether the client listens.
    pub fn is_listening(&self) -> bool {
        self.listening.load(Relaxed) > 0
    }

    /// Whether bytes came that are not the whole of anything yet.
    pub fn is_begun(&self) -> bool {
        self.head_begun.load(Relaxed)
    }

    /// Whether a part of a head was read, and its rest is waited for.
    pub fn is_head_begun(&self) -> bool {
        self.is_begun() && self.requests.load(Relaxed) == 0
    }

    /// Whether the client does not take what is written to it.
    pub fn block(&self, is_blocked: bool) {
        self.is_blocked.store(is_blocked, Relaxed);
    }

    /// The last answer was written; only the client's end is waited for.
    pub fn end(&self) {
        self.is_over.store(true, Relaxed);
    }

    /// Whether the connection can be given to somebody else, and why.
    ///
    /// The server may be waiting for its client: for a request, for the rest of one, or until it takes its answer.
    /// Whoever listens is waited for by nobody, and who is being sent a long answer by its stream alone.
    pub fn dispensable(&self) -> Option<Dispensable> {
        let is_served = self.requests.load(Relaxed) > 0 && !self.body_awaited.load(Relaxed);
        if is_served || self.is_listening() || self.sending.load(Relaxed) > 0 {
            return None;
        }
        let idle_ticks = self.ticks.0.load(Relaxed).wrapping_sub(self.last.load(Relaxed));
        let answers = self.answers.load(Relaxed);
        Some(if self.is_over.load(Relaxed) {
            Dispensable::Over
        } else if idle_ticks >= IDLE_TICKS {
            Dispensable::Idle(Reverse(idle_ticks))
        } else if answers == 0 || self.is_blocked.load(Relaxed) {
            Dispensable::Slow
        } else {
            Dispensable::Kept(answers)
        })
    }

    fn note(&self) {
        self.last.store(self.ticks.0.load(Relaxed), Relaxed);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.settle();
        self.0.answers.fetch_add(1, Relaxed);
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(ticks: &Ticks) {
        (0..IDLE_TICKS).for_each(|_| ticks.tick());
    }

    const IDLE: Option<Dispensable> = Some(Dispensable::Idle(Reverse(IDLE_TICKS)));

    #[test]
    fn a_connection_is_idle_once_nothing_was_served_or_sent_for_a_while() {
        let ticks = Ticks::default();
        let activity = Arc::new(Activity::new(&ticks));
        assert_eq!(activity.dispensable(), Some(Dispensable::Slow), "it has just begun");
        pass(&ticks);
        assert_eq!(activity.dispensable(), IDLE);
        let serving = activity.serve();
        pass(&ticks);
        assert_eq!(activity.dispensable(), None, "a request is being served");
        drop(serving);
        assert_eq!(activity.dispensable(), Some(Dispensable::Kept(1)), "its answer is on its way");
        pass(&ticks);
        assert_eq!(activity.dispensable(), IDLE);
        let listening = activity.listen();
        pass(&ticks);
        assert_eq!(activity.dispensable(), None, "a listener waits for news");
        drop(listening);
        pass(&ticks);
        assert_eq!(activity.dispensable(), IDLE, "it has left");
        let sending = activity.send();
        activity.block(true);
        pass(&ticks);
        assert_eq!(
            activity.dispensable(),
            None,
            "its answer is on its way, however long that takes"
        );
        drop(sending);
        assert_eq!(activity.dispensable(), Some(Dispensable::Slow), "it has the end of it to take");
    }

    #[test]
    fn who_was_never_answered_and_who_takes_no_answer_go_ahead_of_who_may_come_back() {
        let activity = Arc::new(Activity::new(&Ticks::default()));
        activity.read();
        assert_eq!(activity.dispensable(), Some(Dispensable::Slow), "a head begins");
        let serving = activity.serve();
        assert_eq!(activity.dispensable(), None, "the head is whole");
        activity.await_body(true);
        assert_eq!(activity.dispensable(), Some(Dispensable::Slow), "the body is not");
        activity.await_body(false);
        drop(serving);
        assert_eq!(activity.dispensable(), Some(Dispensable::Kept(1)), "it was answered");
        activity.block(true);
        assert_eq!(activity.dispensable(), Some(Dispensable::Slow), "and does not read that");
        activity.block(false);
        drop(activity.serve());
        assert_eq!(activity.dispensable(), Some(Dispensable::Kept(2)));
        activity.end();
        assert_eq!(activity.dispensable(), Some(Dispensable::Over), "for the last time");
        assert!(
            Dispensable::Slow < Dispensable::Kept(1) && Dispensable::Kept(1) < Dispensable::Kept(2)
        );
    }

    #[test]
    fn a_client_that_dribbles_is_idle_all_the_same() {
        let ticks = Ticks::default();
        let activity = Arc::new(Activity::new(&ticks));
        drop(activity.serve());
        pass(&ticks);
        assert!(activity.read(), "a head begins");
        assert_eq!(activity.dispensable(), Some(Dispensable::Kept(1)));
        assert!(activity.is_head_begun());
        pass(&ticks);
        assert!(!activity.read(), "it goes on");
        assert_eq!(activity.dispensable(), IDLE, "for too long");

        let serving = activity.serve();
        assert!(activity.dispensable().is_none() && !activity.is_head_begun(), "it is whole");
        activity.await_body(true);
        pass(&ticks);
        activity.read();
        pass(&ticks);
        activity.read();
        assert_eq!(activity.dispensable(), IDLE, "the body is not");
        activity.await_body(false);
        assert_eq!(activity.dispensable(), None, "now it is");
        drop(serving);
        assert!(!activity.is_head_begun(), "what was read was the body");
    }
}
