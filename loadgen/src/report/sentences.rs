//! Two sentences on a race: what happened, and why. Pure; every word rests on the results.

use crate::{
    duration,
    judge::Verdict,
    setup::{Delays, Locking},
};

use super::summary::JudgedRun;

/// What was raced, as the line above the table.
pub(crate) fn heading(delays: Delays, runs: &[JudgedRun]) -> String {
    let Some(run) = runs.first() else {
        return String::new();
    };
    let summary = &run.summary;
    let way = match summary.servers {
        0 => "opening db.txt themselves".to_owned(),
        1 => "through 1 server".to_owned(),
        servers => format!("through {servers} servers on one db.txt"),
    };
    let workers = counted(u64::from(summary.workers), plural_of_mode(summary.mode));
    let tickets = counted(summary.tickets, ("ticket", "tickets"));
    format!(
        "{workers} after {tickets}, {way}\none by one: read, wait {}, check, wait {}, write\n",
        duration::format(delays.check),
        duration::format(delays.write)
    )
}

/// What happened, and why.
pub(crate) fn sentences(runs: &[JudgedRun]) -> [String; 2] {
    [sentence(&what_happened(runs)), sentence(&why(runs))]
}

fn what_happened(runs: &[JudgedRun]) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for run in runs {
        if run.summary.verdict == Verdict::Violation {
            clauses.push(format!("{} {}", under(&[run]), broken_promise(run)));
        }
    }
    for group in alike(runs, Verdict::Valid) {
        clauses.push(format!("{} {}", under(&group), kept_promise(group[0])));
    }
    for run in runs {
        if run.summary.verdict == Verdict::Unknown {
            let doubts = run.judgement.doubts.join(" and ");
            clauses.push(format!(
                "{} nothing is proved, since {doubts}",
                under(&[run])
            ));
        }
    }
    clauses
}

/// Runs with this verdict, those with the same figures together.
fn alike(runs: &[JudgedRun], verdict: Verdict) -> Vec<Vec<&JudgedRun>> {
    let mut groups: Vec<Vec<&JudgedRun>> = Vec::new();
    for run in runs.iter().filter(|run| run.summary.verdict == verdict) {
        let figures = |run: &JudgedRun| {
            let summary = &run.summary;
            (
                run.is_safe,
                summary.sold,
                summary.sold_out,
                summary.errors,
                summary.unknown,
            )
        };
        match groups
            .iter_mut()
            .find(|group| figures(group[0]) == figures(run))
        {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

fn under(runs: &[&JudgedRun]) -> String {
    let names: Vec<String> = runs
        .iter()
        .map(|run| format!("`{}`", run.locking))
        .collect();
    format!("under {}", listed(&names))
}

fn broken_promise(run: &JudgedRun) -> String {
    let summary = &run.summary;
    let tickets = counted(summary.tickets, ("ticket", "tickets"));
    let mut clause = format!(
        "{} told \"sold\" for {tickets}",
        counted(summary.sold, ("buyer was", "buyers were"))
    );
    let mut more = Vec::new();
    if let Some(left) = summary.left
        && summary.lost_updates > 0
    {
        more.push(format!("`db.txt` still says {left}"));
    }
    if summary.duplicate_tickets > 0 {
        let duplicates = counted(summary.duplicate_tickets, ("ticket was", "tickets were"));
        more.push(format!("{duplicates} sold a second time"));
    }
    if more.is_empty() {
        let messages: Vec<&str> = run
            .judgement
            .violations
            .iter()
            .map(|violation| violation.message.as_str())
            .collect();
        more.push(messages.join(", "));
    }
    for part in more {
        clause.push_str(", ");
        clause.push_str(&part);
    }
    clause
}

fn kept_promise(run: &JudgedRun) -> String {
    let summary = &run.summary;
    let mut clause = format!(
        "{} sold and {} told \"sold out\"",
        counted(summary.sold, ("ticket was", "tickets were")),
        counted(summary.sold_out, ("buyer was", "buyers were"))
    );
    if summary.errors + summary.unknown > 0 {
        let others = counted(summary.errors + summary.unknown, ("purchase", "purchases"));
        clause.push_str(&format!(", {others} failed, and the books agree"));
    }
    if !run.is_safe {
        clause.push_str(", which was luck");
    }
    clause
}

fn why(runs: &[JudgedRun]) -> Vec<String> {
    let mut reasons = Vec::new();
    if runs
        .iter()
        .any(|run| run.is_caught() && run.locking == Locking::None)
    {
        reasons.push(
            "without a lock a worker sells by a count that others have sold from since it was read, \
             and writes over what they wrote"
                .to_owned(),
        );
    }
    if let Some(run) = runs
        .iter()
        .find(|run| run.is_caught() && run.locking == Locking::Mutex)
    {
        reasons.push(format!(
            "a mutex binds one process, and {} servers share this `db.txt`",
            run.summary.servers
        ));
    }
    reasons.extend(why_safe(runs));
    if let Some(run) = runs
        .iter()
        .find(|run| run.is_safe && run.summary.verdict == Verdict::Violation)
    {
        reasons.push(format!(
            "that `{}` let this happen is a defect",
            run.locking
        ));
    }
    if runs
        .iter()
        .any(|run| !run.is_safe && run.summary.verdict == Verdict::Valid)
    {
        reasons
            .push("an unsafe run that looks valid only had no bad luck, so race again".to_owned());
    }
    if runs
        .iter()
        .any(|run| run.summary.verdict == Verdict::Unknown)
    {
        reasons.push(
            "only a run in which purchases overlap, some are refused and the end is known \
             can tell a good lock from none"
                .to_owned(),
        );
    }
    reasons
}

fn why_safe(runs: &[JudgedRun]) -> Option<String> {
    let valid = |run: &&JudgedRun| run.is_safe && run.summary.verdict == Verdict::Valid;
    let (group, one_by_one): (Vec<_>, Vec<_>) = runs
        .iter()
        .filter(valid)
        .partition(|run| run.locking == Locking::Group);
    match (one_by_one.is_empty(), group.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("{ONE_BY_ONE}, one after the other")),
        (true, false) => Some(format!("`group` {GROUP}")),
        (false, false) => Some(format!("{ONE_BY_ONE}, and `group` {GROUP}")),
    }
}

const ONE_BY_ONE: &str =
    "a lock that is held from the read to the write lets one purchase in at a time";
const GROUP: &str = "takes the lock once and settles all purchases that wait";

/// Clauses as one sentence.
fn sentence(clauses: &[String]) -> String {
    let text = clauses.join("; ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn counted(number: u64, (one, many): (&str, &str)) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn plural_of_mode(mode: &str) -> (&'static str, &'static str) {
    match mode {
        "thread" => ("thread", "threads"),
        "task" => ("task", "tasks"),
        _ => ("process", "processes"),
    }
}
