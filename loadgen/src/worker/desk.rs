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
    book::{Book, GIVEN_UP},
    entry::{Begun, Entry},
    pacer::Pacer,
    plan::{Record, WorkerPlan},
    seat::{Report, Voice},
    slate::SlateWriter,
};
use crate::shop::{IdleConnections, Reply, Returned, TlsConfigs};

/// Where it is written down what the clients do.
#[derive(Debug)]
enum Paper {
    Book(Box<Book>),
    /// Whoever leads the run has the book.
    Slate(SlateWriter),
}

/// What the clients of one worker share.
#[derive(Debug)]
pub(super) struct Desk {
    /// What the worker is to do.
    pub(super) plan: Arc<WorkerPlan>,
    /// Wakes its clients.
    pub(super) pacer: Pacer,
    /// How they speak TLS.
    pub(super) tls_configs: TlsConfigs,
    /// What those who wait for their next request leave to others.
    pub(super) idle: IdleConnections,
    is_stopping: AtomicBool,
    paper: Mutex<Paper>,
    voice: Voice,
}

impl Desk {
    /// Opens what the worker needs; what it says goes to `voice`. With a `slate`, what its clients
    /// do goes there; else it has a book of its own.
    ///
    /// # Errors
    /// The system gives no timer, or the history cannot be opened.
    pub(super) fn open(
        plan: WorkerPlan,
        slate: Option<SlateWriter>,
        voice: Voice,
    ) -> io::Result<Self> {
        let plan = Arc::new(plan);
        let paper = match slate {
            Some(slate) => Paper::Slate(slate),
            None => Paper::Book(Box::new(Book::new(Arc::clone(&plan), voice.clone())?)),
        };
        Ok(Self {
            pacer: Pacer::new(plan.clients().count())?,
            tls_configs: TlsConfigs::default(),
            idle: IdleConnections::default(),
            is_stopping: AtomicBool::new(false),
            paper: Mutex::new(paper),
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

    /// `client` has `begun` an operation.
    pub(super) fn begin(&self, client: u32, begun: Begun) {
        match &mut *self.paper.lock() {
            Paper::Book(book) => {
                book.begin(client, begun);
            }
            Paper::Slate(slate) => slate.begin(self.plan.slot(client), &begun),
        }
    }

    /// What `client` has `begun` was answered with `reply`; whoever has the book reads what that says.
    pub(super) fn answer(&self, client: u32, begun: Begun, reply: Reply<'_>) {
        match &mut *self.paper.lock() {
            Paper::Book(book) => book.answer(client, reply),
            Paper::Slate(slate) => self.write(slate, &Entry::Answered { client, begun, reply }),
        }
    }

    /// What `client` has `begun` ended at `answered_ns`, and how.
    pub(super) fn end(&self, client: u32, begun: Begun, returned: Returned, answered_ns: u64) {
        let Returned { answer, has_failed, .. } = returned;
        match &mut *self.paper.lock() {
            Paper::Book(book) => book.end(client, answer, has_failed, answered_ns),
            Paper::Slate(slate) => {
                self.write(slate, &Entry::Ended { client, begun, answer, has_failed, answered_ns });
            }
        }
    }

    /// An operation was due at `due_ns` and is not begun, since all is over at `now_ns`.
    pub(super) fn leave_unsent(&self, due_ns: u64, now_ns: u64) {
        match &mut *self.paper.lock() {
            Paper::Book(book) => book.leave_unsent(due_ns, now_ns),
            Paper::Slate(slate) => self.write(slate, &Entry::Unsent { due_ns, now_ns }),
        }
    }

    /// Whether there is anything to report from time to time.
    pub(super) fn reports(&self) -> bool {
        self.plan.record != Record::Told && matches!(&*self.paper.lock(), Paper::Book(_))
    }

    /// Says what was counted since the last time.
    pub(super) fn report(&self) {
        if let Paper::Book(book) = &mut *self.paper.lock() {
            book.report();
        }
    }

    /// Ends what is still open, as unknown: nobody waits for it any more. Where the book is elsewhere,
    /// that is done there.
    pub(super) fn close(&self) {
        if let Paper::Book(book) = &mut *self.paper.lock() {
            book.close(GIVEN_UP);
        }
    }

    /// Says `report` for the worker.
    pub(super) fn say(&self, report: Report) {
        // Nobody listens any more when the run was given up.
        let _ = self.voice.send((self.plan.worker, report));
    }

    fn write(&self, slate: &mut SlateWriter, entry: &Entry<'_>) {
        if slate.write(entry) {
            let text = "what workers saw was taken in too slowly, and made them wait: their times are \
                        longer than the shop's";
            self.say(Report::Note(text.to_owned()));
        }
    }
}
