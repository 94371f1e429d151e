//! What clients and workers say to whoever leads the run.

use std::thread::panicking;

use tokio::sync::mpsc;

use crate::tally::WorkerTally;

/// What is said, by a client or by the worker that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// A client has set up everything; it waits.
    Ready,
    /// A client says no more.
    Ended,
    /// A worker has counted this since the last time.
    Tally(Box<WorkerTally>),
    /// Something that people should know.
    Note(String),
    /// Something was done that nobody can read.
    Lost(String),
    /// A worker has said everything.
    Done,
    /// A worker is gone and has not said everything.
    Died,
}

/// What is said, each with the number of the client or of the worker that says it.
pub(crate) type MessageReceiver = mpsc::UnboundedReceiver<(u32, Message)>;

/// The way to say it.
pub(super) type MessageSender = mpsc::UnboundedSender<(u32, Message)>;

/// Says a worker's last message, on every way out; where it panics, that it has died.
#[derive(Debug)]
pub(super) struct LastMessage {
    /// Whose.
    pub(super) worker: u32,
    /// The way to say it.
    pub(super) messages: MessageSender,
    /// What it is.
    pub(super) message: Message,
}

impl Drop for LastMessage {
    fn drop(&mut self) {
        // Nobody listens any more when the run was given up.
        let say = |message| drop(self.messages.send((self.worker, message)));
        if panicking() {
            // With what it had recorded and not written.
            say(Message::Lost(format!("worker {} panicked", self.worker)));
            return say(Message::Died);
        }
        say(self.message.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_worker_that_panics_is_lost_and_dead() {
        let (messages, mut heard) = mpsc::unbounded_channel();
        let panicked = thread::spawn(move || {
            let _last = LastMessage { worker: 3, messages, message: Message::Done };
            panic!("on purpose");
        });
        panicked.join().unwrap_err();
        assert_eq!(heard.try_recv(), Ok((3, Message::Lost("worker 3 panicked".to_owned()))));
        assert_eq!(heard.try_recv(), Ok((3, Message::Died)));
        assert!(heard.try_recv().is_err());
    }
}
