//! What the clients of one worker share.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    entry::{Begun, End, Entry},
    journal::JournalWriter,
    messages::{Message, MessageSender},
    pacer::Pacer,
    plan::WorkerPlan,
    recorder::{GIVEN_UP, Recorder},
    rendezvous::Rendezvous,
};
use crate::shop::{IdleConnections, TlsConfigs};

/// Where it is written down what the clients do.
#[derive(Debug)]
enum Record {
    Here(Box<Recorder>),
    /// The process that leads the run has the recorder.
    Elsewhere(JournalWriter),
}

/// What the clients of one worker share.
#[derive(Debug)]
pub(super) struct WorkerState {
    /// What the worker is to do.
    pub(super) plan: Arc<WorkerPlan>,
    /// Wakes its clients.
    pub(super) pacer: Pacer,
    /// Where they meet, where they keep together.
    pub(super) rendezvous: Option<Arc<Rendezvous>>,
    /// How they speak TLS.
    pub(super) tls_configs: TlsConfigs,
    /// What those who wait for their next request leave to others.
    pub(super) idle: IdleConnections,
    is_stopping: AtomicBool,
    record: Mutex<Record>,
    messages: MessageSender,
}

impl WorkerState {
    /// Opens what the worker needs; what it says goes to `messages`. With a `journal`, what its clients
    /// do goes there; else it has a recorder of its own.
    ///
    /// # Errors
    /// The system gives no timer, or the history cannot be opened.
    pub(super) fn open(
        plan: WorkerPlan,
        journal: Option<JournalWriter>,
        messages: MessageSender,
    ) -> io::Result<Self> {
        let plan = Arc::new(plan);
        let record = match journal {
            Some(journal) => Record::Elsewhere(journal),
            None => Record::Here(Box::new(Recorder::new(Arc::clone(&plan), messages.clone())?)),
        };
        Ok(Self {
            pacer: Pacer::new(plan.clients().count())?,
            rendezvous: plan.plan.waves.map(|waves| Arc::new(Rendezvous::new(waves))),
            tls_configs: TlsConfigs::default(),
            idle: IdleConnections::default(),
            is_stopping: AtomicBool::new(false),
            record: Mutex::new(record),
            plan,
            messages,
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
        self.rendezvous.iter().for_each(|rendezvous| rendezvous.close());
    }

    /// `client` has `begun` an operation.
    pub(super) fn begin(&self, client: u32, begun: Begun) {
        match &mut *self.record.lock() {
            Record::Here(recorder) => {
                recorder.begin(client, begun);
            }
            Record::Elsewhere(journal) => journal.begin(self.plan.slot(client), &begun),
        }
    }

    /// What `client` has `begun` came to this `end`.
    pub(super) fn end(&self, client: u32, begun: Begun, end: End<'_>) {
        match &mut *self.record.lock() {
            Record::Here(recorder) => recorder.end(client, end),
            Record::Elsewhere(journal) => self.write(journal, &Entry::Ended { client, begun, end }),
        }
    }

    /// An operation was due at `due_ns` and is not begun, since all is over at `now_ns`.
    pub(super) fn leave_unsent(&self, due_ns: u64, now_ns: u64) {
        match &mut *self.record.lock() {
            Record::Here(recorder) => recorder.leave_unsent(due_ns, now_ns),
            Record::Elsewhere(journal) => self.write(journal, &Entry::Unsent { due_ns, now_ns }),
        }
    }

    /// Whether there is anything to report from time to time.
    pub(super) fn reports(&self) -> bool {
        matches!(&*self.record.lock(), Record::Here(_))
    }

    /// Says what was counted since the last time.
    pub(super) fn report(&self) {
        if let Record::Here(recorder) = &mut *self.record.lock() {
            recorder.report();
        }
    }

    /// Ends what is still open, as unknown: nobody waits for it any more. Where the recorder is elsewhere,
    /// that is done there.
    pub(super) fn close(&self) {
        if let Record::Here(recorder) = &mut *self.record.lock() {
            recorder.close(GIVEN_UP);
        }
    }

    /// Says `message` for the worker.
    pub(super) fn say(&self, message: Message) {
        // Nobody listens any more when the run was given up.
        let _ = self.messages.send((self.plan.worker, message));
    }

    fn write(&self, journal: &mut JournalWriter, entry: &Entry<'_>) {
        if journal.write(entry) {
            let text = "what workers saw was taken in too slowly, and made them wait: their times are \
                        longer than the shop's";
            self.say(Message::Note(text.to_owned()));
        }
    }
}
