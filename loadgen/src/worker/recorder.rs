//! What the clients of one worker have done: the operations that are open, the count, and the history.
//!
//! A worker in this process records that itself. One in a process of its own writes into a journal what its
//! clients have open and what has ended, and the process that leads the run records it.

use std::{io, sync::Arc};

use super::{
    entry::{Begun, End, Entry},
    journal::{JournalError, JournalReader},
    messages::{Message, MessageSender},
    plan::WorkerPlan,
    terms::Terms,
};
use crate::{
    history::{Answer, HistoryWriter, Missing, Operation, OperationKind, Outcome, monotonic_ns},
    plan::Action,
    shop::{Address, Reader},
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
struct ClientRecord {
    /// How many operations it has begun.
    begun: u64,
    /// The last one, where it has not ended.
    open: Option<Begun>,
    /// How many tickets its last sale was of.
    sold: u64,
}

/// What the clients of one worker have done.
#[derive(Debug)]
pub(super) struct Recorder {
    plan: Arc<WorkerPlan>,
    messages: MessageSender,
    tally: WorkerTally,
    clients: Vec<ClientRecord>,
    writer: Option<HistoryWriter>,
    /// One for each address.
    readers: Vec<Reader>,
    /// As the plan says, looked up once.
    terms: Terms,
}

impl Recorder {
    /// The recorder of the worker that carries out `plan`; what it says goes to `messages`.
    ///
    /// # Errors
    /// The history cannot be opened.
    pub(super) fn new(plan: Arc<WorkerPlan>, messages: MessageSender) -> io::Result<Self> {
        let writer = plan.history.as_ref();
        let writer =
            writer.map(|file| HistoryWriter::open(&file.path, file.room.clone())).transpose()?;
        let clients = plan.clients().map(|_| ClientRecord::default()).collect();
        let readers = plan.addresses.iter().map(Address::reader).collect();
        let (terms, tally) = (Terms::of(&plan), WorkerTally::default());
        Ok(Self { plan, messages, tally, clients, writer, readers, terms })
    }

    /// Takes over what a worker in another process has written on its `journal` since the last time, says
    /// what was counted where there is anything, and returns how full the journal was, from 0 to 1.
    ///
    /// # Errors
    /// The journal is garbled: nothing more can be read.
    pub(super) fn take_over(&mut self, journal: &mut JournalReader) -> Result<f64, JournalError> {
        // IMPORTANT: the rows before the entries: what none of these ends is open.
        let rows: Vec<_> = self.plan.clients().zip(journal.rows()).collect();
        let mut has_news = false;
        let fill = journal.read(|entry| {
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
        match entry {
            Entry::Ended { client, begun, end } if self.has_open(client, begun) => {
                self.end(client, end);
            }
            Entry::Ended { client, begun, .. } => {
                let (worker, number) = (self.plan.worker, begun.number);
                let text = format!("worker {worker} told of operation {number} of client {client}");
                self.say(worker, Message::Lost(text));
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
        let open = self.clients[self.plan.slot(client)].open;
        open.is_some_and(|open| open.number == begun.number)
    }

    /// `client` has `begun` an operation; says whether that is news.
    pub(super) fn begin(&mut self, client: u32, begun: Begun) -> bool {
        let slot = self.plan.slot(client);
        if begun.number < self.clients[slot].begun {
            return false;
        }
        // One that is still open has ended, and nobody will say how.
        self.finish(client, unknown(LOST), monotonic_ns());
        let sold = self.clients[slot].sold;
        self.clients[slot] = ClientRecord { begun: begun.number + 1, open: Some(begun), sold };
        if begun.is_counted {
            self.tally.begin();
        }
        true
    }

    /// What `client` has begun, if anything, came to this `end`.
    pub(super) fn end(&mut self, client: u32, end: End<'_>) {
        match end {
            End::Answer(answer, answered_ns) => self.finish(client, answer, answered_ns),
            End::Reply(reply) => {
                let Some(open) = &self.clients[self.plan.slot(client)].open else { return };
                let reader = &self.readers[self.plan.place_of_address(client)];
                self.finish(client, reader.read(open.action, reply), reply.received_ns);
            }
        }
    }

    fn finish(&mut self, client: u32, answer: Answer, answered_ns: u64) {
        let Some(open) = self.clients[self.plan.slot(client)].open.take() else { return };
        let tally = &mut self.tally;
        if open.is_counted {
            tally.end(&Seen {
                ending: ending(open.action, &answer),
                was_sent: answer.missing != Some(Missing::Unsent),
                cause: answer.reason.as_deref(),
                due_ns: open.due_ns,
                sent_ns: open.sent_ns,
                answered_ns,
            });
        }
        if let Some(left) = answer.remaining {
            tally.see_left(answered_ns, left);
        }
        let sold = self.clients[self.plan.slot(client)].sold;
        let operation = self.terms.operation(client, &open, sold, (answered_ns, answer));
        // By what was asked for: another shop may sell without a word on which tickets.
        let quantity = operation.quantity.unwrap_or(0);
        match operation.outcome {
            Outcome::Sold => {
                self.tally.sold_ever += quantity;
                self.clients[self.plan.slot(client)].sold = quantity;
            }
            Outcome::SoldOut => self.tally.sold_out_ever += 1,
            Outcome::Done if operation.op == OperationKind::Refund => {
                self.tally.refunded_ever += quantity;
            }
            _ => {}
        }
        self.record(&operation);
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
        self.say(self.plan.worker, Message::Tally(Box::new(tally)));
    }

    /// Ends what is still open, as unknown for `reason`, and says the rest.
    pub(super) fn close(&mut self, reason: &str) {
        let plan = Arc::clone(&self.plan);
        for client in plan.clients() {
            self.finish(client, unknown(reason), monotonic_ns());
        }
        self.report();
    }

    /// Says `message` for `who`.
    pub(super) fn say(&self, who: u32, message: Message) {
        // Nobody listens any more when the run was given up.
        let _ = self.messages.send((who, message));
    }

    fn record(&mut self, operation: &Operation) {
        match self.writer.as_mut().map(|writer| writer.write(operation)) {
            Some(Ok(true)) => {}
            Some(Err(error)) => self.lose_history(&error),
            Some(Ok(false)) | None => self.tally.unrecorded += 1,
        }
    }

    fn lose_history(&mut self, error: &io::Error) {
        self.tally.unrecorded += self.writer.take().map_or(0, |writer| writer.in_block());
        let text = format!("the history cannot be written: {error}");
        self.say(self.plan.worker, Message::Note(text));
    }
}

/// Nobody knows how an operation ended, for `reason`.
fn unknown(reason: &str) -> Answer {
    Answer { missing: Some(Missing::Unanswered), ..Answer::unknown(reason) }
}

/// What an answer is counted as.
pub(crate) fn ending(action: Action, answer: &Answer) -> Ending {
    match answer.outcome {
        Outcome::Done if action == Action::Hold => Ending::Held,
        Outcome::Done => Ending::GivenBack,
        Outcome::Sold => Ending::Sold,
        Outcome::SoldOut => Ending::SoldOut,
        Outcome::Found => Ending::Found,
        Outcome::Refused if answer.missing.is_some() => Ending::Error,
        Outcome::Refused => Ending::Refused,
        Outcome::Unknown => Ending::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::sync::mpsc::{self, UnboundedReceiver};

    use super::*;
    use crate::{
        history::{Header, ReadLimits, Room, begin_history, read_files},
        shop::Reply,
        worker::{journal::JournalWriter, plan::HistoryShare},
    };

    /// The recorder of worker 1 of two, which has the clients 1 and 3.
    fn recorder(history: Option<HistoryShare>) -> (Recorder, UnboundedReceiver<(u32, Message)>) {
        let plan = WorkerPlan { history, ..WorkerPlan::endless(1, 2, 4) };
        let (messages, heard) = mpsc::unbounded_channel();
        (Recorder::new(Arc::new(plan), messages).unwrap(), heard)
    }

    fn begun(number: u64) -> Begun {
        Begun { number, action: Action::Buy, of: None, is_counted: true, due_ns: 1, sent_ns: 2 }
    }

    fn answered(client: u32, number: u64) -> Entry<'static> {
        let body = br#"{"tickets": [7], "remaining": 3, "revision": 7}"#;
        let reply = Reply { status: 201, received_ns: 9, head: &[], body };
        Entry::Ended { client, begun: begun(number), end: End::Reply(reply) }
    }

    fn tally(heard: &mut UnboundedReceiver<(u32, Message)>) -> WorkerTally {
        match heard.try_recv() {
            Ok((1, Message::Tally(tally))) => *tally,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_answered_is_read_counted_and_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.ndjson");
        begin_history(&path, &Header::new(9)).unwrap();
        let files = [path.clone()];
        let (mut recorder, mut heard) = recorder(Some(HistoryShare { path, room: Room::new(1) }));
        recorder.enter(answered(3, 0));
        recorder.enter(answered(3, 1));
        recorder.report();
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.sold, tally.sold_ever), (2, 2, 2));
        assert_eq!((tally.left, tally.unrecorded), (Some((9, 3)), 1));
        let limits = ReadLimits { operations: 9, bytes: 1 << 20, threads: 1 };
        let buy = read_files(&files, limits).unwrap().remove(0).operations.remove(0);
        assert_eq!((buy.outcome, buy.remaining, buy.revision), (Outcome::Sold, Some(3), Some(7)));
        assert_eq!((buy.call_ns, buy.return_ns), (2, Some(9)));
    }

    fn assert_lost(heard: &mut UnboundedReceiver<(u32, Message)>) {
        assert!(matches!(heard.try_recv(), Ok((1, Message::Lost(_)))));
    }

    #[test]
    fn what_makes_no_sense_is_lost() {
        let (mut recorder, mut heard) = recorder(None);
        for stranger in [0, 4] {
            recorder.enter(answered(stranger, 0));
            assert_lost(&mut heard);
        }
        // It goes on with another one.
        assert!(recorder.begin(1, begun(5)));
        recorder.enter(answered(1, 4));
        assert_lost(&mut heard);
        recorder.enter(answered(1, 5));
        recorder.report();
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.sold, tally.outcomes.total()), (1, 1, 1));
    }

    #[test]
    fn what_was_seen_open_is_begun_once() {
        let (mut recorder, mut heard) = recorder(None);
        // Open at the first look, ended at the second.
        assert!(recorder.begin(3, begun(0)));
        assert!(!recorder.begin(3, begun(0)));
        recorder.enter(answered(3, 0));
        // The row still says so.
        assert!(!recorder.begin(3, begun(0)));
        recorder.close(WORKER_IS_GONE);
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.sold, tally.outcomes.unknown), (1, 1, 0));
    }

    #[test]
    fn what_is_open_when_the_next_one_is_begun_is_unknown() {
        let (mut recorder, mut heard) = recorder(None);
        recorder.begin(3, begun(5));
        recorder.begin(3, begun(6));
        recorder.close(GIVEN_UP);
        let tally = tally(&mut heard);
        assert_eq!((tally.intended, tally.outcomes.unknown), (2, 2));
        let causes = [(GIVEN_UP.to_owned(), 1), (LOST.to_owned(), 1)];
        assert_eq!(tally.causes.into_iter().collect::<Vec<_>>(), causes);
    }

    /// The worker goes from one operation to the next while its recorder is kept.
    #[test]
    fn every_operation_of_a_journal_is_entered_once() {
        const OPERATIONS: u64 = 300_000;
        let (mut recorder, mut heard) = recorder(None);
        let (mut journal, file) = JournalReader::make(2).unwrap();
        let mut writer = JournalWriter::open(file, 2).unwrap();
        let writing = thread::spawn(move || {
            for number in 0..OPERATIONS {
                writer.begin(1, &begun(number));
                writer.write(&answered(3, number));
            }
        });
        while !writing.is_finished() {
            recorder.take_over(&mut journal).unwrap();
        }
        recorder.take_over(&mut journal).unwrap();
        recorder.close(WORKER_IS_GONE);
        let (mut intended, mut sold) = (0, 0);
        while let Ok((_, message)) = heard.try_recv() {
            let Message::Tally(tally) = message else { panic!("{message:?}") };
            (intended, sold) = (intended + tally.intended, sold + tally.outcomes.sold);
        }
        assert_eq!((intended, sold), (OPERATIONS, OPERATIONS));
    }

    #[test]
    fn a_journal_without_news_says_nothing() {
        let (mut recorder, mut heard) = recorder(None);
        let (mut journal, file) = JournalReader::make(2).unwrap();
        let mut writer = JournalWriter::open(file, 2).unwrap();
        writer.begin(0, &begun(0));
        recorder.take_over(&mut journal).unwrap();
        assert_eq!(tally(&mut heard).intended, 1);
        recorder.take_over(&mut journal).unwrap();
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn what_is_open_when_a_book_is_closed_is_unknown_for_its_reason() {
        for reason in [GIVEN_UP, WORKER_IS_GONE] {
            let (mut recorder, mut heard) = recorder(None);
            recorder.enter(answered(3, 0));
            recorder.begin(1, begun(0));
            recorder.close(reason);
            let tally = tally(&mut heard);
            assert_eq!((tally.intended, tally.outcomes.sold, tally.outcomes.unknown), (2, 1, 1));
            assert_eq!(tally.causes.into_iter().collect::<Vec<_>>(), [(reason.to_owned(), 1)]);
        }
    }
}
