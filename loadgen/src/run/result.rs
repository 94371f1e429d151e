//! The result of a run, from what was counted and what the judge said.

use std::time::Duration;

use super::{
    ci::{Figures, advice},
    config::RunConfig,
    preparation::{LastLook, Prepared},
};
use crate::{
    judge::{self, Evidence, Overlap},
    latency::{Clocks, Percentiles},
    lead::{HistoryPlace, Led},
    report::{JudgedHistory, Measurement, Rounds, Rule, first_violations},
    tally::Tally,
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

impl Ended {
    /// How long it took, in seconds.
    pub(super) fn elapsed_s(&self, config: &RunConfig) -> f64 {
        (elapsed_s(config, &self.led) * 1000.0).round() / 1000.0
    }
}

/// What is shown of a run: the first round and product of the worst verdict.
pub(super) struct Worst {
    /// Its number, from 1.
    pub(super) round: u32,
    /// As it was carried out.
    pub(super) config: RunConfig,
    /// What came of it.
    pub(super) ended: Ended,
    /// What the judge said.
    pub(super) judged: JudgedHistory,
}

/// What was measured in all rounds together.
pub(super) struct Totals {
    tally: Tally,
    elapsed_s: f64,
    sending_s: f64,
    asked: Option<(f64, bool)>,
    /// Whether every client was told "sold out".
    is_sold_out: bool,
    restocked: u64,
    overlap: Overlap,
    notes: Vec<String>,
}

impl Totals {
    /// What was measured in one round.
    pub(super) fn of(config: &RunConfig, ended: &Ended, judged: &JudgedHistory) -> Self {
        let Ended { prepared, led, restocked, left } = ended;
        let elapsed_s = elapsed_s(config, led);
        let mut notes = led.notes.clone();
        notes.extend(prepared.note.clone());
        notes.extend(judged.notes.iter().cloned());
        if let Err(reason) = &prepared.stock
            && prepared.header.initial.is_none()
        {
            notes.push(format!("how many tickets there were is not known: {reason}"));
        }
        if let Err(reason) = left {
            notes.push(format!("how many tickets are left is not known: {reason}"));
        }
        let history = &judged.history;
        Self {
            tally: led.tally.clone(),
            elapsed_s,
            sending_s: sending_s(config, led, elapsed_s),
            asked: asked(config, led),
            is_sold_out: is_sold_out(config, led),
            restocked: *restocked,
            overlap: judge::overlap(&Evidence {
                header: &history.header,
                operations: &history.operations,
                lacks: &history.lacks,
            }),
            notes,
        }
    }

    /// Adds those of another round, which came behind this one.
    pub(super) fn add(&mut self, other: Self) {
        let elapsed_s = self.elapsed_s + other.elapsed_s;
        let sending_s = self.sending_s + other.sending_s;
        self.merge(other);
        (self.elapsed_s, self.sending_s) = (elapsed_s, sending_s);
    }

    /// Adds those of another product, which was bought at the same time.
    pub(super) fn add_beside(&mut self, other: Self) {
        let elapsed_s = self.elapsed_s.max(other.elapsed_s);
        let sending_s = self.sending_s.max(other.sending_s);
        let asked = self.asked.zip(other.asked);
        let asked = asked.map(|((one, reached), (other, too))| (one + other, reached && too));
        self.merge(other);
        (self.elapsed_s, self.sending_s, self.asked) = (elapsed_s, sending_s, asked);
    }

    /// Adds all but the times.
    fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.asked = self.asked.zip(other.asked).map(|((rate, one), (_, too))| (rate, one && too));
        self.is_sold_out &= other.is_sold_out;
        self.restocked += other.restocked;
        self.overlap.purchases += other.overlap.purchases;
        self.overlap.overlapping += other.overlap.overlapping;
        self.overlap.peak = self.overlap.peak.max(other.overlap.peak);
        self.notes.extend(other.notes);
    }

    /// What people should know: of a round of many, under its number.
    pub(super) fn notes(&mut self) -> &mut Vec<String> {
        &mut self.notes
    }

    /// How long all took.
    pub(super) fn clocks(&self) -> &Clocks {
        &self.tally.clocks
    }
}

