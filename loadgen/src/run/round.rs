//! One round: what is prepared, carried out by a fleet, and judged; it says nothing to anybody.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::sleep};

use super::{
    config::RunConfig,
    error::RunError,
    preparation::{Fresh, LastLook, PreparationError, Prepared, forget_start, last_look, prepare},
    restock::restock,
    result::Ended,
    trial::try_out,
};
use crate::{
    history::{Header, History, Links},
    judge::{Judgement, judge_history, leaves_nothing},
    lead::{HistoryError, Interrupts, Stage, lead},
    report::JudgedHistory,
    shop::Stock,
    tally::Tally,
    words::counted,
};

/// What a run that is stopped waits for beyond its end and one answer's limit.
const GRACE: Duration = Duration::from_secs(10);

/// How long after the last hold must have lapsed its tickets are waited for.
const LATE_HOLDS: Duration = Duration::from_secs(1);

/// How long it is waited before a shop that does not answer yet is asked again.
const AGAIN: Duration = Duration::from_millis(100);

/// Carries out the run that `config` describes and judges it; says nothing to anybody. `None` where it was
/// interrupted before its end.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) async fn judged(
    config: &RunConfig,
    interrupts: &mut Interrupts,
) -> Result<Option<JudgedHistory>, RunError> {
    let (prepared, trial) = begun(config).await?;
    let (ended, judged) = ended(config, (prepared, &trial), interrupts, &mut |_| {}).await?;
    Ok((!ended.led.was_interrupted).then_some(judged))
}

async fn begun(config: &RunConfig) -> Result<(Prepared, Tally), PreparationError> {
    let mut prepared = prepare(config, None).await?;
    let trial = tried_out(config, &mut prepared).await?;
    Ok((prepared, trial))
}

/// Sets a round up; with `patience`, a shop that cannot be reached, or does not say yet what it has, as behind a proxy
/// that is there already, is given that time: its start may be what put fresh stock on sale.
///
/// # Errors
/// It cannot be reached even then, or the round cannot begin.
pub(super) async fn prepared(
    config: &RunConfig,
    (patience, fresh): (Option<Duration>, Option<Fresh>),
) -> Result<Prepared, PreparationError> {
    let begun = Instant::now();
    loop {
        match prepare(config, fresh).await {
            Err(
                PreparationError::Unreachable { .. }
                | PreparationError::NoAnswer(_)
                | PreparationError::NoCount { .. },
            ) if patience.is_some_and(|patience| begun.elapsed() < patience) => {
                sleep(AGAIN).await;
            }
            prepared => return prepared,
        }
    }
}

/// Buys once where that is due, and tells the clients how they come together behind it.
///
/// # Errors
/// The answer matches no rule of the map, or cannot be written down.
pub(super) async fn tried_out(
    config: &RunConfig,
    prepared: &mut Prepared,
) -> Result<Tally, PreparationError> {
    let trial = try_out(config, prepared).await?;
    let quantity = prepared.plans[0].quantity();
    let purchases = prepared.header.initial.map(|initial| {
        u64::try_from(initial).unwrap_or(0).saturating_sub(trial.sold_ever) / quantity.max(1)
    });
    for plan in &mut prepared.plans {
        plan.plan.waves = config.pattern.waves(config.plan.clients, purchases);
    }
    Ok(trial)
}

