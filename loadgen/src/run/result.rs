//! The result of a run, from what was counted and what the judge said.

use std::time::Duration;

use super::{
    config::RunConfig,
    preparation::{LastLook, Prepared},
};
use crate::{
    latency::Percentiles,
    lead::{HistoryPlace, Led},
    report::{JudgedHistory, Measurement, Rule, first_violations},
};

/// How much of the asked rate has to be reached.
const REACHED: f64 = 0.99;

/// A run that is over, before it is judged.
pub(super) struct Ended {
    /// What it began with.
    pub(super) prepared: Prepared,
    /// What came of the fleet.
    pub(super) led: Led,
    /// Tickets that the operator put on sale meanwhile.
    pub(super) restocked: u64,
    /// What the shop has in the end; `Err` says why nobody knows.
    pub(super) left: Result<LastLook, String>,
}

/// The result of the run of `config`.
pub(super) fn measurement<'a>(
    config: &RunConfig,
    ended: &Ended,
    judged: &'a JudgedHistory,
) -> Measurement<'a> {
    let Ended { prepared, led, restocked, left } = ended;
    let tally = &led.tally;
    let elapsed_s = elapsed_s(config, led);
    let sending_s = sending_s(config, led, elapsed_s);
    let rate_rps = per_second(tally.intended, sending_s);
    let asked = asked(config, led);
    let thresholds: Vec<Rule> =
        config.thresholds.iter().map(|rule| rule.check(tally, sending_s)).collect();
    let (violations, violations_total) = first_violations(judged);
    let mut notes = led.notes.clone();
    notes.extend(judged.notes.iter().cloned());
    if let Err(reason) = &prepared.stock {
        notes.push(format!("how many tickets there were is not known: {reason}"));
    }
    if let Err(reason) = left {
        notes.push(format!("how many tickets are left is not known: {reason}"));
    }
    Measurement {
        requests: tally.intended,
        elapsed_s: (elapsed_s * 1000.0).round() / 1000.0,
        rate_rps: (rate_rps * 10.0).round() / 10.0,
        asked_rate_rps: asked.map(|(rate, _)| rate),
        asked_rate_reached: asked.map(|(_, is_reached)| is_reached),
        unsent: tally.unsent,
        outcomes: tally.outcomes,
        causes: tally.causes.clone(),
        response_us: Percentiles::of(&tally.clocks.response_ns),
        service_us: Percentiles::of(&tally.clocks.service_ns),
        initial: prepared.header.initial,
        left: left.as_ref().ok().map(|look| look.stock.remaining),
        held: left.as_ref().ok().and_then(|look| look.stock.held),
        sold_ever: tally.sold_ever,
        refunded_ever: tally.refunded_ever,
        restocked: *restocked,
        mode: config.mode,
        clients: config.plan.clients,
        workers: config.workers,
        seed: config.plan.seed,
        interrupted: led.was_interrupted,
        history: match &config.history {
            HistoryPlace::File(path) => Some(path.display().to_string()),
            HistoryPlace::Temporary | HistoryPlace::Nowhere => None,
        },
        is_judged: config.history != HistoryPlace::Nowhere,
        verdict: judged.verdict(),
        violations,
        violations_total,
        doubts: &judged.judgement.doubts,
        untried: &judged.judgement.untried,
        thresholds,
        notes,
    }
}

/// From the end of the warm-up to the last answer; where the time ran out, at least to there.
fn elapsed_s(config: &RunConfig, led: &Led) -> f64 {
    let answered = since_warm_up(config, led, led.tally.answered_ns);
    let asked = match (config.asked(), config.plan.requests) {
        _ if led.was_interrupted || led.is_deserted => Duration::ZERO,
        (Some((_, length)), _) => length,
        (None, Some(_)) => Duration::ZERO,
        (None, None) => config.length.unwrap_or_default(),
    };
    answered.max(asked).as_secs_f64()
}

/// The time that a rate is over: that in which was sent, and as long as an answer took to the last of it. One
/// late answer of a closed loop is no part of it.
fn sending_s(config: &RunConfig, led: &Led, elapsed_s: f64) -> f64 {
    if config.asked().is_some() {
        return elapsed_s;
    }
    let sent = since_warm_up(config, led, led.tally.sent_ns);
    let median_ns = led.tally.clocks.service_ns.value_at_quantile(0.5);
    let sending = sent + Duration::from_nanos(median_ns);
    let length = config.length.filter(|_| !led.was_interrupted && !led.is_deserted);
    sending.max(length.unwrap_or_default()).as_secs_f64().min(elapsed_s)
}

/// From the end of the warm-up to the instant `at_ns`.
fn since_warm_up(config: &RunConfig, led: &Led, at_ns: u64) -> Duration {
    let Some(start_ns) = led.start_ns else { return Duration::ZERO };
    let begun_ns = start_ns + config.plan.warm_up_ns;
    Duration::from_nanos(at_ns.saturating_sub(begun_ns))
}

/// The rate that was asked for, on average, and whether it was reached.
fn asked(config: &RunConfig, led: &Led) -> Option<(f64, bool)> {
    let (asked, length) = config.asked()?;
    let tally = &led.tally;
    let due = tally.intended + tally.unsent;
    let asked_rps = asked / length.as_secs_f64().max(f64::MIN_POSITIVE);
    // Poisson arrivals give a little more or less than the average: what was due decides.
    let due_rps = per_second(due, length.as_secs_f64());
    // How fast it was sent: the last answer may well come after the end.
    let sent = since_warm_up(config, led, tally.sent_ns);
    let sent_rps = per_second(tally.intended, sent.max(length).as_secs_f64());
    let is_whole = count(tally.intended) >= REACHED * count(due);
    let is_reached = is_whole && (led.was_interrupted || sent_rps >= REACHED * due_rps);
    Some(((asked_rps * 10.0).round() / 10.0, is_reached))
}

#[expect(clippy::cast_precision_loss, reason = "no run counts to 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

fn per_second(number: u64, seconds: f64) -> f64 {
    count(number) / seconds.max(f64::MIN_POSITIVE)
}