/// The result of a run: what was measured in all `rounds`, and what was judged in the one that is `shown`.
pub(super) fn measurement<'a>(
    shown: &'a Worst,
    totals: &Totals,
    rounds: Option<Rounds>,
) -> Measurement<'a> {
    let Worst { config, ended, judged, round: _ } = shown;
    let Ended { prepared, led, left, .. } = ended;
    let Totals { tally, elapsed_s, sending_s, asked, .. } = totals;
    let rate_rps = per_second(tally.intended, *sending_s);
    let thresholds: Vec<Rule> =
        config.thresholds.iter().map(|rule| rule.check(tally, *sending_s)).collect();
    let (violations, violations_total) = first_violations(judged);
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
        restocked: totals.restocked,
        mode: config.mode,
        clients: config.plan.clients,
        workers: config.workers,
        seed: config.plan.seed,
        interrupted: led.was_interrupted,
        history: match &config.history {
            HistoryPlace::File(path) => Some(path.display().to_string()),
            HistoryPlace::Temporary | HistoryPlace::TemporaryIn(_) | HistoryPlace::Nowhere => None,
        },
        is_judged: config.history != HistoryPlace::Nowhere,
        verdict: judged.verdict(),
        judged_round: config.ci.has_rounds().then_some(shown.round),
        judged_product: config.product(),
        violations,
        violations_total,
        doubts: &judged.judgement.doubts,
        untried: &judged.judgement.untried,
        advice: Vec::new(),
        sold_out_reached: config.plan.until_sold_out.then_some(totals.is_sold_out),
        pattern: config.pattern.name(),
        rounds,
        products: Vec::new(),
        thresholds,
        notes: totals.notes.clone(),
    }
}

/// Says what to change, where that is known.
pub(super) fn advise(shown: &Worst, totals: &Totals, measurement: &mut Measurement<'_>) {
    if measurement.is_judged {
        let figures = figures(&shown.config, &shown.ended, totals, measurement);
        measurement.advice = advice(&figures);
    }
}

/// What advice is given by.
fn figures<'a>(
    config: &RunConfig,
    ended: &Ended,
    totals: &'a Totals,
    measurement: &Measurement<'_>,
) -> Figures<'a> {
    let of_round = &ended.led.tally;
    let answered = of_round.intended - of_round.outcomes.found - of_round.outcomes.failed();
    let causes = totals.tally.causes.iter().max_by_key(|(_, times)| **times);
    Figures {
        clients: measurement.clients,
        quantity: ended.prepared.plans[0].quantity(),
        requests: totals.tally.intended,
        outcomes: totals.tally.outcomes,
        of_round: (of_round.intended, answered),
        retries: config.retries,
        keeps_alive: config.keeps_alive,
        sold_ever: totals.tally.sold_ever,
        cause: causes.map(|(cause, times)| (cause.as_str(), *times)),
        initial: measurement.initial,
        left: measurement.left,
        rate_rps: measurement.asked_rate_rps.or(config.asked_rps()),
        median_us: measurement.service_us.p50,
        overlap: totals.overlap,
        until_sold_out: config.plan.until_sold_out,
        verdict: measurement.verdict,
    }
}

/// Whether a run that goes on until it is sold out has come there: every client was told so.
fn is_sold_out(config: &RunConfig, led: &Led) -> bool {
    config.plan.until_sold_out && led.tally.sold_out_ever >= u64::from(config.plan.clients)
}

/// From the end of the warm-up to the last answer; where the time ran out, at least to there.
fn elapsed_s(config: &RunConfig, led: &Led) -> f64 {
    let answered = since_warm_up(config, led, led.tally.answered_ns);
    let asked = match (config.asked(), config.plan.requests) {
        _ if led.was_interrupted || led.is_deserted || is_sold_out(config, led) => Duration::ZERO,
        (Some((_, length)), _) => length,
        (None, Some(_)) => Duration::ZERO,
        (None, None) => config.length.unwrap_or_default(),
    };
    answered.max(asked).as_secs_f64()
}

/// The time that a rate is over: that in which was sent, and as long as an answer took to the last of it. One
/// late answer of a closed loop is no part of it.
fn sending_s(config: &RunConfig, led: &Led, elapsed_s: f64) -> f64 {
    if config.asked().is_some() && !is_sold_out(config, led) {
        return elapsed_s;
    }
    let sent = since_warm_up(config, led, led.tally.sent_ns);
    let median_ns = led.tally.clocks.service_ns.value_at_quantile(0.5);
    let sending = sent + Duration::from_nanos(median_ns);
    let was_ended = led.was_interrupted || led.is_deserted || is_sold_out(config, led);
    let length = config.length.filter(|_| !was_ended);
    sending.max(length.unwrap_or_default()).as_secs_f64().min(elapsed_s)
}

/// From the end of the warm-up to the instant `at_ns`.
fn since_warm_up(config: &RunConfig, led: &Led, at_ns: u64) -> Duration {
    let Some(start_ns) = led.start_ns else { return Duration::ZERO };
    let begun_ns = start_ns + config.plan.warm_up_ns;
    Duration::from_nanos(at_ns.saturating_sub(begun_ns))
}

/// The rate that was asked for, on average, and whether it was reached; `None` where all was sold before, and one
/// client after the other had left.
fn asked(config: &RunConfig, led: &Led) -> Option<(f64, bool)> {
    let (asked, length) = config.asked().filter(|_| !is_sold_out(config, led))?;
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
