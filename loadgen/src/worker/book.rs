//! The book of one worker: the operations that are open, the count, and the history.
//!
//! A worker in this process writes its book itself. One in a process of its own writes on a slate what
//! its clients have open and what has ended, and whoever leads the run takes that over into the book.

use std::{io, sync::Arc};

use super::{
    entry::{Begun, Entry},
    plan::{Record, WorkerPlan},
    seat::{Report, Voice},
    slate::{SlateError, SlateReader},
};
use crate::{
    history::{Answer, HistoryWriter, Operation, Outcome, monotonic_ns},
    plan::Action,
    shop::{Address, Order, Reading, Reply, Returned},
    tally::{Ending, Seen, WorkerTally},
};

/// Why nobody knows how an operation ended that was open when a run was stopped.
pub(super) const GIVEN_UP: &str = "given up when the run was stopped";

/// Why nobody knows it where the worker has gone before it ended.
pub(crate) const WORKER_IS_GONE: &str = "its worker is gone";

/// Why nobody knows it where the worker has told of the next one only.
const LOST: &str = "its worker did not tell how it ended";

/// What is known of a client.
#[derive(Debug, Default)]
struct Account {
    /// How many operations it has begun.
    begun: u64,
    /// The last one, where it has not ended.
    open: Option<Begun>,
}

/// What the clients of one worker have done.
#[derive(Debug)]
pub(super) struct Book {
    plan: Arc<WorkerPlan>,
    voice: Voice,
    tally: WorkerTally,
    accounts: Vec<Account>,
    writer: Option<HistoryWriter>,
    /// One for each address.
    readings: Vec<Reading>,
    /// As the plan says, looked up once.
    sends_keys: bool,
    quantity: u64,
}

impl Book {
    /// The book of the worker that carries out `plan`; what it says goes to `voice`.
    ///
    /// # Errors
    /// The history cannot be opened.
    pub(super) fn new(plan: Arc<WorkerPlan>, voice: Voice) -> io::Result<Self> {
        let writer = match &plan.record {
            Record::History { path, room } => Some(HistoryWriter::open(path, *room)?),
            Record::Told | Record::Nowhere => None,
        };
        let accounts = plan.clients().map(|_| Account::default()).collect();
        let readings = plan.addresses.iter().map(Address::reading).collect();
        let (sends_keys, quantity) = (plan.sends_keys(), plan.quantity());
        let tally = WorkerTally::default();
        Ok(Self { plan, voice, tally, accounts, writer, readings, sends_keys, quantity })
    }

    /// Takes over what a worker in another process has written on its `slate` since the last time, says
    /// what was counted where there is anything, and returns how full the slate was, from 0 to 1.
    ///
    /// # Errors
    /// The slate is garbled: nothing more can be read.
    pub(super) fn take_over(&mut self, slate: &mut SlateReader) -> Result<f64, SlateError> {
        // IMPORTANT: the rows before the entries: what none of these ends is open.
        let rows: Vec<_> = self.plan.clients().zip(slate.rows()).collect();
        let mut has_news = false;
        let fill = slate.read(|entry| {
            has_news = true;
            self.enter(entry);
        });
        for (client, row) in rows {
            has_news |= row.is_some_and(|begun| self.begin(client, begun));
        }
        if has_news {
            self.report();
        }
        fill
    }

    /// Enters what a worker in another process has written down; what makes no sense is lost.
    fn enter(&mut self, entry: Entry<'_>) {
        if let Entry::Answered { client, begun, .. } | Entry::Ended { client, begun, .. } = entry
            && !self.has_open(client, begun)
        {
            let (worker, number) = (self.plan.worker, begun.number);
            let text = format!("worker {worker} told of operation {number} of client {client}");
            return self.say(worker, Report::Lost(text));
        }
        match entry {
            Entry::Answered { client, reply, .. } => self.answer(client, reply),
            Entry::Ended { client, answer, has_failed, answered_ns, .. } => {
                self.end(client, answer, has_failed, answered_ns);
            }
            Entry::Unsent { due_ns, now_ns } => self.leave_unsent(due_ns, now_ns),
        }
    }

    /// Whether `client` is one of this worker's and has this operation open; it is begun where that is
    /// not known yet.
    fn has_open(&mut self, client: u32, begun: Begun) -> bool {
        if !self.plan.has(client) {
            return false;
        }
        self.begin(client, begun);
        let open = self.accounts[self.plan.slot(client)].open;
        open.is_some_and(|open| open.number == begun.number)
    }

    /// `client` has `begun` an operation; says whether that is news.
    pub(super) fn begin(&mut self, client: u32, begun: Begun) -> bool {
        let slot = self.plan.slot(client);
        if begun.number < self.accounts[slot].begun {
            return false;
        }
        // One that is still open has ended, and nobody will say how.
        self.finish(client, Answer::unknown(LOST), true, monotonic_ns());
        self.accounts[slot] = Account { begun: begun.number + 1, open: Some(begun) };
        if begun.is_counted {
            self.tally.begin();
        }
        true
    }

