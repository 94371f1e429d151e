//! The way of the answers back: one message for each batch and event loop.
//!
//! Waking an event loop from the committer's thread costs a system call; so the
//! committer sends all answers of a batch in one message to each loop, and a task
//! on the loop hands them out.

use tokio::sync::{mpsc, oneshot};

use crate::counter::{Answer, queue};

/// Who waits for an answer, and on which event loop.
#[derive(Debug)]
pub struct ReplyTo {
    /// The way to whoever waits.
    pub to: oneshot::Sender<Answer>,
    /// The event loop.
    pub event_loop: usize,
}

impl queue::Recipient for ReplyTo {
    fn is_gone(&self) -> bool {
        self.to.is_closed()
    }
}

/// Where the answers for one event loop go.
#[derive(Clone, Debug)]
pub struct ReplyChannel {
    answers: mpsc::UnboundedSender<Vec<(ReplyTo, Answer)>>,
    index: usize,
}

/// Hands out the answers of one event loop; runs on that loop.
#[derive(Debug)]
pub struct ReplyDelivery {
    answers: mpsc::UnboundedReceiver<Vec<(ReplyTo, Answer)>>,
}

impl ReplyChannel {
    /// The channel of the event loop `index`, and what hands out its answers.
    pub fn new(index: usize) -> (Self, ReplyDelivery) {
        // Unbounded, but never longer than the queue, which is bounded.
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { answers: sender, index }, ReplyDelivery { answers: receiver })
    }

    /// Which event loop it is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Sends answers.
    pub fn send(&self, answers: Vec<(ReplyTo, Answer)>) {
        // An event loop that has ended has nobody waiting any more.
        let _ = self.answers.send(answers);
    }
}

impl ReplyDelivery {
    /// Hands out answers until every channel is gone.
    pub async fn run(mut self) {
        while let Some(answers) = self.answers.recv().await {
            for (recipient, answer) in answers {
                // Whoever has gone away does not need the answer.
                let _ = recipient.to.send(answer);
            }
        }
    }
}
