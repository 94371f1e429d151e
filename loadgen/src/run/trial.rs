//! The first operations of a run on somebody's shop, alone: a map that does not know the shop's answers is found out
//! before more is bought.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::{
    config::RunConfig,
    preparation::{PreparationError, Prepared, look_behind_sale, misfit},
};
use crate::{
    history::{
        Answer, HistoryWriter, Missing, Operation, OperationKind, Outcome, monotonic_ns, signed,
    },
    lead::HistoryError,
    plan::Action,
    shop::{Order, Response, Session},
    tally::{Seen, Tally, WorkerTally},
    worker::{Begun, Retries, Terms, ending},
};

/// Whether the run that `config` describes begins with a trial.
pub(super) fn is_due(config: &RunConfig) -> bool {
    !actions(config).is_empty()
}

/// What is tried: everything that the clients will do with what they are given, once. One operation at least is
/// left to them.
fn actions(config: &RunConfig) -> Vec<Action> {
    if config.map.is_none() {
        return Vec::new();
    }
    let (work, holds) = (config.plan.work, &config.plan.holds);
    let mut actions = Vec::new();
    if work.buys() {
        actions.push(Action::Buy);
        actions.extend((holds.refund > 0.0).then_some(Action::Refund));
    }
    if work.holds() {
        actions.push(Action::Hold);
        if holds.confirm > 0.0 {
            actions.push(Action::Confirm);
            actions.extend((holds.refund > 0.0).then_some(Action::Refund));
        }
        if holds.release > 0.0 {
            actions.extend([Action::Hold, Action::Release]);
        }
    }
    let most = config.plan.requests.map_or(usize::MAX, |requests| {
        usize::try_from(requests.saturating_sub(1)).unwrap_or(usize::MAX)
    });
    actions.truncate(most);
    actions
}

/// Tries what is due, writes it down, and gives what is to be counted of it: they are operations of the run, or of its
/// warm-up.
///
/// # Errors
/// An answer matches no rule of the map, or cannot be written down.
pub(super) async fn try_out(
    config: &RunConfig,
    prepared: &mut Prepared,
) -> Result<Tally, PreparationError> {
    // Let go of where there is no trial: an idle connection would stand in others' way.
    let first = prepared.first.take();
    let actions = actions(config);
    if actions.is_empty() {
        return Ok(Tally::default());
    }
    let client = config.plan.clients;
    let session = match first {
        Some(session) => session,
        None => Session::of_operator(&prepared.shop, client)?,
    };
    let terms = Terms::of(&prepared.plans[0]);
    let mut trial = Trial {
        config,
        session,
        retries: prepared.plans[0].retries,
        tally: WorkerTally::default(),
        last: None,
        sold: 0,
        ends_at: config.plan.end_ns.map(|end_ns| Instant::now() + Duration::from_nanos(end_ns)),
    };
    for (number, action) in (0..).zip(actions) {
        let Some(operation) = trial.operate(number, action, &terms, prepared.plans[0].run).await?
        else {
            break;
        };
        write(prepared, &operation)?;
        if number == 0 && operation.outcome == Outcome::Sold {
            let order = trial.order(number, prepared.plans[0].run);
            let quantity = signed(operation.quantity.unwrap_or(0));
            look_behind_sale(config, prepared, (&mut trial.session, order), quantity).await;
        }
    }
    let tally = trial.tally;
    for plan in &mut prepared.plans {
        plan.plan.requests = plan.plan.requests.map(|requests| requests - tally.intended);
    }
    let mut counted = Tally::default();
    counted.take_in(&tally);
    Ok(counted)
}

fn write(prepared: &Prepared, operation: &Operation) -> Result<(), HistoryError> {
    let Some(history) = &prepared.history else { return Ok(()) };
    let written =
        HistoryWriter::open(&history.path(), history.share().room).and_then(|mut writer| {
            writer.write(operation)?;
            writer.flush()
        });
    let path = || history.path().display().to_string();
    written.map_err(|source| HistoryError::Begin { path: path(), source })
}

