//! What one client does: one operation after the other, as its schedule says. The same in the race
//! and in a run, in a process, a thread and a task, in a closed and in an open loop.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{task::yield_now, time::sleep};

use super::{
    desk::Desk,
    entry::Begun,
    seat::{Report, Seat},
    watchdog::Watchdog,
};
use crate::{
    history::{Outcome, monotonic_ns},
    plan::{Action, Next, Pace, Schedule, Step},
    shop::{Heard, Order, Returned, Session, SessionError, Waiting},
};

/// How often an operation is sent at most, where it is sent again.
const ATTEMPTS_MAX: u32 = 10;

/// How long it waits before it is sent again; twice as long each time, up to the longest.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long after the end of an open loop what was due before it may still be sent.
const CATCH_UP_NS: u64 = 500_000_000;

/// How long a closed loop waits where nobody could be reached: a server that is gone must not make
/// it count to millions.
const FAILURE_PAUSE: Duration = Duration::from_millis(10);

/// How long a client may keep the event loop to itself: one that is alone there waits in its system
/// calls, and the loop would never come to what is to be said and heard beside.
const BREATH_NS: u64 = 100_000_000;

struct Client {
    desk: Arc<Desk>,
    number: u32,
    target: Session,
    watchdog: Watchdog,
    start_ns: u64,
    begun: u64,
}

/// What a client still has to do; where it is dropped, what was due until then and is not begun is
/// counted as unsent.
struct Agenda {
    desk: Arc<Desk>,
    schedule: Schedule,
    start_ns: u64,
    /// What comes next and is not begun.
    next: Option<Step>,
}

impl Agenda {
    /// Looks at what comes next, where it is `now_ns` since the start.
    fn look(&mut self, now_ns: u64) -> Option<Step> {
        self.next = match self.schedule.next(now_ns) {
            Next::Step(step) => Some(step),
            Next::Over => None,
        };
        self.next
    }
}

impl Drop for Agenda {
    fn drop(&mut self) {
        if self.desk.plan.plan.pace == Pace::Closed {
            return;
        }
        let now_ns = since(self.start_ns);
        let mut next = self.next.or_else(|| self.look(now_ns));
        while let Some(step) = next
            && step.due_ns < now_ns
        {
            if step.is_counted {
                self.desk.leave_unsent(self.start_ns + step.due_ns, self.start_ns + now_ns);
            }
            next = self.look(now_ns);
        }
    }
}

/// Carries out the operations of the client that sits on `seat`.
pub(super) async fn serve(desk: Arc<Desk>, mut seat: Seat) {
    let number = seat.client();
    let mut watchdog = Watchdog::new();
    let target = match ready(&desk, number, &mut watchdog).await {
        Ok(target) => target,
        Err(reason) => return seat.say(Report::Note(reason)),
    };
    seat.say(Report::Ready);
    let Some(start_ns) = seat.released().await else { return };
    let schedule = desk.plan.plan.schedule(number);
    let agenda = Agenda { desk: Arc::clone(&desk), schedule, start_ns, next: None };
    let client = Client { desk, number, target, watchdog, start_ns, begun: 0 };
    client.work(agenda).await;
}

/// Sets up the way to the shop; `Err` says why this client stays out of it.
async fn ready(desk: &Desk, client: u32, watchdog: &mut Watchdog) -> Result<Session, String> {
    let plan = &desk.plan;
    let waiting = Waiting::of(plan.clients().count(), plan.timeout());
    let target = Session::at(plan.address(client), waiting, &desk.tls_configs).await;
    let mut target = target.map_err(|error: SessionError| error.to_string())?;
    if plan.plan.pace != Pace::Closed && !plan.must_connect {
        // A connection is opened once a request is due and nobody has left one.
        target.share(desk.idle.clone());
        return Ok(target);
    }
    let limit = (monotonic_ns(), plan.timeout());
    let connected = watchdog.within(limit, pin!(target.connect())).await;
    match connected {
        Some(Ok(())) => Ok(target),
        // The first operation tries again, and counts what comes of it.
        _ if !plan.must_connect => Ok(target),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("cannot reach the server within the timeout".to_owned()),
    }
}

