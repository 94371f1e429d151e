//! The page of a race.

use super::config::RaceConfig;
use crate::{
    duration,
    report::{JudgedRun, Page, PageRun, command_line, page, recorded_run},
    setup::Locking,
    words::{counted, crowd},
};

/// The page of `runs`, which `config` made, side by side.
pub(super) fn drawn(config: &RaceConfig, runs: &[JudgedRun]) -> Page {
    let workers = crowd(config.workers, config.mode);
    let tickets = counted(config.tickets, ("ticket", "tickets"));
    let runs: Vec<PageRun<'_>> = runs.iter().map(|run| page_run(config, run)).collect();
    page(&format!("A race of {workers} for {tickets}"), &runs)
}

fn page_run<'a>(config: &RaceConfig, run: &'a JudgedRun) -> PageRun<'a> {
    let mut page_run = recorded_run(&run.judged);
    let way = match config.servers {
        0 => "no server: each opens db.txt itself".to_owned(),
        servers => counted(servers, ("server", "servers")),
    };
    let facts = &mut page_run.facts;
    facts.extend([("Workers", crowd(config.workers, config.mode)), ("Through", way)]);
    if run.summary.locking != Locking::Group {
        facts.push(("Wait before the check", duration::format(config.delays.check)));
        facts.push(("Wait before the write", duration::format(config.delays.write)));
    }
    facts.push(("Command line", command_line()));
    page_run
}
