//! The way of the answers back: one message for each turn and event loop.
//!
//! Waking an event loop from the committer's thread costs a system call; so the
//! committer sends all answers of a turn in one message to each loop, and the
//! loop's own mailman hands them out.

use tokio::sync::{mpsc, oneshot};

use crate::counter::Answer;

/// One answer and where it goes.
pub struct Letter {
    /// Who waits for it.
    pub to: oneshot::Sender<Answer>,
    /// The answer.
    pub answer: Answer,
}

/// Where the committer puts the letters for one event loop.
#[derive(Clone, Debug)]
pub struct Mailbox {
    letters: mpsc::UnboundedSender<Vec<Letter>>,
    index: usize,
}

/// Hands out the letters of one event loop; runs on that loop.
#[derive(Debug)]
pub struct Mailman {
    letters: mpsc::UnboundedReceiver<Vec<Letter>>,
}

impl Mailbox {
    /// The mailbox of the event loop `index`, and its mailman.
    pub fn new(index: usize) -> (Self, Mailman) {
        // Unbounded, but never longer than the desk's queue, which is bounded.
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { letters: sender, index }, Mailman { letters: receiver })
    }

    /// Which event loop it is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Puts letters in.
    pub fn post(&self, letters: Vec<Letter>) {
        // An event loop that has ended has nobody waiting any more.
        let _ = self.letters.send(letters);
    }
}

impl Mailman {
    /// Hands out letters until every mailbox is gone.
    pub async fn run(mut self) {
        while let Some(letters) = self.letters.recv().await {
            for Letter { to, answer } in letters {
                // Whoever has gone away does not need the answer.
                let _ = to.send(answer);
            }
        }
    }
}
