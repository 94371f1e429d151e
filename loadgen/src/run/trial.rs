//! The first purchase of a run on somebody's shop, alone: a map that does not know the shop's answers
//! is found out before a second one is sent.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    config::RunConfig,
    preparation::{PreparationError, Prepared},
};
use crate::{
    history::{Answer, HistoryWriter, Missing, Operation, Outcome, monotonic_ns},
    lead::HistoryError,
    plan::Action,
    shop::{Failure, HttpSession, Order, Response, TlsConfigs, Waiting, missing},
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
    if !is_due(config) {
        return Ok(Tally::default());
    }
    let mut session = HttpSession::new(&prepared.shop, Waiting::Shared, &TlsConfigs::default())?;
    let client = config.plan.clients;
    let plan = &prepared.plans[0];
    let order = Order { run: plan.run, client, number: 0, token: "" };
    let sent_ns = monotonic_ns();
    let answer = buy(&mut session, order, sent_ns, config.timeout).await?;
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
    session: &mut HttpSession,
    order: Order<'_>,
    sent_ns: u64,
    limit: Duration,
) -> Result<Answer, PreparationError> {
    match timeout(limit, session.call(Action::Buy, order, sent_ns)).await {
        Err(_) => Ok(missing(Action::Buy, &Failure::Timeout(limit))),
        Ok(Response::Answer(answer)) => Ok(*answer),
        Ok(Response::Reply(reply, reader)) => {
            let answer = reader.read(Action::Buy, reply);
            if !reader.has_rule_for(reply) && !answer.is_passing {
                let text = String::from_utf8_lossy(reply.body);
                let shown: String = text.trim().chars().take(SHOWN_MAX).collect();
                return Err(PreparationError::NoRule { status: reply.status, answer: shown });
            }
            Ok(answer)
        }
    }
}
