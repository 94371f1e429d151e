//! What one client does: one operation after the other, as its schedule says. The same in the race
//! and in a run, in a process, a thread and a task, in a closed and in an open loop.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{task::yield_now, time::sleep};

use super::{
    barrier::Participant,
    entry::{Begun, End},
    messages::Message,
    plan::Retries,
    rendezvous::Member,
    state::WorkerState,
    watchdog::Watchdog,
};
use crate::{
    history::{Answer, Outcome, monotonic_ns},
    plan::{Action, Fate, FollowUp, Next, Pace, Schedule, Step},
    shop::{Order, Response, Session, SessionError, Waiting},
};

/// How long a client that waits sleeps at a time: whoever stops the run does not wait for longer.
const NAP: Duration = Duration::from_millis(250);

/// How long after the end of an open loop what was due before it may still be sent.
const CATCH_UP_NS: u64 = 500_000_000;

/// How long a closed loop waits where nobody could be reached: a server that is gone must not make
/// it count to millions.
const FAILURE_PAUSE: Duration = Duration::from_millis(10);

/// How long a client may keep the event loop to itself: one that is alone there waits in its system
/// calls, and the loop would never come to what is to be said and heard beside.
const BREATH_NS: u64 = 100_000_000;

struct Client {
    worker: Arc<WorkerState>,
    number: u32,
    session: Session,
    watchdog: Watchdog,
    start_ns: u64,
    begun: u64,
    fate: Fate,
    /// Its place among the others, where they keep together.
    member: Option<Member>,
    /// What it does next with what it was given.
    pending: Option<Pending>,
}

/// What a client does next with a hold or a sale.
struct Pending {
    action: Action,
    /// Which of its operations made that; `None` where it begins anew.
    of: Option<u64>,
    token: String,
    /// Not before this, in nanoseconds of the run's clock.
    from_ns: u64,
}

/// What an operation came to.
struct CameTo {
    /// How it ended, where the client had to know.
    outcome: Option<Outcome>,
    /// Whether nobody could be reached.
    has_reached_nobody: bool,
}

/// What a client still has to do; where it is dropped, what was due until then and is not begun is
/// counted as unsent.
struct Agenda {
    worker: Arc<WorkerState>,
    schedule: Schedule,
    start_ns: u64,
    /// What comes next and is not begun.
    next: Option<Step>,
    /// Whether nothing more is wanted, whatever is due.
    is_done: bool,
}

impl Agenda {
    /// Looks at what comes next, where it is `now_ns` since the start; `follow_up` where there is one.
    fn look(&mut self, now_ns: u64, follow_up: Option<Action>) -> Option<Step> {
        self.next = match self.schedule.next(now_ns, follow_up) {
            Next::Step(step) => Some(step),
            Next::Over => None,
        };
        self.next
    }
}

impl Drop for Agenda {
    fn drop(&mut self) {
        if self.worker.plan.plan.pace == Pace::Closed || self.is_done {
            return;
        }
        let now_ns = since(self.start_ns);
        let mut next = self.next.or_else(|| self.look(now_ns, None));
        while let Some(step) = next
            && step.due_ns < now_ns
        {
            if step.is_counted {
                self.worker.leave_unsent(self.start_ns + step.due_ns, self.start_ns + now_ns);
            }
            next = self.look(now_ns, None);
        }
    }
}

/// Carries out the operations of one client.
pub(super) async fn serve(worker: Arc<WorkerState>, mut participant: Participant) {
    let number = participant.client();
    let mut watchdog = Watchdog::new();
    let session = match ready(&worker, number, &mut watchdog).await {
        Ok(session) => session,
        Err(reason) => return participant.say(Message::Note(reason)),
    };
    // IMPORTANT: before it says so: nobody is released until all have joined.
    let slot = worker.plan.slot(number);
    let member = worker.rendezvous.as_ref().map(|rendezvous| rendezvous.join(slot));
    participant.say(Message::Ready);
    let Some(start_ns) = participant.released().await else { return };
    let schedule = worker.plan.plan.schedule(number);
    let agenda =
        Agenda { worker: Arc::clone(&worker), schedule, start_ns, next: None, is_done: false };
    let fate = worker.plan.plan.fate(number);
    let (begun, pending) = (0, None);
    let client =
        Client { worker, number, session, watchdog, start_ns, begun, fate, member, pending };
    client.work(agenda).await;
}

