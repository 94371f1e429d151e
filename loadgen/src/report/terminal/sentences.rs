//! Two sentences on a race: what happened, and why. Pure; every word rests on the results.

use crate::{
    judge::Verdict,
    report::JudgedRun,
    setup::Locking,
    waits::{LockCost, Until},
    words::{counted, listed, sentence, time},
};

/// What happened, and why.
pub(crate) fn sentences(runs: &[JudgedRun]) -> [String; 2] {
    [what_happened(runs), why(runs)].map(|clauses| sentence(&clauses.join("; ")))
}

/// What the locks cost and whom; nothing where no run that held can tell.
pub(crate) fn costs(runs: &[JudgedRun]) -> Option<String> {
    let sound = runs.iter().filter(|run| run.summary.verdict == Verdict::Valid);
    let costs = sound.filter_map(|run| Some((run.summary.locking, run.summary.cost?)));
    let costs: Vec<(Locking, LockCost)> = costs.collect();
    let clauses = costs.iter().map(|(locking, cost)| {
        let until = match cost.waited_until {
            Until::Turn => "a purchase waited",
            Until::Answer => "a purchase waited for its answer",
        };
        let longest = time(cost.waited_us.max * 1e3);
        let mut clause = format!("under `{locking}` {until} for up to {longest}");
        if cost.out_of_turn >= OUT_OF_TURN_SAID {
            let share = cost.out_of_turn * 100.0;
            clause.push_str(&format!(
                ", and of two that came one after the other the later was served first in {share:.0} % of all cases"
            ));
        }
        clause
    });
    let clauses: Vec<String> = clauses.collect();
    if clauses.is_empty() {
        return None;
    }
    let index = "Jain's index of fairness is 1 where all wait alike, and about 0.75 in a queue whose turns are alike, \
                 since its last waits for everybody.";
    Some(format!("What it costs: {}. {index}", clauses.join("; ")))
}

/// From which share on it is said that purchases were served out of turn.
const OUT_OF_TURN_SAID: f64 = 0.05;

fn what_happened(runs: &[JudgedRun]) -> Vec<String> {
    let with = |verdict| runs.iter().filter(move |run| run.summary.verdict == verdict);
    let broken = with(Verdict::Violation).map(|run| (broken_promise(run), vec![run]));
    let kept = alike(with(Verdict::Valid), kept_promise);
    let empty = alike(with(Verdict::Unknown), |run| {
        format!("nothing is proved, since {}", run.judged.judgement.doubts.join(" and "))
    });
    let all = broken.chain(kept).chain(empty);
    all.map(|(what, runs)| format!("{}: {what}", under(&runs))).collect()
}

/// Runs of which the same is to be said, together.
fn alike<'a>(
    runs: impl Iterator<Item = &'a JudgedRun>,
    say: impl Fn(&JudgedRun) -> String,
) -> Vec<(String, Vec<&'a JudgedRun>)> {
    let mut groups: Vec<(String, Vec<&JudgedRun>)> = Vec::new();
    for run in runs {
        let text = say(run);
        match groups.iter_mut().find(|(said, _)| *said == text) {
            Some((_, group)) => group.push(run),
            None => groups.push((text, vec![run])),
        }
    }
    groups
}

/// As in "without a lock" and "under `file` and `group`".
fn under(runs: &[&JudgedRun]) -> String {
    if let [run] = runs
        && run.summary.locking == Locking::None
    {
        return "without a lock".to_owned();
    }
    let names: Vec<String> = runs.iter().map(|run| format!("`{}`", run.summary.locking)).collect();
    format!("under {}", listed(&names))
}

fn broken_promise(run: &JudgedRun) -> String {
    let summary = &run.summary;
    let counts = &summary.counts;
    let mut clause = sold_of(run);
    if counts.duplicate_tickets > 0 {
        let again = counts.duplicate_tickets;
        clause.push_str(&format!(", {again} of them with a number that was sold before"));
    }
    if let Some(left) = summary.left.filter(|left| *left > 0 && counts.lost_updates > 0) {
        clause.push_str(&format!(", and `db.txt` still says {left}"));
    }
    if counts.oversold + counts.duplicate_tickets + counts.lost_updates == 0 {
        for violation in &run.judged.judgement.violations {
            clause.push_str(&format!(", and {}", violation.message));
        }
    }
    clause
}

/// As in "10 sold of 10".
fn sold_of(run: &JudgedRun) -> String {
    format!("{} sold of {}", run.summary.counts.sold, run.summary.tickets)
}

