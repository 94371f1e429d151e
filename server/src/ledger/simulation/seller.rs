//! A writer with those who wait for it, on one thread: what the tests sell with.

use std::{cell::RefCell, collections::VecDeque, mem};

use crate::{
    domain::{Inventory, Outcome, Request, Stock},
    ledger::{Batch, Clients, Engine, Fault, Pipeline, Turned, Void, Writer},
};

/// How often a turn is tried again at once, where that is due.
const TRIES: usize = 20;

/// A writer at an engine, and its clients.
pub(crate) struct Seller<E: Engine> {
    writer: Writer<E>,
    clients: OneByOne<E::Batch>,
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
struct OneByOne<B>(RefCell<State<B>>);

struct State<B> {
    pipeline: Pipeline<B>,
    chunk: usize,
    waiting: VecDeque<Request>,
    gathered: Vec<(Request, Outcome)>,
    taken: Vec<(Request, Outcome)>,
    told: Vec<(Request, Outcome)>,
}

impl<E: Engine> Seller<E> {
    /// A seller at `engine`, in which `inventory` is durable, by a clock in milliseconds since 1970 UTC.
    pub(crate) fn new(engine: E, inventory: Inventory, now_ms: fn() -> u64) -> Self {
        let state = State {
            pipeline: Pipeline::new(inventory),
            chunk: usize::MAX,
            waiting: VecDeque::new(),
            gathered: Vec::new(),
            taken: Vec::new(),
            told: Vec::new(),
        };
        let clients = OneByOne(RefCell::new(state));
        Self { writer: Writer::new(engine, now_ms), clients }
    }

    /// What is durable, as far as this seller knows.
    pub(crate) fn stock(&self) -> Stock {
        self.clients.0.borrow().pipeline.stock()
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
            state.waiting.extend(requests.iter().cloned());
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
        state.waiting.clear();
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
    fn decide_a_chunk(&mut self) {
        for _ in 0..self.chunk {
            let Some(request) = self.waiting.pop_front() else { break };
            match self.pipeline.apply(&request) {
                Some(outcome) => self.gathered.push((request, outcome)),
                None => return self.waiting.push_front(request),
            }
        }
    }
}

impl<B: Batch> Clients for OneByOne<B> {
    type Batch = B;

    fn with<R>(&self, work: impl FnOnce(&mut Pipeline<B>) -> R) -> R {
        work(&mut self.0.borrow_mut().pipeline)
    }

    fn gather(&self) -> bool {
        let state = &mut *self.0.borrow_mut();
        if state.gathered.is_empty() {
            state.decide_a_chunk();
        }
        if state.gathered.is_empty() {
            state.pipeline.close();
        }
        state.pipeline.is_open()
    }

    fn take(&self) -> Option<B> {
        let state = &mut *self.0.borrow_mut();
        state.taken.append(&mut state.gathered);
        let batch = state.pipeline.take();
        // Whoever comes while the batch is on its way is decided on top of it.
        state.decide_a_chunk();
        batch
    }

    fn settled(&self) {
        let state = &mut *self.0.borrow_mut();
        state.told.append(&mut state.taken);
    }

    fn lost(&self, which: Void) {
        let state = &mut *self.0.borrow_mut();
        let gathered = mem::take(&mut state.gathered);
        let taken = if which == Void::Taken { mem::take(&mut state.taken) } else { Vec::new() };
        for (request, _) in taken.into_iter().chain(gathered).rev() {
            state.waiting.push_front(request);
        }
    }
}