/// Lets the fleet do what was prepared, looks at what is left, and judges.
///
/// # Errors
/// There are no workers, or they are not ready in time.
pub(super) async fn ended(
    config: &RunConfig,
    (prepared, trial): (Prepared, &Tally),
    interrupts: &mut Interrupts,
    see: &mut dyn FnMut(Stage<'_>),
) -> Result<(Ended, JudgedHistory), RunError> {
    let plans = prepared.plans.clone();
    let (leads, over) = oneshot::channel::<()>();
    let led = async {
        let led = lead(config.mode, plans, limit(config), interrupts, see).await;
        drop(leads);
        led
    };
    let (led, restocked) = tokio::join!(led, restock(config, &prepared, over));
    let mut led = led?;
    led.tally.merge(trial);
    led.notes.extend(restocked.notes);
    // As many as are taken off what there was at the start.
    let sold = led.tally.sold_net().saturating_sub(restocked.tickets);
    let held_until = config.plan.work.holds().then(|| {
        Instant::now()
            + Duration::from_nanos(Links::lapse_ns(config.plan.holds.seconds))
            + LATE_HOLDS
    });
    let held_until = held_until.filter(|_| !led.was_interrupted);
    let (left, was_interrupted) = tokio::select! {
        left = last_look(&prepared, sold, held_until, config.timeout) => (left, false),
        () = interrupts.next() => (Err("interrupted".to_owned()), true),
    };
    if let Ok(LastLook { stock: Stock { held: Some(held), .. }, .. }) = &left
        && held_until.is_some_and(|until| Instant::now() >= until)
        && *held > prepared.header.held.unwrap_or(0)
    {
        led.notes.push(format!(
            "{} still put aside after their time: the shop lets go of them later, or never",
            counted(held, ("ticket is", "tickets are"))
        ));
    }
    let mut ended = Ended { prepared, led, restocked: restocked.tickets, left };
    ended.led.was_interrupted |= was_interrupted;
    let judged = tokio::select! {
        judged = judge(&ended) => judged,
        () = interrupts.next() => {
            ended.led.was_interrupted = true;
            unjudged("judging was interrupted".to_owned())
        }
    };
    Ok((ended, judged))
}

/// How long the run may take in all: its end, and the answers that are open then.
fn limit(config: &RunConfig) -> Option<Duration> {
    let tries = if config.retries { 12 } else { 1 };
    let one = config.map.as_ref().map_or(config.timeout, |map| map.patience(config.timeout));
    config.length.map(|length| config.warm_up + length + one * tries + GRACE)
}

/// No verdict, because of `doubt`.
fn unjudged(doubt: String) -> JudgedHistory {
    let judgement = Judgement { doubts: vec![doubt], ..Judgement::default() };
    JudgedHistory::new(History::default(), judgement)
}

/// Judges `history` again, as one that began with a number that nobody knows.
pub(super) async fn judged_without_start(mut history: History) -> JudgedHistory {
    forget_start(&mut history.header);
    let judged = tokio::task::spawn_blocking(move || {
        let judgement = judge_history(&history);
        JudgedHistory::new(history, judgement)
    });
    judged.await.unwrap_or_else(|error| unjudged(format!("the judge failed: {error}")))
}

/// Judges on a thread of its own, so that an interrupt is heard meanwhile.
async fn judge(ended: &Ended) -> JudgedHistory {
    let Some(file) = &ended.prepared.history else {
        return unjudged("nothing was recorded".to_owned());
    };
    let (file, led) = (Arc::clone(file), &ended.led);
    let left = ended.left.as_ref().ok();
    let header = Header {
        left: left.map(|look| look.stock.remaining),
        left_revision: left.and_then(|look| look.stock.revision),
        left_held: left.and_then(|look| look.stock.held),
        ended_ns: left.map(|look| look.answered_ns),
        unrecorded: led.tally.unrecorded,
        ..ended.prepared.header.clone()
    };
    let (lost, start_ns) = (led.lost.clone(), led.start_ns);
    let judged = tokio::task::spawn_blocking(move || {
        let history = file.complete(&header, &lost, start_ns)?;
        let judgement = judge_history(&history);
        Ok::<_, HistoryError>(JudgedHistory::new(history, judgement))
    });
    let judged = judged.await;
    match judged {
        Ok(Ok(mut judged)) => {
            // Many shops do not answer the search either once nothing is left.
            if let (Ok(_), Err(reason)) = (&ended.prepared.stock, &ended.left)
                && !leaves_nothing(&judged.history)
            {
                let doubt = format!("what is left at the end could not be asked: {reason}");
                judged.judgement.doubts.push(doubt);
            }
            judged
        }
        Ok(Err(error)) => unjudged(error.to_string()),
        Err(error) => unjudged(format!("the judge failed: {error}")),
    }
}
