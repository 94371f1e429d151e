//! The page of a run.

use super::{config::RunConfig, result::Ended};
use crate::{
    duration,
    report::{JudgedHistory, Page, PageRun, command_line, page, recorded_run},
    words::crowd,
};

/// The page of the run of `config`, with both clocks and the outcomes over time.
pub(super) fn drawn(config: &RunConfig, ended: &Ended, judged: &JudgedHistory) -> Page {
    let tally = &ended.led.tally;
    let pace = match config.asked_rps() {
        Some(rate) => format!("open loop, {rate:.1} a second asked for"),
        None => "closed loop".to_owned(),
    };
    let mut facts = vec![
        ("Shop", config.url.clone()),
        ("Clients", config.plan.clients.to_string()),
        ("Workers", crowd(config.workers, config.mode)),
        ("Pace", pace),
        ("Operations counted", tally.intended.to_string()),
        ("Due and never sent", tally.unsent.to_string()),
        ("Warm-up", duration::format(config.warm_up)),
        ("Seed", config.plan.seed.to_string()),
        ("Command line", command_line()),
    ];
    facts.extend(ended.led.notes.iter().map(|note| ("Note", note.clone())));
    let recorded = recorded_run(judged);
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
    let run = PageRun {
        label: "run".to_owned(),
        facts: recorded.facts.iter().cloned().chain(facts).collect(),
        clocks: Some(&tally.clocks),
        ..recorded
    };
    page(&format!("A run on {}", config.url), &[run])
}
