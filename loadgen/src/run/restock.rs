//! The operator of a run: puts tickets on sale while the clients buy, and writes that down.

use std::io;

use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};

use super::{config::RunConfig, preparation::Prepared};
use crate::{
    history::{HistoryWriter, Operation, OperationKind, Outcome, monotonic_ns},
    plan::Action,
    shop::{Failure, Order, Response, Session, missing},
    words::counted,
};

/// The operator's first number: those before it are of the trial, by the same client, and a key that comes twice is one
/// request.
const FIRST: u64 = 1 << 32;

/// What came of all of them.
#[derive(Debug, Default)]
pub(super) struct Restocked {
    /// How many tickets the shop says are there now.
    pub(super) tickets: u64,
    /// What else should be known: lower-case fragments.
    pub(super) notes: Vec<String>,
}

/// Carries out what `config` plans, one after the other, until the other end of `over` is dropped: a call
/// that is under way then is waited for.
pub(super) async fn restock(
    config: &RunConfig,
    prepared: &Prepared,
    mut over: oneshot::Receiver<()>,
) -> Restocked {
    let mut restocked = Restocked::default();
    if config.restocks.is_empty() {
        return restocked;
    }
    let session = Session::of_operator(&prepared.shop, config.plan.clients);
    let mut session = match session {
        Ok(session) => session,
        Err(error) => {
            restocked.notes.push(format!("nothing was put on sale: {error}"));
            return restocked;
        }
    };
    let begun = Instant::now();
    for (number, restock) in (FIRST..).zip(&config.restocks) {
        tokio::select! {
            _ = &mut over => return restocked,
            () = sleep_until(begun + restock.after) => {}
        }
        let operation = one(config, prepared, &mut session, number, restock.quantity).await;
        match operation.outcome {
            Outcome::Done => restocked.tickets += restock.quantity,
            outcome => restocked.notes.push(match session.misfit() {
                Some(fault) => {
                    let tickets = counted(restock.quantity, ("ticket was", "tickets were"));
                    format!("{tickets} not put on sale: {fault}")
                }
                None => format!(
                    "{} may not have been put on sale: {}",
                    counted(restock.quantity, ("ticket", "tickets")),
                    match outcome {
                        Outcome::Refused => "refused",
                        _ => "nobody said that they were",
                    }
                ),
            }),
        }
        if let Err(error) = record(prepared, &operation) {
            restocked.notes.push(format!("the history lacks what was put on sale: {error}"));
        }
    }
    restocked
}

async fn one(
    config: &RunConfig,
    prepared: &Prepared,
    session: &mut Session,
    number: u64,
    quantity: u64,
) -> Operation {
    let operator = config.plan.clients;
    let tickets = quantity.to_string();
    let run = prepared.plans[0].run;
    let order = Order { run, client: operator, number, token: &tickets };
    let sent_ns = monotonic_ns();
    let limit = session.patience(config.timeout);
    let answer = match timeout(limit, session.call(Action::Restock, order, sent_ns)).await {
        Err(_) => missing(Action::Restock, &Failure::Timeout(config.timeout)),
        Ok(Response::Answer(answer)) => *answer,
        Ok(Response::Reply(reply, reader)) => reader.read(Action::Restock, reply),
    };
    let kind = (OperationKind::Restock, Some(quantity));
    Operation::of_kind(kind, operator, sent_ns, monotonic_ns(), answer)
}

fn record(prepared: &Prepared, operation: &Operation) -> io::Result<()> {
    let Some(history) = &prepared.history else { return Ok(()) };
    let mut writer = HistoryWriter::open(&history.path(), history.share().room)?;
    writer.write(operation)?;
    writer.flush()
}
