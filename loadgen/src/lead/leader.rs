//! One leader for every show: the workers are started, released together, heard and reaped.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::{
    fleet_tally::{FleetTally, Led},
    interrupts::Interrupts,
};
use crate::{
    history::monotonic_ns,
    setup::Mode,
    tally::Tally,
    worker::{Fleet, FleetError, MessageReceiver, WorkerPlan},
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
pub(crate) enum Stage<'a> {
    /// So many clients are ready.
    Gathering(u32),
    /// It is under way: since the start, everything so far, and what came since the last time.
    Running(Duration, &'a Tally, &'a Tally),
}

/// Lets `plans` be carried out, for up to `limit` after the start where that is known; `watch`
/// hears how far it is.
///
/// # Errors
/// The workers cannot be started, or are not ready in time.
pub(crate) async fn lead(
    mode: Mode,
    plans: Vec<WorkerPlan>,
    limit: Option<Duration>,
    interrupts: &mut Interrupts,
    watch: &mut dyn FnMut(Stage<'_>),
) -> Result<Led, FleetError> {
    let mut tally = FleetTally::new(&plans);
    let gather_limit = Duration::from_secs(30)
        + Duration::from_nanos(plans[0].timeout_ns)
        + Duration::from_millis(50) * u32::try_from(plans.len()).unwrap_or(u32::MAX);
    let (fleet, mut messages) = Fleet::start(mode, plans).await?;
    let gathered = tokio::select! {
        () = gather(&mut tally, &mut messages, watch) => true,
        () = interrupts.next() => false,
        () = tokio::time::sleep(gather_limit) => {
            return Err(FleetError::NotReady {
                ready: tally.ready(),
                workers: tally.clients(),
                limit: gather_limit,
            });
        }
    };
    if !gathered {
        fleet.reap(false).await;
        return Ok(tally.close(None, true, Vec::new()));
    }
    let lead_ns = if mode == Mode::Process { LEAD_PROCESSES_NS } else { LEAD_NS };
    let start_ns = monotonic_ns() + lead_ns;
    let begun = Instant::now() + Duration::from_nanos(lead_ns);
    fleet.release(start_ns);
    let deadline = begun + limit.unwrap_or(FOREVER);
    let mut hearing = Hearing { tally: &mut tally, fleet: &fleet, begun, watch };
    let was_interrupted = hearing.until_over(&mut messages, deadline, interrupts).await;
    let odd = fleet.reap(tally.is_over()).await;
    // Who was given up has said what he had by then.
    while let Ok((who, message)) = messages.try_recv() {
        tally.hear(who, message);
    }
    Ok(tally.close(Some(start_ns), was_interrupted, odd))
}

async fn gather(
    tally: &mut FleetTally,
    messages: &mut MessageReceiver,
    watch: &mut dyn FnMut(Stage<'_>),
) {
    while !tally.is_gathered()
        && let Some((who, message)) = messages.recv().await
    {
        tally.hear(who, message);
        watch(Stage::Gathering(tally.ready()));
    }
}

/// A fleet at work.
struct Hearing<'a> {
    tally: &'a mut FleetTally,
    fleet: &'a Fleet,
    begun: Instant,
    watch: &'a mut dyn FnMut(Stage<'_>),
}

impl Hearing<'_> {
    /// Hears the workers until all have said their last word; returns whether that was hurried.
    async fn until_over(
        &mut self,
        messages: &mut MessageReceiver,
        mut deadline: Instant,
        interrupts: &mut Interrupts,
    ) -> bool {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_stopping = false;
        let mut was_interrupted = false;
        while !self.tally.is_over() {
            tokio::select! {
                heard = messages.recv() => match heard {
                    Some((who, message)) => self.tally.hear(who, message),
                    None => break,
                },
                _ = ticks.tick() => {
                    let (all, recent) = self.tally.so_far();
                    (self.watch)(Stage::Running(self.begun.elapsed(), all, &recent));
                }
                () = interrupts.next() => {
                    // Who asks twice does not want to wait for the last answers.
                    if was_interrupted {
                        break;
                    }
                    was_interrupted = true;
                    is_stopping = true;
                    deadline = Instant::now() + STOP_LIMIT;
                    self.fleet.stop();
                }
                () = sleep_until(deadline.into()) => {
                    if is_stopping {
                        self.tally.note("some workers did not end and were given up".to_owned());
                        break;
                    }
                    self.tally.note("the run took longer than it may, and was stopped".to_owned());
                    is_stopping = true;
                    deadline = Instant::now() + STOP_LIMIT;
                    self.fleet.stop();
                }
            }
        }
        was_interrupted
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{plan::Work, shop::Address};

    #[tokio::test]
    async fn clients_that_cannot_begin_have_done_nothing() {
        let endless = WorkerPlan::endless(0, 1, 12);
        let mut plan = WorkerPlan {
            addresses: vec![Address::File {
                path: PathBuf::from("no-such-folder/db.txt"),
                locked: true,
                check_delay_ns: 0,
                write_delay_ns: 0,
            }],
            ..endless
        };
        plan.plan.work = Work::SearchThenBuy;
        let mut interrupts = Interrupts::new().unwrap();
        let led = lead(Mode::Task, vec![plan], None, &mut interrupts, &mut |_| {}).await.unwrap();
        assert_eq!((led.tally.intended, led.never_ready, led.lost.len()), (0, 12, 0));
        assert!(led.notes[0].contains("no-such-folder"), "{:?}", led.notes);
    }
}
