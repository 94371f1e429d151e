//! The measuring itself: the workers are started, released together, heard and reaped.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::interrupts::Interrupts;
use crate::{
    history::monotonic_ns,
    plan::{Pace, Plan},
    setup::Mode,
    tally::Tally,
    worker::{Crew, FleetError, Report, Reports, WORKER_IS_GONE, WorkerPlan},
};

/// How often whoever watches is told how far it is.
const TICK: Duration = Duration::from_millis(250);

/// From the release to the begin: time for the word to reach every process.
const LEAD_NS: u64 = 5_000_000;
const LEAD_PROCESSES_NS: u64 = 30_000_000;

/// How long workers may take to say their last word once they are stopped.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The longest run without an end of its own.
const FOREVER: Duration = Duration::from_secs(7 * 24 * 3600);

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage<'a> {
    /// So many clients are ready.
    Gathering(u32),
    /// It is under way: since the start, everything so far, and what came since the last time.
    Running(Duration, &'a Tally, &'a Tally),
}

/// What was measured.
#[derive(Debug)]
pub(super) struct Measured {
    /// Everything that was counted.
    pub(super) tally: Tally,
    /// When all began, on the clock that the history has.
    pub(super) start_ns: u64,
    /// Clients of workers of which nobody knows how they ended: each may have had one operation open.
    pub(super) lost: Vec<u32>,
    /// Whether it was ended from outside.
    pub(super) was_interrupted: bool,
    /// Whether all workers were gone before its end.
    pub(super) is_deserted: bool,
    /// What people should know, each with how often it was said.
    pub(super) notes: Vec<String>,
}

