//! The same program on a pure model: the bytes of the file, who holds which lock, each worker's
//! variables. It knows nothing of what really happens, so that the two can be compared.
//!
//! # Invariants
//! - The same schedule leads to the same state, which is all that what follows depends on.
//! - A worker that asks for a lock that is held has done its step and waits; the lock goes to
//!   whoever has waited longest, and with it that worker is at its next line.

use crate::lab::model::{
    content,
    program::{Lock, Step},
    setup::Setup,
};

/// A lab at rest between two steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Model {
    setup: Setup,
    /// Every file that has been `db.txt`; the last is.
    files: Vec<Vec<u8>>,
    held: Vec<(Thing, u8)>,
    /// Who waits for what, in the order in which they came.
    queue: Vec<(Thing, u8)>,
    /// By number, the first at 0.
    buyers: Vec<Buyer>,
}

/// Something that can be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// The memory of one worker.
    Memory(u8),
    /// A file that is or was `db.txt`.
    File(usize),
    Beside,
    Sales,
}

/// One worker, as the model has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Buyer {
    pub(crate) place: Place,
    pub(crate) count: Option<u32>,
    /// The ticket that it has sold.
    pub(crate) ticket: Option<u32>,
    /// Which of the files it has open.
    file: usize,
    /// What it has read.
    seen: Vec<u8>,
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Before this line.
    At(usize),
    /// In this line, waiting for a lock.
    Waits(usize),
    /// Behind its last line.
    Ended,
    /// It read what is no count.
    Broke,
}

impl Model {
    /// Nobody has done anything yet.
    pub(crate) fn new(setup: Setup) -> Self {
        let buyer =
            Buyer { place: Place::At(0), count: None, ticket: None, file: 0, seen: Vec::new() };
        Self {
            setup,
            files: vec![content::text(setup.tickets).into_bytes()],
            held: Vec::new(),
            queue: Vec::new(),
            buyers: vec![buyer; usize::from(setup.workers)],
        }
    }

    /// The workers.
    pub(crate) fn buyers(&self) -> &[Buyer] {
        &self.buyers
    }

    /// The bytes of `db.txt`.
    pub(crate) fn file(&self) -> &[u8] {
        self.files.last().expect("there is always a db.txt")
    }

    /// The numbers of those who can take a step.
    pub(crate) fn ready(&self) -> impl Iterator<Item = u8> {
        let is_ready = |worker: &u8| matches!(self.buyer(*worker).place, Place::At(_));
        self.setup.numbers().filter(is_ready)
    }

    /// Whether somebody waits, and nobody can take a step any more.
    pub(crate) fn is_deadlock(&self) -> bool {
        !self.queue.is_empty() && self.ready().next().is_none()
    }

    /// Lets `worker` take its next step; false where it has none.
    pub(crate) fn step(&mut self, worker: u8) -> bool {
        let Place::At(line) = self.buyer(worker).place else { return false };
        let variant = self.setup.variant;
        match variant.lines()[line].step {
            Step::Open => {
                let file = self.files.len() - 1;
                self.change(worker).file = file;
            }
            Step::Lock(lock) => {
                let thing = self.thing(worker, lock);
                if self.held.iter().any(|(held, _)| *held == thing) {
                    self.queue.push((thing, worker));
                    self.change(worker).place = Place::Waits(line);
                    return true;
                }
                self.take(thing, worker);
            }
            Step::Read => {
                let seen = self.files[self.buyer(worker).file].clone();
                let count = content::count(&seen);
                if count.is_none() {
                    self.change(worker).place = Place::Broke;
                    self.release_all(worker);
                    return true;
                }
                let buyer = self.change(worker);
                (buyer.count, buyer.seen) = (count, seen);
            }
            Step::Check => {
                if self.buyer(worker).count == Some(0) {
                    self.change(worker).place = Place::At(variant.behind_the_sale());
                    return true;
                }
            }
            Step::Subtract => {
                let buyer = self.change(worker);
                buyer.count = buyer.count.map(|count| count - 1);
            }
            Step::Empty => {
                let file = self.buyer(worker).file;
                self.files[file].clear();
            }
            Step::Write => {
                let (file, text) = (self.buyer(worker).file, self.text(worker));
                let bytes = &mut self.files[file];
                let tail = bytes.split_off(text.len().min(bytes.len()));
                *bytes = [text, tail].concat();
                self.sell(worker);
            }
            Step::Swap => {
                let buyer = self.buyer(worker);
                if self.files[buyer.file] != buyer.seen {
                    let buyer = self.change(worker);
                    buyer.place = Place::At(variant.reading());
                    return true;
                }
                let (file, text) = (buyer.file, self.text(worker));
                self.files[file] = text;
                self.sell(worker);
            }
            Step::WriteNew => {}
            Step::Rename => {
                self.files.push(self.text(worker));
                self.sell(worker);
            }
            Step::Unlock(lock) => {
                let thing = self.thing(worker, lock);
                self.release(thing);
            }
            Step::Close => {}
        }
        self.advance(worker, line);
        true
    }