/// Sets up the way to the shop; `Err` says why this client stays out of it.
async fn ready(
    worker: &WorkerState,
    client: u32,
    watchdog: &mut Watchdog,
) -> Result<Session, String> {
    let plan = &worker.plan;
    let waiting = Waiting::of(plan.clients().count(), plan.timeout());
    let session =
        Session::at(plan.address(client), client, plan.plan.holds, waiting, &worker.tls_configs)
            .await;
    let mut session = session.map_err(|error: SessionError| error.to_string())?;
    let order = Order { run: plan.run, client, number: 0, token: "" };
    // Whoever cannot log in buys nothing.
    session.begin(order).await.map_err(|fault| fault.to_string())?;
    if plan.plan.pace != Pace::Closed {
        // A connection is opened once a request is due and nobody has left one.
        session.share(worker.idle.clone());
        return Ok(session);
    }
    let limit = (monotonic_ns(), plan.timeout());
    // Where that fails, the first operation tries again, and counts what comes of it.
    let _ = watchdog.within(limit, pin!(session.connect())).await;
    Ok(session)
}

impl Client {
    async fn work(mut self, mut agenda: Agenda) {
        let slot = self.worker.plan.slot(self.number);
        self.worker.pacer.until(slot, self.start_ns).await;
        let is_open_loop = self.worker.plan.plan.pace != Pace::Closed;
        let mut breathed_ns = 0;
        loop {
            let pending = self.pending.take();
            if let Some(Pending { from_ns: from_ns @ 1.., .. }) = pending {
                self.worker.pacer.until(slot, from_ns).await;
            }
            let mut now_ns = monotonic_ns();
            let follow_up = pending.as_ref().map(|pending| pending.action);
            let look = agenda.look(now_ns.saturating_sub(self.start_ns), follow_up);
            let Some(step) = look else { return };
            if now_ns > breathed_ns + BREATH_NS {
                breathed_ns = now_ns;
                yield_now().await;
                now_ns = monotonic_ns();
            }
            let due_ns = is_open_loop.then_some(self.start_ns + step.due_ns);
            if let Some(due_ns) = due_ns {
                self.worker.pacer.until(slot, due_ns).await;
                now_ns = monotonic_ns();
            }
            if let Some(member) = &mut self.member {
                member.meet().await;
                now_ns = monotonic_ns();
            }
            if self.worker.is_stopping() || self.is_over(now_ns) {
                return;
            }
            agenda.next = None;
            let came_to = self.carry_out(step, pending, due_ns, now_ns).await;
            self.session.rest();
            if let Some(member) = &mut self.member {
                member.part(came_to.outcome);
            }
            let until_sold_out = self.worker.plan.plan.until_sold_out;
            if until_sold_out && came_to.outcome == Some(Outcome::SoldOut) {
                agenda.is_done = true;
                return;
            }
            if came_to.has_reached_nobody && !is_open_loop {
                sleep(FAILURE_PAUSE).await;
            }
        }
    }

    /// Whether nothing is sent any more at `now_ns`, whenever it was due.
    fn is_over(&self, now_ns: u64) -> bool {
        let plan = &self.worker.plan.plan;
        let catch_up_ns = if plan.pace == Pace::Closed { 0 } else { CATCH_UP_NS };
        plan.end_ns.is_some_and(|end_ns| now_ns >= self.start_ns + end_ns + catch_up_ns)
    }

    /// Carries out one operation, which in a closed loop is due when it is sent, and that is at
    /// `sent_ns`: now.
    async fn carry_out(
        &mut self,
        step: Step,
        pending: Option<Pending>,
        due_ns: Option<u64>,
        sent_ns: u64,
    ) -> CameTo {
        let Step { action, is_counted, .. } = step;
        let (client, number) = (self.number, self.begun);
        self.begun += 1;
        let due_ns = due_ns.unwrap_or(sent_ns);
        let of = pending.as_ref().and_then(|pending| pending.of);
        let begun = Begun { number, action, of, is_counted, due_ns, sent_ns };
        self.worker.begin(client, begun);
        let token = pending.as_ref().map_or("", |pending| &pending.token);
        let order = Order { run: self.worker.plan.run, client, number, token };
        // What nothing can follow on is not read here.
        let may_follow = self.fate.may_follow(action);
        let plan = &self.worker.plan.plan;
        let is_heard = may_follow || plan.until_sold_out || plan.waves.is_some();
        let mut heard = None;
        let end = if self.worker.plan.retries != Retries::Never {
            let first = self.attempt(action, order, sent_ns).await;
            let (answer, token) = self.settle(action, order, first).await;
            heard = Some(Heard::of(&answer, token));
            End::Answer(answer, monotonic_ns())
        } else {
            let limit = self.session.patience(self.worker.plan.timeout());
            let (session, watchdog) = (&mut self.session, &mut self.watchdog);
            match response(session, watchdog, (action, order), (sent_ns, limit)).await {
                Some(Response::Reply(reply, reader)) => {
                    if is_heard {
                        let token = if may_follow { reader.token(reply) } else { None };
                        heard = Some(Heard::of(&reader.read(action, reply), token));
                    }
                    End::Reply(reader.needed(reply))
                }
                Some(Response::Answer(answer)) => {
                    // What it gave is kept where it was read.
                    heard = Some(Heard::of(&answer, Some(String::new())));
                    End::Answer(*answer, monotonic_ns())
                }
                None => End::Answer(self.session.gave_up(action, limit), monotonic_ns()),
            }
        };
        let is_nobody =
            |answer: &Answer| answer.missing.is_some() && answer.outcome == Outcome::Refused;
        let has_reached_nobody = matches!(&end, End::Answer(answer, _) if is_nobody(answer));
        self.worker.end(client, begun, end);
        let outcome = heard.as_ref().map(|heard| heard.outcome);
        if may_follow && let Some(heard) = heard {
            self.pending = follow_up(&mut self.fate, begun, heard);
        }
        CameTo { outcome, has_reached_nobody }
    }

