//! What the clients of one worker share: the open operations, the count and the history.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::{
    pacer::Pacer,
    plan::{Record, WorkerPlan},
    seat::{Report, Voice},
};
use crate::{
    history::{Answer, HistoryWriter, Operation, Outcome, monotonic_ns},
    plan::{Action, Step},
    tally::{Ending, Seen, WorkerTally},
    target::Returned,
};

/// An operation that was begun and has not ended.
#[derive(Debug)]
struct Open {
    step: Step,
    due_ns: u64,
    sent_ns: u64,
    key: Option<String>,
}

#[derive(Debug)]
struct Book {
    tally: WorkerTally,
    open: Vec<Option<Open>>,
    writer: Option<HistoryWriter>,
}

/// What the clients of one worker share.
#[derive(Debug)]
pub(super) struct Desk {
    /// What the worker is to do.
    pub(super) plan: WorkerPlan,
    /// Wakes its clients.
    pub(super) pacer: Pacer,
    is_stopping: AtomicBool,
    book: Mutex<Book>,
    voice: Voice,
}

impl Desk {
    /// Opens what the worker needs; what it says goes to `voice`.
    ///
    /// # Errors
    /// The system gives no timer, or the history cannot be opened.
    pub(super) fn open(plan: WorkerPlan, voice: Voice) -> std::io::Result<Self> {
        let clients = plan.clients().count();
        let writer = match &plan.record {
            Record::History { path, room, at_once } => {
                Some(HistoryWriter::open(path, *room, *at_once)?)
            }
            Record::Told | Record::Nowhere => None,
        };
        let open = std::iter::repeat_with(|| None).take(clients).collect();
        Ok(Self {
            pacer: Pacer::new(clients)?,
            is_stopping: AtomicBool::new(false),
            book: Mutex::new(Book { tally: WorkerTally::default(), open, writer }),
            plan,
            voice,
        })
    }

    /// Whether nobody is to begin anything more.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Lets nobody begin anything more.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.pacer.close();
    }

    /// `client` begins `step` at `sent_ns`, which was due at `due_ns`.
    pub(super) fn begin(
        &self,
        client: u32,
        step: Step,
        (due_ns, sent_ns): (u64, u64),
        key: Option<String>,
    ) {
        let mut book = self.book();
        if step.is_counted {
            book.tally.begin();
        }
        book.open[self.plan.slot(client)] = Some(Open { step, due_ns, sent_ns, key });
    }

    /// What `client` has begun came back at `answered_ns`.
    pub(super) fn end(&self, client: u32, returned: Returned, answered_ns: u64) {
        let mut book = self.book();
        let Some(open) = book.open[self.plan.slot(client)].take() else { return };
        let Returned { answer, has_failed, .. } = returned;
        let tally = &mut book.tally;
        if open.step.is_counted {
            tally.end(&Seen {
                ending: ending(&answer, has_failed),
                cause: answer.reason.as_deref(),
                due_ns: open.due_ns,
                sent_ns: open.sent_ns,
                answered_ns,
            });
        }
        if let Some(left) = answer.remaining {
            tally.see_left(answered_ns, left);
        }
        let (call_ns, key) = (open.sent_ns, open.key);
        let operation = match open.step.action {
            Action::Buy => Operation::buy(client, call_ns, answered_ns, answer),
            Action::Search => Operation::search(client, call_ns, answered_ns, answer),
        };
        // By what was asked for: another shop may sell without a word on which tickets.
        if operation.outcome == Outcome::Sold {
            book.tally.sold_ever += operation.quantity.unwrap_or(0);
        }
        self.record(&mut book, client, Operation { key, ..operation });
    }

    /// An operation was due at `due_ns` and is not begun, since all is over at `now_ns`.
    pub(super) fn leave_unsent(&self, due_ns: u64, now_ns: u64) {
        self.book().tally.leave_unsent(due_ns, now_ns);
    }

    /// Says what was counted since the last time.
    pub(super) fn report(&self) {
        let mut book = self.book();
        if let Some(writer) = &mut book.writer
            && let Err(error) = writer.flush()
        {
            self.lose_history(&mut book, &error);
        }
        let tally = book.tally.take();
        drop(book);
        self.say(Report::Tally(Box::new(tally)));
    }

    /// Ends what is still open, as unknown: nobody waits for it any more.
    pub(super) fn close(&self) {
        let left_open: Vec<u32> = {
            let book = self.book();
            self.plan
                .clients()
                .filter(|client| book.open[self.plan.slot(*client)].is_some())
                .collect()
        };
        for client in left_open {
            let answer = Answer::unknown("given up when the run was stopped");
            let returned = Returned { answer, has_failed: true, is_passing: false };
            self.end(client, returned, monotonic_ns());
        }
        self.report();
    }

    /// Says `report` for the worker.
    pub(super) fn say(&self, report: Report) {
        // Nobody listens any more when the run was given up.
        let _ = self.voice.send((self.plan.worker, report));
    }

    fn record(&self, book: &mut Book, client: u32, operation: Operation) {
        if self.plan.record == Record::Told {
            let _ = self.voice.send((client, Report::Operation(operation)));
            return;
        }
        match book.writer.as_mut().map(|writer| writer.write(&operation)) {
            Some(Ok(true)) => {}
            Some(Err(error)) => self.lose_history(book, &error),
            Some(Ok(false)) | None => book.tally.unrecorded += 1,
        }
    }

    fn lose_history(&self, book: &mut Book, error: &std::io::Error) {
        let lost = book.writer.take().map_or(0, |writer| writer.in_block());
        book.tally.unrecorded += lost;
        self.say(Report::Note(format!("the history cannot be written: {error}")));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ending(answer: &Answer, has_failed: bool) -> Ending {
    match answer.outcome {
        Outcome::Sold => Ending::Sold,
        Outcome::SoldOut => Ending::SoldOut,
        Outcome::Found | Outcome::Done => Ending::Found,
        Outcome::Refused if has_failed => Ending::Error,
        Outcome::Refused => Ending::Refused,
        Outcome::Unknown => Ending::Unknown,
    }
}
