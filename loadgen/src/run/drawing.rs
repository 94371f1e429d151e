//! The page of a run.

use super::{config::RunConfig, result::Ended};
use crate::{
    duration,
    report::{JudgedHistory, Measurement, Page, command_line, page, recorded_run},
    words::crowd,
};

/// The page of the run of `config`, with both clocks and the outcomes over time; of several rounds and products, the
/// one that ended as `ended`.
pub(super) fn drawn(
    config: &RunConfig,
    ended: &Ended,
    judged: &JudgedHistory,
    measurement: &Measurement<'_>,
) -> Page {
    let tally = &ended.led.tally;
    let pace = match config.asked_rps() {
        Some(rate) => format!("open loop, {rate:.1} a second asked for"),
        None => "closed loop".to_owned(),
    };
    let mut run = recorded_run(judged);
    run.facts.extend([
        ("Shop", config.url.clone()),
        ("Clients", config.plan.clients.to_string()),
        ("Workers", crowd(config.workers, config.mode)),
        ("Pace", pace),
        ("Operations counted", tally.intended.to_string()),
        ("Due and never sent", tally.unsent.to_string()),
        ("Warm-up", duration::format(config.warm_up)),
        ("Seed", config.plan.seed.to_string()),
        ("Command line", command_line()),
    ]);
    if let Some(rounds) = &measurement.rounds {
        run.facts.push(("Rounds", rounds.in_words()));
    }
    run.facts.extend(measurement.products.iter().map(|product| ("Product", product.in_words())));
    run.facts.extend(measurement.judged_part().map(|part| ("Drawn here", part.to_string())));
    run.facts.extend(measurement.advice.iter().map(|advice| ("What to change", advice.clone())));
    run.facts.extend(ended.led.notes.iter().map(|note| ("Note", note.clone())));
    run.label = "run".to_owned();
    run.clocks = Some(&tally.clocks);
    page(&format!("A run on {}", config.url), &[run])
}
