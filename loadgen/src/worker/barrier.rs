//! The barrier: no client begins before all are ready, or have ended.

use tokio::sync::watch;

use super::messages::{Message, MessageSender};

/// How far a run is, as all workers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not all are ready.
    Gathering,
    /// All begin, at this instant.
    Released {
        /// On the clock that all processes share.
        start_ns: u64,
    },
    /// Nobody begins anything more.
    Stopping,
}

/// The phase that the run is in; where nobody leads it any more, it is stopping.
pub(super) type Barrier = watch::Receiver<Phase>;

/// One client at the barrier; where it goes, in whatever way, it says [`Message::Ended`].
#[derive(Debug)]
pub(super) struct Participant {
    client: u32,
    barrier: Barrier,
    messages: MessageSender,
}

impl Participant {
    /// `client`, which waits at `barrier`; what it says goes to `messages`.
    pub(super) fn new(client: u32, barrier: Barrier, messages: MessageSender) -> Self {
        Self { client, barrier, messages }
    }

    /// Its number.
    pub(super) fn client(&self) -> u32 {
        self.client
    }

    /// Says `message`.
    pub(super) fn say(&self, message: Message) {
        // Nobody listens any more when the run was given up.
        let _ = self.messages.send((self.client, message));
    }

    /// Waits until everybody is ready, and tells when to begin; `None` where the run was given up.
    pub(super) async fn released(&mut self) -> Option<u64> {
        let phase = self.barrier.wait_for(|phase| *phase != Phase::Gathering).await.ok()?;
        match *phase {
            Phase::Released { start_ns } => Some(start_ns),
            Phase::Gathering | Phase::Stopping => None,
        }
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.say(Message::Ended);
    }
}