    /// What `client` has begun, if anything, was answered with `reply`.
    pub(super) fn answer(&mut self, client: u32, reply: Reply<'_>) {
        let Some(open) = &self.accounts[self.plan.slot(client)].open else { return };
        let reading = &self.readings[self.plan.place_of_address(client)];
        let Returned { answer, has_failed, .. } = reading.read(open.action, reply);
        self.end(client, answer, has_failed, reply.received_ns);
    }

    /// What `client` has begun, if anything, ended at `answered_ns`.
    pub(super) fn end(&mut self, client: u32, answer: Answer, has_failed: bool, answered_ns: u64) {
        if self.plan.record == Record::Told
            && let Some(reason) = &answer.reason
            && let Some(open) = &self.accounts[self.plan.slot(client)].open
        {
            self.note(client, open.action, reason);
        }
        self.finish(client, answer, has_failed, answered_ns);
    }

    fn finish(&mut self, client: u32, answer: Answer, has_failed: bool, answered_ns: u64) {
        let Some(open) = self.accounts[self.plan.slot(client)].open.take() else { return };
        let tally = &mut self.tally;
        if open.is_counted {
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
        let (call_ns, run) = (open.sent_ns, self.plan.run);
        let operation = match open.action {
            Action::Buy => Operation {
                quantity: Some(self.quantity),
                ..Operation::buy(client, call_ns, answered_ns, answer)
            },
            Action::Search => Operation::search(client, call_ns, answered_ns, answer),
        };
        let has_key = self.sends_keys && open.action == Action::Buy;
        let key = has_key.then(|| Order { run, client, number: open.number }.to_string());
        // By what was asked for: another shop may sell without a word on which tickets.
        if operation.outcome == Outcome::Sold {
            self.tally.sold_ever += operation.quantity.unwrap_or(0);
        }
        self.record(client, Operation { key, ..operation });
    }

    /// An operation was due at `due_ns` and is not begun, since all is over at `now_ns`.
    pub(super) fn leave_unsent(&mut self, due_ns: u64, now_ns: u64) {
        self.tally.leave_unsent(due_ns, now_ns);
    }

    /// Says what was counted since the last time.
    pub(super) fn report(&mut self) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.flush()
        {
            self.lose_history(&error);
        }
        let tally = self.tally.take();
        self.say(self.plan.worker, Report::Tally(Box::new(tally)));
    }

    /// Ends what is still open, as unknown for `reason`, and says the rest.
    pub(super) fn close(&mut self, reason: &str) {
        let plan = Arc::clone(&self.plan);
        for client in plan.clients() {
            self.finish(client, Answer::unknown(reason), true, monotonic_ns());
        }
        self.report();
    }

    /// Says `report` for `who`.
    pub(super) fn say(&self, who: u32, report: Report) {
        // Nobody listens any more when the run was given up.
        let _ = self.voice.send((who, report));
    }

    fn record(&mut self, client: u32, operation: Operation) {
        if self.plan.record == Record::Told {
            return self.say(client, Report::Operation(operation));
        }
        match self.writer.as_mut().map(|writer| writer.write(&operation)) {
            Some(Ok(true)) => {}
            Some(Err(error)) => self.lose_history(&error),
            Some(Ok(false)) | None => self.tally.unrecorded += 1,
        }
    }

    fn note(&self, client: u32, action: Action, reason: &str) {
        let what = match action {
            Action::Buy => "a purchase",
            Action::Search => "a search",
        };
        self.say(client, Report::Note(format!("{what} failed: {reason}")));
    }

    fn lose_history(&mut self, error: &io::Error) {
        self.tally.unrecorded += self.writer.take().map_or(0, |writer| writer.in_block());
        let text = format!("the history cannot be written: {error}");
        self.say(self.plan.worker, Report::Note(text));
    }
}

