//! The committer: one thread that takes turns at the ledger for all who wait.

use std::{
    mem,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    counter::{
        Answer, Desk, Mailbox, Refusal,
        queue::{Waiting, Wake},
        replies::Letter,
    },
    ledger::{Ledger, LedgerError},
};

/// After how long without a request the ledger may rest.
const REST_AFTER: Duration = Duration::from_secs(1);

/// How long to wait before the next try where a turn could not be taken.
const RETRY: Duration = Duration::from_millis(20);

/// Takes turns at a ledger for everybody at a desk.
pub struct Committer<L> {
    desk: Arc<Desk>,
    ledger: L,
    mailboxes: Vec<Mailbox>,
}

/// Closes the desk when the committer ends, however it ends: nobody waits for ever.
struct LastWord(Arc<Desk>);

impl Drop for LastWord {
    fn drop(&mut self) {
        let refusal = self.0.closed().unwrap_or(Refusal::NotSold("the committer stopped".into()));
        self.0.turn_away(&refusal);
    }
}

impl<L: Ledger> Committer<L> {
    /// A committer that answers through `mailboxes`, one for each event loop.
    pub fn new(desk: Arc<Desk>, ledger: L, mailboxes: Vec<Mailbox>) -> Self {
        Self { desk, ledger, mailboxes }
    }

    /// Sells until the desk is closed and nobody waits, or until a write fails.
    pub fn run(mut self) {
        let _last_word = LastWord(Arc::clone(&self.desk));
        let mut restless = true;
        loop {
            match self.desk.wait(restless.then_some(REST_AFTER)) {
                Wake::Work => {
                    restless = true;
                    if let Err(cause) = self.take_turn() {
                        return self.poison(&cause);
                    }
                }
                Wake::Rest | Wake::End if restless => {
                    restless = false;
                    match self.ledger.rest() {
                        Err(error) if error.may_have_written() => return self.poison(&error),
                        Err(error) => tracing::debug!("no rest: {error}"),
                        Ok(()) => {}
                    }
                }
                Wake::Rest => {}
                Wake::End => return,
            }
        }
    }

    /// One turn for all who wait.
    ///
    /// # Errors
    /// The error after which nothing may be sold any more.
    fn take_turn(&mut self) -> Result<(), LedgerError> {
        let mut taken_in: Vec<Waiting> = Vec::new();
        let mut outcomes = Vec::new();
        let start = Instant::now();
        let turn = self.ledger.turn(&mut |draft| {
            outcomes.clear();
            if taken_in.is_empty() {
                // IMPORTANT: only now, with the lock held: who came while we
                // waited for it is served too, and who was withdrawn is not.
                taken_in = self.desk.take_in(draft.room_bytes());
            }
            outcomes.extend(taken_in.iter().map(|waiting| draft.apply(&waiting.request)));
        });
        match turn {
            Ok(stock) => {
                self.desk.note_turn(stock, taken_in.len(), start.elapsed());
                let answers = outcomes.into_iter().map(Ok);
                self.post(taken_in, answers);
                Ok(())
            }
            Err(error) if error.may_have_written() => {
                let refusal = Refusal::Unknown(error.to_string().into());
                self.post(taken_in, std::iter::repeat_with(|| Err(refusal.clone())));
                Err(error)
            }
            Err(error) => {
                let cause: Arc<str> = error.to_string().into();
                if self.desk.set_obstacle(&cause) {
                    tracing::warn!("nothing can be sold: {cause}");
                }
                let refusal = Refusal::NotSold(cause);
                self.post(taken_in, std::iter::repeat_with(|| Err(refusal.clone())));
                thread::sleep(RETRY);
                Ok(())
            }
        }
    }

    fn post(&self, taken_in: Vec<Waiting>, answers: impl Iterator<Item = Answer>) {
        let mut letters: Vec<Vec<Letter>> = self.mailboxes.iter().map(|_| Vec::new()).collect();
        for (waiting, answer) in taken_in.into_iter().zip(answers) {
            let mailbox = waiting.mailbox;
            letters[mailbox].push(waiting.letter(answer));
        }
        for (mailbox, letters) in self.mailboxes.iter().zip(&mut letters) {
            if !letters.is_empty() {
                mailbox.post(mem::take(letters));
            }
        }
    }

    /// Stops selling: after a failed write or sync nobody knows what is on the disk.
    fn poison(&self, error: &LedgerError) {
        tracing::error!("no more sales until a restart has recovered: {error}");
        let cause = format!("no more sales until a restart has recovered: {error}");
        self.desk.turn_away(&Refusal::NotSold(cause.into()));
    }
}
