//! The lines above the table: what was raced.

use crate::{
    duration,
    report::JudgedRun,
    setup::{Delays, Locking},
    words::{counted, crowd, listed},
};

/// Who buys what, and how a purchase goes where purchases go one by one.
pub(crate) fn heading(runs: &[JudgedRun], delays: Delays) -> String {
    let Some(run) = runs.first().map(|run| &run.summary) else {
        return String::new();
    };
    let way = match run.servers {
        0 => "each opening db.txt itself".to_owned(),
        1 => "through 1 server".to_owned(),
        servers => format!("through {servers} servers on one db.txt"),
    };
    let wants = if run.workers == 1 { "wants" } else { "want" };
    let tickets = counted(run.tickets, ("ticket", "tickets"));
    let mut text = format!("{} {wants} {tickets}, {way}.", crowd(run.workers, run.mode));
    let one_by_one: Vec<String> = runs
        .iter()
        .map(|run| run.summary.locking)
        .filter(|locking| *locking != Locking::Group)
        .map(|locking| format!("`{locking}`"))
        .collect();
    if !one_by_one.is_empty() {
        text.push_str(&format!(
            "\nUnder {}: read, wait {}, check, wait {}, write.",
            listed(&one_by_one),
            duration::format(delays.check),
            duration::format(delays.write)
        ));
    }
    text
}