/// What an answer is counted as.
pub(crate) fn ending(answer: &Answer, has_failed: bool) -> Ending {
    match answer.outcome {
        Outcome::Sold => Ending::Sold,
        Outcome::SoldOut => Ending::SoldOut,
        Outcome::Found | Outcome::Done => Ending::Found,
        Outcome::Refused if has_failed => Ending::Error,
        Outcome::Refused => Ending::Refused,
        Outcome::Unknown => Ending::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::sync::mpsc::{self, UnboundedReceiver};

    use super::*;
    use crate::worker::slate::SlateWriter;

    /// The book of worker 1 of two, which has the clients 1 and 3.
    fn book(record: Record) -> (Book, UnboundedReceiver<(u32, Report)>) {
        let plan = WorkerPlan { record, ..WorkerPlan::endless(1, 2, 4) };
        let (voice, heard) = mpsc::unbounded_channel();
        (Book::new(Arc::new(plan), voice).unwrap(), heard)
    }

    fn begun(number: u64) -> Begun {
        Begun { number, action: Action::Buy, is_counted: true, due_ns: 1, sent_ns: 2 }
    }

    fn answered(client: u32, number: u64) -> Entry<'static> {
        let body = br#"{"tickets": [7], "remaining": 3, "revision": 7}"#;
        let reply = Reply { status: 201, received_ns: 9, head: &[], body };
        Entry::Answered { client, begun: begun(number), reply }
    }

    fn tally(heard: &mut UnboundedReceiver<(u32, Report)>) -> WorkerTally {
        match heard.try_recv() {
            Ok((1, Report::Tally(tally))) => *tally,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_answered_is_read_counted_and_told() {
        let (mut book, mut heard) = book(Record::Told);
        book.enter(answered(3, 0));
        let Ok((3, Report::Operation(buy))) = heard.try_recv() else { panic!("no operation") };
        assert_eq!((buy.outcome, buy.remaining, buy.revision), (Outcome::Sold, Some(3), Some(7)));
        assert_eq!((buy.call_ns, buy.return_ns), (2, Some(9)));
        book.report();
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.sold, tally.sold_ever), (1, 1, 1));
        assert_eq!((tally.left, tally.unrecorded), (Some((9, 3)), 0));
    }

    fn assert_lost(heard: &mut UnboundedReceiver<(u32, Report)>) {
        assert!(matches!(heard.try_recv(), Ok((1, Report::Lost(_)))));
    }

    #[test]
    fn what_makes_no_sense_is_lost() {
        let (mut book, mut heard) = book(Record::Nowhere);
        for stranger in [0, 4] {
            book.enter(answered(stranger, 0));
            assert_lost(&mut heard);
        }
        // It goes on with another one.
        assert!(book.begin(1, begun(5)));
        book.enter(answered(1, 4));
        assert_lost(&mut heard);
        book.enter(answered(1, 5));
        book.report();
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.sold, tally.outcomes.total()), (1, 1, 1));
    }

    #[test]
    fn what_was_seen_open_is_begun_once() {
        let (mut book, mut heard) = book(Record::Nowhere);
        // Open at the first look, ended at the second.
        assert!(book.begin(3, begun(0)));
        assert!(!book.begin(3, begun(0)));
        book.enter(answered(3, 0));
        // The row still says so.
        assert!(!book.begin(3, begun(0)));
        book.close(WORKER_IS_GONE);
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.sold, tally.outcomes.unknown), (1, 1, 0));
    }

    #[test]
    fn what_is_open_when_the_next_one_is_begun_is_unknown() {
        let (mut book, mut heard) = book(Record::Nowhere);
        book.begin(3, begun(5));
        book.begin(3, begun(6));
        book.close(GIVEN_UP);
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.unknown), (2, 2));
        let causes = [(GIVEN_UP.to_owned(), 1), (LOST.to_owned(), 1)];
        assert_eq!(tally.causes.into_iter().collect::<Vec<_>>(), causes);
    }

    /// The worker goes from one operation to the next while its book is kept.
    #[test]
    fn every_operation_of_a_slate_is_entered_once() {
        const OPERATIONS: u64 = 300_000;
        let (mut book, mut heard) = book(Record::Nowhere);
        let (mut slate, file) = SlateReader::make(2).unwrap();
        let mut writer = SlateWriter::open(file, 2).unwrap();
        let writing = thread::spawn(move || {
            for number in 0..OPERATIONS {
                writer.begin(1, &begun(number));
                writer.write(&answered(3, number));
            }
        });
        while !writing.is_finished() {
            book.take_over(&mut slate).unwrap();
        }
        book.take_over(&mut slate).unwrap();
        book.close(WORKER_IS_GONE);
        let (mut intended, mut sold) = (0, 0);
        while let Ok((_, report)) = heard.try_recv() {
            let Report::Tally(tally) = report else { panic!("{report:?}") };
            (intended, sold) = (intended + tally.intended, sold + tally.outcomes.sold);
        }
        assert_eq!((intended, sold), (OPERATIONS, OPERATIONS));
    }

    #[test]
    fn a_slate_without_news_says_nothing() {
        let (mut book, mut heard) = book(Record::Nowhere);
        let (mut slate, file) = SlateReader::make(2).unwrap();
        let mut writer = SlateWriter::open(file, 2).unwrap();
        writer.begin(0, &begun(0));
        book.take_over(&mut slate).unwrap();
        assert_eq!(tally(&mut heard).intended, 1);
        book.take_over(&mut slate).unwrap();
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn what_is_open_when_a_book_is_closed_is_unknown_for_its_reason() {
        for reason in [GIVEN_UP, WORKER_IS_GONE] {
            let (mut book, mut heard) = book(Record::Nowhere);
            book.enter(answered(3, 0));
            book.begin(1, begun(0));
            book.close(reason);
            let tally = tally(&mut heard);
            assert_eq!((tally.intended, tally.outcomes.sold, tally.outcomes.unknown), (2, 1, 1));
            assert_eq!(tally.causes.into_iter().collect::<Vec<_>>(), [(reason.to_owned(), 1)]);
        }
    }
}
