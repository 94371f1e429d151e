//! What a fleet has said so far: who is ready, who has ended, and all that was counted. Pure.

use std::collections::BTreeMap;

use crate::{
    plan::{Pace, Plan},
    tally::Tally,
    worker::{Message, WORKER_IS_GONE, WorkerPlan},
};

/// What came of a fleet.
#[derive(Debug)]
pub(crate) struct Led {
    /// Everything that was counted.
    pub(crate) tally: Tally,
    /// When all began, on the clock that the history has; `None` where it was ended before.
    pub(crate) start_ns: Option<u64>,
    /// Clients of workers of which nobody knows how they ended: each may have had one operation open.
    pub(crate) lost: Vec<u32>,
    /// How many clients ended before the start: these did nothing at all.
    pub(crate) never_ready: u32,
    /// Whether it was ended from outside.
    pub(crate) was_interrupted: bool,
    /// Whether all workers were gone before its end.
    pub(crate) is_deserted: bool,
    /// What people should know, each with how often it was said.
    pub(crate) notes: Vec<String>,
}

/// What is known of a client.
#[derive(Clone, Copy, Debug, Default)]
struct Attendance {
    is_ready: bool,
    has_ended: bool,
}

/// What is known of a worker.
#[derive(Clone, Debug, Default)]
struct Worker {
    clients: Vec<u32>,
    /// What it has said of its figures.
    begun: u64,
    ended: u64,
    unsent: u64,
    is_over: bool,
}

/// Who has said what so far.
pub(super) struct FleetTally {
    plan: Plan,
    workers: Vec<Worker>,
    clients: Vec<Attendance>,
    present: usize,
    ready: u32,
    over: usize,
    tally: Tally,
    recent: Tally,
    lost: Vec<u32>,
    /// How many clients went with workers that are gone, and have told everything.
    gone: usize,
    notes: BTreeMap<String, u32>,
}

impl FleetTally {
    pub(super) fn new(plans: &[WorkerPlan]) -> Self {
        let workers: Vec<Worker> = plans
            .iter()
            .map(|plan| Worker { clients: plan.clients().collect(), ..Worker::default() })
            .collect();
        Self {
            plan: plans[0].plan.clone(),
            clients: vec![
                Attendance::default();
                workers.iter().map(|worker| worker.clients.len()).sum()
            ],
            workers,
            present: 0,
            ready: 0,
            over: 0,
            tally: Tally::default(),
            recent: Tally::default(),
            lost: Vec::new(),
            gone: 0,
            notes: BTreeMap::new(),
        }
    }

    /// How many clients there are.
    pub(super) fn clients(&self) -> usize {
        self.clients.len()
    }

    /// How many clients are ready.
    pub(super) fn ready(&self) -> u32 {
        self.ready
    }

    /// Whether every client is ready or has ended.
    pub(super) fn is_gathered(&self) -> bool {
        self.present == self.clients.len()
    }

    /// Everything so far, and what came since the last time.
    pub(super) fn so_far(&mut self) -> (&Tally, Tally) {
        let recent = self.recent.take();
        self.tally.merge(&recent);
        (&self.tally, recent)
    }

    /// Whether all workers have said their last word.
    pub(super) fn is_over(&self) -> bool {
        self.over == self.workers.len()
    }

    /// Takes in what a client or a worker says.
    pub(super) fn hear(&mut self, who: u32, message: Message) {
        let place = usize::try_from(who).unwrap_or(usize::MAX);
        match message {
            Message::Ready => self.attend(place, |client| &mut client.is_ready),
            Message::Ended => self.attend(place, |client| &mut client.has_ended),
            Message::Note(text) => self.note(text),
            Message::Lost(text) => {
                self.tally.unrecorded += 1;
                self.note(text);
            }
            Message::Tally(tally) => {
                self.recent.take_in(&tally);
                if let Some(worker) = self.workers.get_mut(place) {
                    worker.begun += tally.intended;
                    worker.ended += tally.outcomes.total();
                    worker.unsent += tally.unsent;
                }
            }
            Message::Done => self.end(place, false),
            Message::Died => self.end(place, true),
        }
    }

    fn attend(&mut self, client: usize, flag: impl Fn(&mut Attendance) -> &mut bool) {
        let Some(client) = self.clients.get_mut(client) else { return };
        let was = *client;
        *flag(client) = true;
        self.ready += u32::from(client.is_ready && !was.is_ready);
        self.present += usize::from(!was.is_ready && !was.has_ended);
    }

    fn end(&mut self, worker: usize, has_died: bool) {
        let Some(state) = self.workers.get_mut(worker) else { return };
        if std::mem::replace(&mut state.is_over, true) {
            return;
        }
        self.over += 1;
        let state = self.workers[worker].clone();
        if has_died {
            self.note(match state.clients.len() {
                1 => format!("worker {worker} is gone, and 1 client with it"),
                clients => format!("worker {worker} is gone, and {clients} clients with it"),
            });
        }
        if state.begun > state.ended {
            // It ended in a way of which it could not tell.
            self.give_up(&state);
        } else if has_died {
            self.gone += state.clients.len();
            self.leave_unsent(&state, state.begun);
        }
    }