/// A trial that is under way.
struct Trial<'a> {
    config: &'a RunConfig,
    session: Session,
    retries: Retries,
    tally: WorkerTally,
    /// The last operation that gave something, which the next may be about.
    last: Option<u64>,
    /// How many tickets the last sale was of.
    sold: u64,
    /// From when on nothing is sent again: it takes no longer than the run may.
    ends_at: Option<Instant>,
}

impl Trial<'_> {
    /// Carries out `action`; `None` where there is nothing for it to be about.
    async fn operate(
        &mut self,
        number: u64,
        action: Action,
        terms: &Terms,
        run: u64,
    ) -> Result<Option<Operation>, PreparationError> {
        let follows = matches!(action, Action::Confirm | Action::Release | Action::Refund);
        let of = self.last.take().filter(|_| follows);
        if follows && of.is_none() {
            return Ok(None);
        }
        let client = self.config.plan.clients;
        let sent_ns = monotonic_ns();
        let order = self.order(number, run);
        let answer = self.ask(action, order).await?;
        let answered_ns = monotonic_ns();
        if self.config.warm_up == Duration::ZERO {
            self.tally.begin();
            self.tally.end(&Seen {
                ending: ending(action, &answer),
                was_sent: answer.missing != Some(Missing::Unsent),
                cause: answer.reason.as_deref(),
                due_ns: sent_ns,
                sent_ns,
                answered_ns,
            });
        }
        let is_counted = self.config.warm_up == Duration::ZERO;
        let begun = Begun { number, action, of, is_counted, due_ns: sent_ns, sent_ns };
        let operation = terms.operation(client, &begun, self.sold, (answered_ns, answer));
        let quantity = operation.quantity.unwrap_or(0);
        match (operation.outcome, operation.op) {
            (Outcome::Sold, _) => {
                self.tally.sold_ever += quantity;
                (self.last, self.sold) = (Some(number), quantity);
            }
            (Outcome::Done, OperationKind::Refund) => self.tally.refunded_ever += quantity,
            (Outcome::Done, OperationKind::Hold) => self.last = Some(number),
            _ => {}
        }
        Ok(Some(operation))
    }

    fn order(&self, number: u64, run: u64) -> Order<'static> {
        Order { run, client: self.config.plan.clients, number, token: "" }
    }

    /// Sends `action` as `order`, and where that is done sends it again until its answer is final.
    async fn ask(&mut self, action: Action, order: Order<'_>) -> Result<Answer, PreparationError> {
        let (config, session, ends_at) = (self.config, &mut self.session, self.ends_at);
        let is_in_time = |pause: &Duration| ends_at.is_none_or(|end| Instant::now() + *pause < end);
        let limit = session.patience(config.timeout);
        let mut pauses = self.retries.pauses();
        let (mut may_have_happened, mut is_turned_away) = (false, true);
        loop {
            let mut answer = match timeout(limit, session.call(action, order, monotonic_ns())).await
            {
                Err(_) => session.gave_up(action, limit),
                Ok(Response::Answer(answer)) => *answer,
                Ok(Response::Reply(reply, reader)) => reader.read(action, reply),
            };
            if let Some(fault) = session.misfit() {
                return Err(misfit(config, fault.clone()));
            }
            is_turned_away &= answer.is_turned_away;
            let pause = pauses.next(&mut answer, session.retry_after());
            let Some(pause) = pause.filter(is_in_time) else {
                let is_refused = answer.outcome == Outcome::Refused;
                let outcome =
                    if is_refused && may_have_happened { Outcome::Unknown } else { answer.outcome };
                return Ok(Answer { outcome, is_turned_away, ..answer });
            };
            may_have_happened |= answer.outcome == Outcome::Unknown;
            sleep(pause).await;
        }
    }
}