impl Client {
    async fn work(mut self, mut agenda: Agenda) {
        let slot = self.desk.plan.slot(self.number);
        self.desk.pacer.until(slot, self.start_ns).await;
        let is_open_loop = self.desk.plan.plan.pace != Pace::Closed;
        let mut breathed_ns = 0;
        loop {
            let mut now_ns = monotonic_ns();
            let Some(step) = agenda.look(now_ns.saturating_sub(self.start_ns)) else { return };
            if now_ns > breathed_ns + BREATH_NS {
                breathed_ns = now_ns;
                yield_now().await;
                now_ns = monotonic_ns();
            }
            let due_ns = is_open_loop.then_some(self.start_ns + step.due_ns);
            if let Some(due_ns) = due_ns {
                self.desk.pacer.until(slot, due_ns).await;
                now_ns = monotonic_ns();
            }
            if self.desk.is_stopping() || self.is_over(now_ns) {
                return;
            }
            agenda.next = None;
            let has_reached_nobody = self.carry_out(step, due_ns, now_ns).await;
            self.target.rest();
            if has_reached_nobody && !is_open_loop {
                sleep(FAILURE_PAUSE).await;
            }
        }
    }

    /// Whether nothing is sent any more at `now_ns`, whenever it was due.
    fn is_over(&self, now_ns: u64) -> bool {
        let plan = &self.desk.plan.plan;
        let catch_up_ns = if plan.pace == Pace::Closed { 0 } else { CATCH_UP_NS };
        plan.end_ns.is_some_and(|end_ns| now_ns >= self.start_ns + end_ns + catch_up_ns)
    }

    /// Carries out one operation, which in a closed loop is due when it is sent, and that is at
    /// `sent_ns`: now. Returns whether nobody could be reached.
    async fn carry_out(&mut self, step: Step, due_ns: Option<u64>, sent_ns: u64) -> bool {
        let Step { action, is_counted, .. } = step;
        let (client, number) = (self.number, self.begun);
        self.begun += 1;
        let due_ns = due_ns.unwrap_or(sent_ns);
        let begun = Begun { number, action, is_counted, due_ns, sent_ns };
        self.desk.begin(client, begun);
        let order = Order { run: self.desk.plan.run, client, number };
        let returned = if self.desk.plan.retries {
            let first = self.attempt(action, order, sent_ns).await;
            self.settle(action, order, first).await
        } else {
            let limit = self.desk.plan.timeout();
            let (target, watchdog) = (&mut self.target, &mut self.watchdog);
            match heard(target, watchdog, (action, order), (sent_ns, limit)).await {
                Some(Heard::Reply(reply, reading)) => {
                    self.desk.answer(client, begun, reading.needed(reply));
                    return false;
                }
                Some(Heard::Returned(returned)) => *returned,
                None => self.target.gave_up(action, limit),
            }
        };
        let has_reached_nobody = returned.has_failed && returned.answer.outcome == Outcome::Refused;
        self.desk.end(client, begun, returned, monotonic_ns());
        has_reached_nobody
    }

    async fn attempt(&mut self, action: Action, order: Order, sent_ns: u64) -> Returned {
        let limit = self.desk.plan.timeout();
        match heard(&mut self.target, &mut self.watchdog, (action, order), (sent_ns, limit)).await {
            Some(heard) => heard.read(action),
            None => self.target.gave_up(action, limit),
        }
    }

    /// Sends again, under the same key, what got no final answer.
    async fn settle(&mut self, action: Action, order: Order, first: Returned) -> Returned {
        let mut returned = first;
        let mut may_have_happened = false;
        let mut pause = RETRY_PAUSE;
        for _ in 1..ATTEMPTS_MAX {
            if !returned.is_passing || self.desk.is_stopping() || self.is_over(monotonic_ns()) {
                break;
            }
            may_have_happened |= returned.answer.outcome == Outcome::Unknown;
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
            returned = self.attempt(action, order, monotonic_ns()).await;
        }
        if may_have_happened && returned.answer.outcome == Outcome::Refused {
            returned.answer.outcome = Outcome::Unknown;
        }
        returned
    }
}

/// What comes back from `target`; `None` where that takes longer than the limit from `now_ns` on.
async fn heard<'a>(
    target: &'a mut Session,
    watchdog: &mut Watchdog,
    (action, order): (Action, Order),
    (now_ns, limit): (u64, Duration),
) -> Option<Heard<'a>> {
    let call = pin!(target.call(action, order, now_ns));
    watchdog.within((now_ns, limit), call).await
}

fn since(start_ns: u64) -> u64 {
    monotonic_ns().saturating_sub(start_ns)
}