    /// What a worker that nobody waits for any more had begun and did not end is unknown: as far as
    /// it has told, and at least one operation of each client.
    fn give_up(&mut self, worker: &Worker) {
        let told = worker.begun.saturating_sub(worker.ended);
        let open = told.max(worker.clients.len() as u64);
        self.recent.intended += open - told;
        self.recent.outcomes.unknown += open;
        if open > 0 {
            *self.recent.causes.entry(WORKER_IS_GONE.to_owned()).or_default() += open;
        }
        self.leave_unsent(worker, worker.begun + (open - told));
        let has_ended = |client: &u32| {
            let place = usize::try_from(*client).unwrap_or(usize::MAX);
            self.clients.get(place).is_some_and(|client| client.has_ended)
        };
        self.lost.extend(worker.clients.iter().filter(|client| !has_ended(client)));
    }

    /// What a worker that has `begun` so many operations had still to send is not sent.
    fn leave_unsent(&mut self, worker: &Worker, begun: u64) {
        if self.plan.pace != Pace::Closed {
            let due: u64 = worker.clients.iter().map(|client| self.plan.counted(*client)).sum();
            self.recent.unsent += due.saturating_sub(begun + worker.unsent);
        }
    }

    /// Notes what people should know.
    pub(super) fn note(&mut self, text: String) {
        *self.notes.entry(text).or_default() += 1;
    }

    /// What came of the fleet that was released at `start_ns`; nobody has begun anything before that.
    pub(super) fn close(
        mut self,
        start_ns: Option<u64>,
        was_interrupted: bool,
        odd: Vec<String>,
    ) -> Led {
        for worker in std::mem::take(&mut self.workers) {
            if !worker.is_over && start_ns.is_some() {
                self.give_up(&worker);
            }
        }
        let recent = self.recent.take();
        self.tally.merge(&recent);
        let mut notes: Vec<String> = self
            .notes
            .into_iter()
            .map(|(text, times)| match times {
                1 => text,
                _ => format!("{text} ({times} times)"),
            })
            .collect();
        notes.extend(odd);
        assert_eq!(self.tally.open(), 0, "RequestConservation: every operation has ended");
        assert_eq!(self.tally.intended, self.tally.outcomes.total(), "RequestConservation");
        let never_ready = self.clients.iter().filter(|client| !client.is_ready).count();
        let is_deserted = self.lost.len() + self.gone == self.clients.len();
        Led {
            tally: self.tally,
            start_ns,
            lost: self.lost,
            never_ready: u32::try_from(never_ready).unwrap_or(u32::MAX),
            was_interrupted,
            is_deserted,
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Arrivals, Profile},
        tally::WorkerTally,
    };

    /// A worker with two clients that has told of five operations, three of them sold.
    fn told(pace: Pace) -> FleetTally {
        let endless = WorkerPlan::endless(0, 1, 2);
        let plan = Plan { pace, requests: Some(10), seed: 1, ..endless.plan.clone() };
        let plans = [WorkerPlan { plan, ..endless }];
        let mut fleet = FleetTally::new(&plans);
        let mut tally = WorkerTally { intended: 5, ..WorkerTally::default() };
        tally.outcomes.sold = 3;
        fleet.hear(0, Message::Tally(Box::new(tally)));
        fleet
    }

    #[test]
    fn what_a_worker_did_not_end_is_unknown_however_it_left() {
        for last_message in [Some(Message::Done), Some(Message::Died), None] {
            let mut fleet = told(Pace::Closed);
            last_message.into_iter().for_each(|message| fleet.hear(0, message));
            let led = fleet.close(Some(0), false, Vec::new());
            assert_eq!((led.tally.outcomes.sold, led.tally.outcomes.unknown), (3, 2));
            assert_eq!((led.lost.len(), led.is_deserted), (2, true));
        }
    }

    #[test]
    fn nobody_has_begun_anything_before_all_are_released() {
        let fleet = FleetTally::new(&[WorkerPlan::endless(0, 1, 2)]);
        let led = fleet.close(None, true, Vec::new());
        assert_eq!((led.tally.intended, led.lost.len(), led.never_ready), (0, 0, 2));
    }

    #[test]
    fn what_a_worker_that_is_gone_had_still_to_send_is_unsent() {
        let profile = Profile::constant(100.0).unwrap();
        let mut fleet = told(Pace::Open { profile, arrivals: Arrivals::Constant });
        fleet.hear(0, Message::Died);
        let led = fleet.close(Some(0), false, Vec::new());
        assert_eq!((led.tally.intended, led.tally.unsent), (5, 5));
    }
}