fn kept_promise(run: &JudgedRun) -> String {
    let counts = &run.summary.counts;
    let mut clause = format!("{}, {} told \"sold out\"", sold_of(run), counts.sold_out);
    if let Some(holds) = run.summary.holds {
        let lapsed = counted(holds.lapsed, ("hold", "holds"));
        clause.push_str(&format!(", {lapsed} lapsed"));
        if holds.held == Some(0) {
            clause.push_str(", and nothing is held any more");
        }
    }
    let failures = [(counts.errors, "failed"), (counts.unknown, "ended unknown")];
    for (number, how) in failures.into_iter().filter(|(number, _)| *number > 0) {
        let purchases = counted(number, ("purchase", "purchases"));
        clause.push_str(&format!(", {purchases} {how}"));
    }
    if !run.is_safe {
        clause.push_str(", which was luck");
    }
    clause
}

fn why(runs: &[JudgedRun]) -> Vec<String> {
    let mut reasons = Vec::new();
    if runs.iter().any(|run| run.is_caught() && run.summary.locking == Locking::None) {
        reasons.push(
            "without a lock a worker sells by a count that others have changed since it was read, \
             and writes over what they wrote"
                .to_owned(),
        );
    }
    if let Some(run) =
        runs.iter().find(|run| run.is_caught() && run.summary.locking == Locking::Mutex)
    {
        reasons.push(format!(
            "a mutex binds one process, and {} servers share this `db.txt`",
            run.summary.servers
        ));
    }
    reasons.extend(why_safe(runs));
    if let Some(run) =
        runs.iter().find(|run| run.is_safe && run.summary.verdict == Verdict::Violation)
    {
        reasons.push(format!("that `{}` let this happen is a defect", run.summary.locking));
    }
    if runs.iter().any(|run| !run.is_safe && run.summary.verdict == Verdict::Valid) {
        reasons
            .push("an unsafe run that looks valid only had no bad luck, so race again".to_owned());
    }
    if runs.iter().any(|run| run.summary.verdict == Verdict::Unknown) {
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
    let (group, one_by_one): (Vec<_>, Vec<_>) =
        runs.iter().filter(valid).partition(|run| run.summary.locking == Locking::Group);
    match (one_by_one.is_empty(), group.is_empty()) {
        (true, true) => None,
        (false, true) => Some(ONE_BY_ONE.to_owned()),
        (true, false) => Some(format!("`group` {GROUP}")),
        (false, false) => Some(format!("{ONE_BY_ONE}, and `group` {GROUP}")),
    }
}

const ONE_BY_ONE: &str =
    "a lock that is held from the read to the write lets in one purchase at a time";
const GROUP: &str = "takes the lock once and settles all purchases that wait";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::{Counts, Violation, ViolationKind},
        report::{JudgedHistory, RunSummary},
        setup::Mode,
        waits::Waited,
    };

    /// A run of 100 workers on 10 tickets that kept its books.
    fn valid(locking: Locking, servers: u32) -> JudgedRun {
        JudgedRun {
            is_safe: locking.is_safe(servers),
            summary: RunSummary {
                locking,
                mode: Mode::Process,
                direct: servers == 0,
                servers,
                workers: 100,
                tickets: 10,
                counts: Counts { sold: 10, sold_out: 90, ..Counts::default() },
                holds: None,
                left: Some(0),
                elapsed_s: 1.0,
                cost: None,
                verdict: Verdict::Valid,
            },
            judged: JudgedHistory::default(),
            notes: Vec::new(),
        }
    }

    /// The same, but everybody was sold the same ticket.
    fn broken(locking: Locking, servers: u32) -> JudgedRun {
        let mut run = valid(locking, servers);
        run.summary.left = Some(9);
        run.summary.counts = Counts {
            sold: 100,
            oversold: 90,
            lost_updates: 99,
            duplicate_tickets: 99,
            ..Counts::default()
        };
        run.summary.verdict = Verdict::Violation;
        run
    }

    fn unknown(locking: Locking, doubt: &str) -> JudgedRun {
        let mut run = valid(locking, 1);
        run.judged.judgement.doubts.push(doubt.to_owned());
        run.summary.verdict = Verdict::Unknown;
        run
    }

    #[test]
    fn the_race_of_the_readme() {
        let [what, why] = sentences(&[
            broken(Locking::None, 1),
            valid(Locking::Mutex, 1),
            valid(Locking::File, 1),
            valid(Locking::Group, 1),
        ]);
        assert_eq!(
            what,
            "Without a lock: 100 sold of 10, 99 of them with a number that was sold before, and \
             `db.txt` still says 9; under `mutex`, `file`, and `group`: 10 sold of 10, 90 told \
             \"sold out\"."
        );
        assert_eq!(
            why,
            "Without a lock a worker sells by a count that others have changed since it was read, \
             and writes over what they wrote; a lock that is held from the read to the write lets \
             in one purchase at a time, and `group` takes the lock once and settles all purchases \
             that wait."
        );
    }

    #[test]
    fn a_lock_that_held_is_said_to_cost_something() {
        let cost = LockCost {
            purchases: 100,
            waited_until: Until::Turn,
            waited_us: Waited { p50: 600_000.0, max: 1_230_000.0 },
            purchases_rps: 80.0,
            out_of_turn: 0.01,
            overtaken_max: 1,
            fairness: 0.75,
        };
        let mut file = valid(Locking::File, 1);
        file.summary.cost = Some(cost);
        let mut group = valid(Locking::Group, 1);
        let waited_us = Waited { p50: 40_000.0, max: 61_000.0 };
        let (waited_until, out_of_turn) = (Until::Answer, 0.4);
        group.summary.cost = Some(LockCost { waited_until, waited_us, out_of_turn, ..cost });
        let mut none = broken(Locking::None, 1);
        none.summary.cost = Some(cost);
        let said = costs(&[none.clone(), file, group]).unwrap();
        assert!(
            said.starts_with("What it costs: under `file` a purchase waited for up to 1230 ms;"),
            "{said}"
        );
        assert!(
            said.contains(
                "under `group` a purchase waited for its answer for up to 61 ms, and of two"
            ),
            "{said}"
        );
        assert!(said.contains("in 40 % of all cases. Jain's index"), "{said}");
        assert_eq!(costs(&[none]), None);
    }

    #[test]
    fn a_mutex_is_blamed_only_where_it_was_caught() {
        let [what, why] = sentences(&[broken(Locking::Mutex, 2), valid(Locking::File, 2)]);
        assert!(what.starts_with("Under `mutex`: 100 sold of 10"), "{what}");
        assert!(why.starts_with("A mutex binds one process, and 2 servers share"), "{why}");
        assert!(!why.contains("ithout a lock"), "{why}");
        let [_, why] = sentences(&[valid(Locking::Mutex, 1)]);
        assert!(!why.contains("binds one process"), "{why}");
    }

    #[test]
    fn a_safe_run_that_is_broken_is_a_defect() {
        let [_, why] = sentences(&[broken(Locking::Group, 1)]);
        assert_eq!(why, "That `group` let this happen is a defect.");
    }

    #[test]
    fn an_unsafe_run_that_looks_valid_was_luck() {
        let [what, why] = sentences(&[valid(Locking::None, 1), valid(Locking::File, 1)]);
        assert!(what.starts_with("Without a lock: 10 sold of 10"), "{what}");
        assert_eq!(what.matches("which was luck").count(), 1, "{what}");
        assert!(why.contains("race again"), "{why}");
    }

    #[test]
    fn a_run_that_proves_nothing_says_why() {
        let [what, why] = sentences(&[unknown(Locking::File, "nobody was told sold out")]);
        assert_eq!(what, "Under `file`: nothing is proved, since nobody was told sold out.");
        assert!(why.starts_with("Only a run in which purchases overlap"), "{why}");
    }

    #[test]
    fn a_violation_without_a_figure_is_told_in_the_judges_words() {
        let mut run = valid(Locking::File, 1);
        run.summary.verdict = Verdict::Violation;
        run.judged.judgement.violations.push(Violation {
            kind: ViolationKind::FalseSoldOut,
            message: "90 told sold out, but 10 were left all the time".to_owned(),
            operations: Vec::new(),
            story: Vec::new(),
            needs_whole: false,
        });
        let [what, _] = sentences(&[run]);
        assert!(what.contains("90 told sold out, but 10 were left all the time"), "{what}");
    }

    #[test]
    fn safe_runs_with_different_figures_are_told_apart() {
        let mut odd = valid(Locking::File, 1);
        odd.summary.counts.sold_out = 89;
        odd.summary.counts.unknown = 1;
        let [what, _] = sentences(&[odd, valid(Locking::Group, 1)]);
        assert!(what.contains("1 purchase ended unknown"), "{what}");
        assert!(what.contains("under `group`: 10 sold of 10, 90"), "{what}");
    }
}
