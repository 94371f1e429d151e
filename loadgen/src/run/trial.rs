//! The first purchase of a run on somebody's shop, alone: a map that does not know the shop's answers
//! is found out before a second one is sent.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    config::RunConfig,
    preparation::{PreparationError, Prepared, misfit},
};
use crate::{
    history::{Answer, HistoryWriter, Missing, Operation, Outcome, monotonic_ns},
    lead::HistoryError,
    plan::Action,
    shop::{Order, Response, Session, TlsConfigs, Waiting},
    tally::{Seen, Tally, WorkerTally},
    worker::ending,
};

/// How much of an answer that no rule matched is shown, in characters.
const SHOWN_MAX: usize = 400;

/// Whether the run that `config` describes begins with a trial.
pub(super) fn is_due(config: &RunConfig) -> bool {
    config.map.is_some()
        && config.plan.work.buys()
        && config.plan.requests.is_none_or(|requests| requests > 1)
}

/// Buys once where that is due, writes it down, and gives what is to be counted of it: it is one of the
/// run's operations, or of its warm-up's.
///
/// # Errors
/// The answer matches no rule of the map, or cannot be written down.
pub(super) async fn try_out(
    config: &RunConfig,
    prepared: &mut Prepared,
) -> Result<Tally, PreparationError> {
    // Let go of where there is no trial: an idle connection would stand in others' way.
    let first = prepared.first.take();
    if !is_due(config) {
        return Ok(Tally::default());
    }
    let client = config.plan.clients;
    let mut session = match first {
        Some(session) => session,
        None => Session::to_shop(&prepared.shop, client, Waiting::Shared, &TlsConfigs::default())?,
    };
    let plan = &prepared.plans[0];
    let order = Order { run: plan.run, client, number: 0, token: "" };
    let sent_ns = monotonic_ns();
    let answer = buy(config, &mut session, order, sent_ns).await?;
    let answered_ns = monotonic_ns();
    let key = plan.sends_keys().then(|| order.to_string());
    let mut tally = WorkerTally::default();
    if config.warm_up == Duration::ZERO {
        tally.begin();
        tally.end(&Seen {
            ending: ending(Action::Buy, &answer),
            was_sent: answer.missing != Some(Missing::Unsent),
            cause: answer.reason.as_deref(),
            due_ns: sent_ns,
            sent_ns,
            answered_ns,
        });
    }
    let quantity = plan.quantity();
    let operation = Operation {
        quantity: Some(quantity),
        key,
        ..Operation::buy(client, sent_ns, answered_ns, answer)
    };
    if operation.outcome == Outcome::Sold {
        tally.sold_ever += quantity;
    }
    if let Some(history) = &prepared.history {
        let written =
            HistoryWriter::open(history.path(), history.share().room).and_then(|mut writer| {
                writer.write(&operation)?;
                writer.flush()
            });
        written.map_err(|source| HistoryError::Begin {
            path: history.path().display().to_string(),
            source,
        })?;
    }
    for plan in &mut prepared.plans {
        plan.plan.requests = plan.plan.requests.map(|requests| requests - tally.intended);
    }
    let mut counted = Tally::default();
    counted.take_in(&tally);
    Ok(counted)
}

async fn buy(
    config: &RunConfig,
    session: &mut Session,
    order: Order<'_>,
    sent_ns: u64,
) -> Result<Answer, PreparationError> {
    let limit = session.patience(config.timeout);
    let answer = match timeout(limit, session.call(Action::Buy, order, sent_ns)).await {
        Err(_) => return Ok(session.gave_up(Action::Buy, limit)),
        Ok(Response::Answer(answer)) => *answer,
        Ok(Response::Reply(reply, reader)) => {
            let answer = reader.read(Action::Buy, reply);
            if !reader.has_rule_for(reply) && !answer.is_passing {
                let text = String::from_utf8_lossy(reply.body);
                let shown = reader.masked(text.trim()).chars().take(SHOWN_MAX).collect();
                return Err(PreparationError::NoRule { status: reply.status, answer: shown });
            }
            answer
        }
    };
    if let Some(fault) = session.misfit() {
        return Err(misfit(config, fault.clone()));
    }
    if answer.missing == Some(Missing::Unanswered) && !answer.is_passing {
        return Err(PreparationError::NoAnswer(answer.reason.unwrap_or_default()));
    }
    Ok(answer)
}