    /// Waits for `pause`; returns whether anything is sent after it.
    async fn wait(&self, pause: Duration) -> bool {
        let end_ns = monotonic_ns() + u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        if self.is_over(end_ns) {
            return false;
        }
        while !self.worker.is_stopping() {
            let rest_ns = end_ns.saturating_sub(monotonic_ns());
            if rest_ns == 0 {
                return true;
            }
            sleep(Duration::from_nanos(rest_ns).min(NAP)).await;
        }
        false
    }

    /// What came of sending `order` once.
    async fn attempt(&mut self, action: Action, order: Order<'_>, sent_ns: u64) -> Attempt {
        let may_follow = self.fate.may_follow(action);
        let limit = self.session.patience(self.worker.plan.timeout());
        let (session, watchdog) = (&mut self.session, &mut self.watchdog);
        match response(session, watchdog, (action, order), (sent_ns, limit)).await {
            Some(Response::Reply(reply, reader)) => {
                let answer = reader.read(action, reply);
                let token = if may_follow { reader.token(reply) } else { None };
                let retry_after = if answer.is_passing { reader.retry_after(reply) } else { None };
                Attempt { answer, token, retry_after }
            }
            Some(Response::Answer(answer)) => {
                let token = may_follow.then(String::new);
                let retry_after = self.session.retry_after();
                Attempt { answer: *answer, token, retry_after }
            }
            None => {
                let answer = self.session.gave_up(action, limit);
                Attempt { answer, token: None, retry_after: None }
            }
        }
    }

    /// Sends again, under the same key, what got no final answer, and no earlier than the shop wants it.
    async fn settle(
        &mut self,
        action: Action,
        order: Order<'_>,
        first: Attempt,
    ) -> (Answer, Option<String>) {
        let Attempt { mut answer, mut token, mut retry_after } = first;
        let mut may_have_happened = false;
        let mut pauses = self.worker.plan.retries.pauses();
        while let Some(pause) = pauses.next(&mut answer, retry_after)
            && self.wait(pause).await
        {
            may_have_happened |= answer.outcome == Outcome::Unknown;
            let is_turned_away = answer.is_turned_away;
            Attempt { answer, token, retry_after } =
                self.attempt(action, order, monotonic_ns()).await;
            answer.is_turned_away &= is_turned_away;
        }
        if may_have_happened && answer.outcome == Outcome::Refused {
            answer.outcome = Outcome::Unknown;
        }
        (answer, token)
    }
}

/// What came of sending something once.
struct Attempt {
    answer: Answer,
    /// The token that it brought, where one may be needed.
    token: Option<String>,
    /// When the shop wants it again, where it says so.
    retry_after: Option<Duration>,
}

/// What a client needs of an answer to go on.
struct Heard {
    outcome: Outcome,
    remaining: Option<i64>,
    /// As in [`Attempt`].
    token: Option<String>,
}

impl Heard {
    fn of(answer: &Answer, token: Option<String>) -> Self {
        Self { outcome: answer.outcome, remaining: answer.remaining, token }
    }
}

/// What follows on what was `begun` and `heard`.
fn follow_up(fate: &mut Fate, begun: Begun, heard: Heard) -> Option<Pending> {
    let Heard { outcome, remaining, token } = heard;
    let is_sold_out = outcome == Outcome::SoldOut;
    if !is_sold_out && !matches!(outcome, Outcome::Sold | Outcome::Done) {
        return None;
    }
    let FollowUp { action, wait_ns } = fate.after(begun.action, is_sold_out, remaining)?;
    let from_ns = if wait_ns == 0 { 0 } else { monotonic_ns() + wait_ns };
    if is_sold_out {
        return Some(Pending { action, of: None, token: String::new(), from_ns });
    }
    Some(Pending { action, of: Some(begun.number), token: token?, from_ns })
}

/// What comes back from `session`; `None` where that takes longer than the limit from `now_ns` on.
async fn response<'a>(
    session: &'a mut Session,
    watchdog: &mut Watchdog,
    (action, order): (Action, Order<'_>),
    (now_ns, limit): (u64, Duration),
) -> Option<Response<'a>> {
    let call = pin!(session.call(action, order, now_ns));
    watchdog.within((now_ns, limit), call).await
}

fn since(start_ns: u64) -> u64 {
    monotonic_ns().saturating_sub(start_ns)
}
