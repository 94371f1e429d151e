//! The lines above the table: what was raced.

use super::{
    summary::RunSummary,
    wording::{counted, crowd},
};
use crate::{
    duration,
    setup::{Delays, Locking},
};

/// What the runs have in common, `run` being one of them: who buys what, and how one purchase goes.
pub(crate) fn heading(run: &RunSummary, delays: Delays) -> String {
    let way = match run.servers {
        0 => "each opening db.txt itself".to_owned(),
        1 => "through 1 server".to_owned(),
        servers => format!("through {servers} servers on one db.txt"),
    };
    let tickets = counted(run.tickets, ("ticket", "tickets"));
    let buys = if run.workers == 1 { "wants" } else { "want" };
    format!(
        "{} {buys} {tickets}, {way}.\n\
         Each purchase reads, waits {}, checks, waits {}, writes{}.",
        crowd(run.workers, run.mode),
        duration::format(delays.check),
        duration::format(delays.write),
        if run.servers > 0 {
            format!("; `{}` does not wait", Locking::Group)
        } else {
            String::new()
        }
    )
}