/// Lets `plans` be carried out, for up to `limit` after the start where that is known; `watch`
/// hears how far it is.
///
/// # Errors
/// The workers cannot be started, or are not ready in time.
pub(super) async fn measure(
    mode: Mode,
    plans: Vec<WorkerPlan>,
    limit: Option<Duration>,
    interrupts: &mut Interrupts,
    watch: &mut dyn FnMut(Stage<'_>),
) -> Result<Measured, FleetError> {
    let mut books = Books::new(&plans);
    let gather_limit = Duration::from_secs(30)
        + Duration::from_nanos(plans[0].timeout_ns)
        + Duration::from_millis(50) * u32::try_from(plans.len()).unwrap_or(u32::MAX);
    let (crew, mut reports) = Crew::start(mode, plans).await?;
    let gathered = tokio::select! {
        () = books.gather(&mut reports, watch) => true,
        () = interrupts.next() => false,
        () = tokio::time::sleep(gather_limit) => {
            return Err(FleetError::NotReady {
                ready: books.ready,
                workers: books.clients.len(),
                limit: gather_limit,
            });
        }
    };
    if !gathered {
        crew.reap(false).await;
        return Ok(books.close(0, true, Vec::new()));
    }
    let lead_ns = if mode == Mode::Process { LEAD_PROCESSES_NS } else { LEAD_NS };
    let start_ns = monotonic_ns() + lead_ns;
    let begun = Instant::now() + Duration::from_nanos(lead_ns);
    crew.release(start_ns);
    let deadline = begun + limit.unwrap_or(FOREVER);
    let was_interrupted = books.collect(&mut reports, begun, deadline, &crew, interrupts, watch);
    let was_interrupted = was_interrupted.await;
    let odd = crew.reap(books.is_over()).await;
    // Who was given up has said what he had by then.
    while let Ok((who, report)) = reports.try_recv() {
        books.hear(who, report);
    }
    Ok(books.close(start_ns, was_interrupted, odd))
}

#[derive(Clone, Debug, Default)]
struct Worker {
    clients: Vec<u32>,
    /// What it has said of its figures.
    begun: u64,
    ended: u64,
    unsent: u64,
    is_over: bool,
}

/// Who has said what.
struct Books {
    plan: Plan,
    workers: Vec<Worker>,
    clients: Vec<bool>,
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

impl Books {
    fn new(plans: &[WorkerPlan]) -> Self {
        let workers: Vec<Worker> = plans
            .iter()
            .map(|plan| Worker { clients: plan.clients().collect(), ..Worker::default() })
            .collect();
        Self {
            plan: plans[0].plan.clone(),
            clients: vec![false; workers.iter().map(|worker| worker.clients.len()).sum()],
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

    fn is_over(&self) -> bool {
        self.over == self.workers.len()
    }

    async fn gather(&mut self, reports: &mut Reports, watch: &mut dyn FnMut(Stage<'_>)) {
        while self.present < self.clients.len()
            && let Some((who, report)) = reports.recv().await
        {
            self.hear(who, report);
            watch(Stage::Gathering(self.ready));
        }
    }

    /// Hears the workers until all have said their last word; returns whether that was hurried.
    async fn collect(
        &mut self,
        reports: &mut Reports,
        begun: Instant,
        mut deadline: Instant,
        crew: &Crew,
        interrupts: &mut Interrupts,
        watch: &mut dyn FnMut(Stage<'_>),
    ) -> bool {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_stopping = false;
        let mut was_interrupted = false;
        while !self.is_over() {
            tokio::select! {
                heard = reports.recv() => match heard {
                    Some((who, report)) => self.hear(who, report),
                    None => break,
                },
                _ = ticks.tick() => {
                    let recent = self.recent.take();
                    self.tally.merge(&recent);
                    watch(Stage::Running(begun.elapsed(), &self.tally, &recent));
                }
                () = interrupts.next() => {
                    // Who asks twice does not want to wait for the last answers.
                    if was_interrupted {
                        break;
                    }
                    was_interrupted = true;
                    is_stopping = true;
                    deadline = Instant::now() + STOP_LIMIT;
                    crew.stop();
                }
                () = sleep_until(deadline.into()) => {
                    if is_stopping {
                        self.note("some workers did not end and were given up".to_owned());
                        break;
                    }
                    self.note("the run took longer than it may, and was stopped".to_owned());
                    is_stopping = true;
                    deadline = Instant::now() + STOP_LIMIT;
                    crew.stop();
                }
            }
        }
        was_interrupted
    }

    fn hear(&mut self, who: u32, report: Report) {
        let place = usize::try_from(who).unwrap_or(usize::MAX);
        match report {
            Report::Ready => {
                self.ready += 1;
                self.attend(place);
            }
            Report::Ended => self.attend(place),
            Report::Operation(_) => {}
            Report::Note(text) => self.note(text),
            Report::Lost(text) => {
                self.tally.unrecorded += 1;
                self.note(text);
            }
            Report::Tally(tally) => {
                self.recent.take_in(&tally);
                if let Some(worker) = self.workers.get_mut(place) {
                    worker.begun += tally.intended;
                    worker.ended += tally.outcomes.total();
                    worker.unsent += tally.unsent;
                }
            }
            Report::Done => self.end(place, false),
            Report::Died => self.end(place, true),
        }
    }

    fn attend(&mut self, client: usize) {
        if let Some(is_present) = self.clients.get_mut(client)
            && !std::mem::replace(is_present, true)
        {
            self.present += 1;
        }
    }

    fn end(&mut self, worker: usize, has_died: bool) {
        let Some(state) = self.workers.get_mut(worker) else { return };
        if std::mem::replace(&mut state.is_over, true) {
            return;
        }
        self.over += 1;
        let state = self.workers[worker].clone();
        if has_died {
            let clients = state.clients.len();
            self.note(format!("worker {worker} is gone, and {clients} clients with it"));
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
        self.lost.extend(&worker.clients);
    }

    /// What a worker that has `begun` so many operations had still to send is not sent.
    fn leave_unsent(&mut self, worker: &Worker, begun: u64) {
        if self.plan.pace != Pace::Closed {
            let due: u64 = worker.clients.iter().map(|client| self.plan.counted(*client)).sum();
            self.recent.unsent += due.saturating_sub(begun + worker.unsent);
        }
    }

    fn note(&mut self, text: String) {
        *self.notes.entry(text).or_default() += 1;
    }

    fn close(mut self, start_ns: u64, was_interrupted: bool, odd: Vec<String>) -> Measured {
        for worker in std::mem::take(&mut self.workers) {
            if !worker.is_over {
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
        let is_deserted = self.lost.len() + self.gone == self.clients.len();
        Measured {
            tally: self.tally,
            start_ns,
            lost: self.lost,
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
    fn told(pace: Pace) -> Books {
        let endless = WorkerPlan::endless(0, 1, 2);
        let plan = Plan { pace, requests: Some(10), seed: 1, ..endless.plan.clone() };
        let plans = [WorkerPlan { plan, ..endless }];
        let mut books = Books::new(&plans);
        let mut tally = WorkerTally { intended: 5, ..WorkerTally::default() };
        tally.outcomes.sold = 3;
        books.hear(0, Report::Tally(Box::new(tally)));
        books
    }

    #[test]
    fn what_a_worker_did_not_end_is_unknown_however_it_left() {
        for last_word in [Some(Report::Done), Some(Report::Died), None] {
            let mut books = told(Pace::Closed);
            last_word.into_iter().for_each(|word| books.hear(0, word));
            let measured = books.close(0, false, Vec::new());
            assert_eq!((measured.tally.outcomes.sold, measured.tally.outcomes.unknown), (3, 2));
            assert_eq!((measured.lost.len(), measured.is_deserted), (2, true));
        }
    }

    #[test]
    fn what_a_worker_that_is_gone_had_still_to_send_is_unsent() {
        let profile = Profile::constant(100.0).unwrap();
        let mut books = told(Pace::Open { profile, arrivals: Arrivals::Constant });
        books.hear(0, Report::Died);
        let measured = books.close(0, false, Vec::new());
        assert_eq!((measured.tally.intended, measured.tally.unsent), (5, 5));
    }
}
