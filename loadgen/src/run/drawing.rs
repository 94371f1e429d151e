//! The page of a run.

use super::{config::RunConfig, result::Ended};
use crate::{
    duration,
    report::{JudgedHistory, Page, command_line, page, recorded_run},
    words::crowd,
};

/// The page of the run of `config`, with both clocks and the outcomes over time.
pub(super) fn drawn(config: &RunConfig, ended: &Ended, judged: &JudgedHistory) -> Page {
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
    run.facts.extend(ended.led.notes.iter().map(|note| ("Note", note.clone())));
    run.label = "run".to_owned();
    run.clocks = Some(&tally.clocks);
    page(&format!("A run on {}", config.url), &[run])
}
