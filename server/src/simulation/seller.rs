//! A writer with those who wait for it, on one thread: what the tests sell with.

use std::{
    cell::RefCell,
    collections::VecDeque,
    mem,
    time::{Duration, Instant},
};

use crate::{
    counter::queue::{Moment, Queue, Recipient},
    domain::{Inventory, Outcome, Request, Stock},
    ledger::{Batch, Clients, Engine, Fault, Pipeline, Turned, Void, Writer},
};

/// How long one waits to be decided, by a clock that stands still.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// How often a turn is tried again at once, where that is due.
const TRIES: usize = 20;

/// A writer at an engine, and its clients.
pub(crate) struct Seller<E: Engine> {
    writer: Writer<E>,
    clients: InChunks<E::Batch>,
}

/// Why not everybody was told.
#[derive(Debug)]
pub(crate) struct Untold {
    /// Whether this writer is done for.
    pub(crate) is_broken: bool,
    /// Why, for whoever reads the failed test.
    #[expect(dead_code, reason = "read through `Debug`")]
    pub(crate) cause: String,
}

/// Clients that come in chunks: while one chunk is being appended, the next is decided.
struct InChunks<B>(RefCell<State<B>>);

struct State<B> {
    queue: Queue<B, Client>,
    chunk: usize,
    /// Those who come later.
    coming: VecDeque<Request>,
    told: Vec<(Request, Outcome)>,
    /// It stands still: no turn is ever held too long.
    now: Instant,
    now_ms: fn() -> u64,
}

/// Who asked for this.
struct Client(Request);

impl Recipient for Client {
    fn is_gone(&self) -> bool {
        false
    }
}

impl<E: Engine> Seller<E> {
    /// A seller at `engine`, in which `inventory` is durable, by a clock in milliseconds since 1970 UTC.
    pub(crate) fn new(engine: E, inventory: Inventory, now_ms: fn() -> u64) -> Self {
        let state = State {
            queue: Queue::new(inventory, WAIT_MAX),
            chunk: usize::MAX,
            coming: VecDeque::new(),
            told: Vec::new(),
            now: Instant::now(),
            now_ms,
        };
        let clients = InChunks(RefCell::new(state));
        Self { writer: Writer::new(engine, now_ms), clients }
    }

    /// What is durable, as far as this seller knows.
    pub(crate) fn stock(&self) -> Stock {
        self.clients.0.borrow().queue.stock()
    }

    /// Looks at what is durable, as far as this seller knows.
    #[cfg(test)]
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Inventory) -> R) -> R {
        look(self.clients.0.borrow().queue.inventory())
    }

    /// Serves `requests`, `chunk` of them an append, and gives the answers of those who were told.
    ///
    /// Whoever could not be told anything in this turn is forgotten, but for those of whom it is not
    /// known whether they were sold something: they are told by a later call.
    pub(crate) fn serve(
        &mut self,
        requests: &[Request],
        chunk: usize,
    ) -> (Vec<(Request, Outcome)>, Result<(), Untold>) {
        {
            let mut state = self.clients.0.borrow_mut();
            state.chunk = chunk;
            state.coming.extend(requests.iter().cloned());
        }
        let mut served = Ok(());
        for _ in 0..TRIES {
            served = match self.writer.turn(&self.clients) {
                Turned::Done => Ok(()),
                Turned::Again => continue,
                Turned::Waits(cause) => Err(Untold { is_broken: false, cause: cause.to_string() }),
                Turned::Broken(cause) => Err(Untold { is_broken: true, cause: cause.to_string() }),
            };
            break;
        }
        let mut state = self.clients.0.borrow_mut();
        state.coming.clear();
        let late = state.now + WAIT_MAX;
        drop(state.queue.withdraw_late(late));
        (mem::take(&mut state.told), served)
    }

    /// Serves `requests` in one append, or says why not; gives the answers.
    pub(crate) fn ask(&mut self, requests: &[Request]) -> Result<Vec<Outcome>, Untold> {
        let (told, served) = self.serve(requests, usize::MAX);
        served.map(|()| told.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// Does what is done while nobody comes.
    pub(crate) fn rest(&mut self) -> Result<(), Fault> {
        self.writer.rest()
    }
}

impl<B: Batch> State<B> {
    fn moment(&self) -> Moment {
        Moment { instant: self.now, at_ms: (self.now_ms)() }
    }

    fn let_a_chunk_in(&mut self) {
        for _ in 0..self.chunk.min(self.coming.len()) {
            let Some(request) = self.coming.pop_front() else { break };
            let entered = self.queue.enter(request.clone(), Client(request), self.now);
            entered.expect("nobody has closed the queue");
        }
    }
}

impl<B: Batch> Clients for InChunks<B> {
    type Batch = B;

    fn with<R>(&self, work: impl FnOnce(&mut Pipeline<B>) -> R) -> R {
        work(self.0.borrow_mut().queue.pipeline())
    }

    fn gather(&self) -> bool {
        let state = &mut *self.0.borrow_mut();
        let now = state.now;
        state.queue.gather(state.moment());
        if state.queue.here() == 0 {
            state.let_a_chunk_in();
        }
        state.queue.goes_on(now)
    }

    fn take(&self) -> Option<B> {
        let state = &mut *self.0.borrow_mut();
        let batch = state.queue.take(state.now);
        // Whoever comes while the batch is on its way is decided on top of it.
        state.let_a_chunk_in();
        batch
    }

    fn owes(&self) -> bool {
        self.0.borrow().queue.owes()
    }

    fn settled(&self) {
        let state = &mut *self.0.borrow_mut();
        let told = state.queue.settled(state.now);
        let sold = told.map(|(Client(request), answer)| (request, answer.expect("it is durable")));
        state.told.extend(sold);
    }

    fn lost(&self, which: Void) {
        self.0.borrow_mut().queue.lost(which);
    }
}