    fn buyer(&self, worker: u8) -> &Buyer {
        &self.buyers[usize::from(worker) - 1]
    }

    fn change(&mut self, worker: u8) -> &mut Buyer {
        &mut self.buyers[usize::from(worker) - 1]
    }

    fn thing(&self, worker: u8, lock: Lock) -> Thing {
        let is_odd = worker % 2 == 1;
        match lock {
            Lock::Memory => Thing::Memory(worker),
            Lock::Beside => Thing::Beside,
            Lock::Opened => Thing::File(self.buyer(worker).file),
            Lock::First if is_odd => Thing::File(self.buyer(worker).file),
            Lock::Second if !is_odd => Thing::File(self.buyer(worker).file),
            Lock::First | Lock::Second => Thing::Sales,
        }
    }

    fn text(&self, worker: u8) -> Vec<u8> {
        content::text(self.buyer(worker).count.unwrap_or_default()).into_bytes()
    }

    fn sell(&mut self, worker: u8) {
        let tickets = self.setup.tickets;
        let buyer = self.change(worker);
        buyer.ticket = buyer.count.map(|count| tickets - count);
    }

    fn advance(&mut self, worker: u8, line: usize) {
        let is_last = line + 1 == self.setup.variant.lines().len();
        let next = if is_last { Place::Ended } else { Place::At(line + 1) };
        self.change(worker).place = next;
    }

    fn take(&mut self, thing: Thing, worker: u8) {
        self.held.push((thing, worker));
    }

    fn release(&mut self, thing: Thing) {
        self.held.retain(|(held, _)| *held != thing);
        let Some(first) = self.queue.iter().position(|(wanted, _)| *wanted == thing) else {
            return;
        };
        let (_, heir) = self.queue.remove(first);
        self.take(thing, heir);
        if let Place::Waits(line) = self.buyer(heir).place {
            self.advance(heir, line);
        }
    }

    fn release_all(&mut self, worker: u8) {
        let held: Vec<Thing> = self
            .held
            .iter()
            .filter(|(_, holder)| *holder == worker)
            .map(|(thing, _)| *thing)
            .collect();
        held.into_iter().for_each(|thing| self.release(thing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::model::program::Variant;

    /// The state behind `schedule`; every step of it can be taken.
    fn after(variant: Variant, tickets: u32, schedule: &[u8]) -> Model {
        let mut model = Model::new(Setup { variant, workers: 2, tickets });
        assert!(schedule.iter().all(|worker| model.step(*worker)));
        model
    }

    fn tickets(model: &Model) -> Vec<Option<u32>> {
        model.buyers().iter().map(|buyer| buyer.ticket).collect()
    }

    #[test]
    fn two_who_read_before_either_writes_sell_the_same_ticket() {
        let model = after(Variant::None, 1, &[1, 1, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
        assert_eq!(tickets(&model), [Some(1), Some(1)]);
        assert_eq!(model.file(), b"{\"count\": 0}");
        assert_eq!(model.ready().count(), 0);
        assert!(!model.is_deadlock());
    }

    #[test]
    fn one_after_the_other_sells_one_and_refuses_one() {
        let model = after(Variant::None, 1, &[1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!(tickets(&model), [Some(1), None]);
        assert_eq!(model.buyers()[1].place, Place::Ended);
    }

    #[test]
    fn who_reads_an_empty_file_breaks_off() {
        let mut model = after(Variant::None, 1, &[1, 1, 1, 1, 1, 2, 2]);
        assert_eq!(model.buyers()[1].place, Place::Broke);
        assert!(!model.step(2));
    }

    #[test]
    fn a_lock_goes_to_who_waits_for_it() {
        let mut model = after(Variant::Flock, 1, &[1, 1, 2, 2]);
        assert_eq!(model.buyers()[1].place, Place::Waits(1));
        assert!(!model.step(2));
        for _ in 0..6 {
            assert!(model.step(1));
        }
        assert_eq!(model.buyers()[1].place, Place::At(2));
    }

    #[test]
    fn two_orders_of_two_locks_make_a_deadlock() {
        let model = after(Variant::TwoLocks, 1, &[1, 2, 1, 2, 1, 2]);
        assert!(model.is_deadlock());
    }

    #[test]
    fn a_lock_on_a_file_that_was_replaced_keeps_nobody_out() {
        let schedule = [1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2];
        let model = after(Variant::Replaced, 1, &schedule);
        assert_eq!(tickets(&model), [Some(1), Some(1)]);
    }

    #[test]
    fn a_swap_that_comes_too_late_reads_again() {
        let model = after(Variant::CompareAndSwap, 1, &[1, 1, 2, 2, 2, 2, 1, 1, 1, 2]);
        assert_eq!(model.buyers()[1].place, Place::At(1));
        assert_eq!(tickets(&model), [Some(1), None]);
    }
}
