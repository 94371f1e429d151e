//! What came of it: plain data, its words, and the exit code. Pure.

use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::{
    config::{ChaosConfig, Kept},
    injection::Injected,
    run::{Chaos, LedgerSaid},
};
use crate::{
    exit_code,
    judge::{Untried, Verdict},
    report::{ViolationView, check_text, empty_table, first_violations},
    tally::Outcomes,
    words::{counted, crowd, grouped, listed, time_ns},
};

/// How many faults the table shows.
const FAULTS_SHOWN: usize = 40;

/// The object that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct ChaosView<'a> {
    seed: u64,
    db: &'a str,
    servers: u32,
    members: u32,
    clients: u32,
    workers: u32,
    tickets: u64,
    faults: Vec<FaultView>,
    requests: u64,
    elapsed_s: f64,
    outcomes: Outcomes,
    left: Option<i64>,
    /// Whether the ledger is sound; `None` where it could not be read.
    ledger_is_sound: Option<bool>,
    verdict: Verdict,
    violations: Vec<ViolationView<'a>>,
    violations_total: usize,
    doubts: &'a [String],
    untried: &'a [Untried],
    notes: &'a [String],
}

/// A fault as JSON has it.
#[derive(Debug, Serialize)]
struct FaultView {
    kind: super::faults::FaultKind,
    /// Which server it was, from 0; `None` where it was a member.
    server: Option<u32>,
    /// Which member it was.
    member: Option<u32>,
    from_s: f64,
    to_s: f64,
}

impl<'a> ChaosView<'a> {
    /// What came of the chaos of `config`.
    pub(super) fn new(config: &'a ChaosConfig, chaos: &'a Chaos) -> Self {
        let (violations, violations_total) = first_violations(&chaos.judged);
        let fault = |injected: &Injected| FaultView {
            kind: injected.kind,
            server: (!injected.kind.is_of_members()).then_some(injected.target),
            member: injected.kind.is_of_members().then_some(injected.target),
            from_s: seconds(chaos.since_start_ns(injected.from_ns)),
            to_s: seconds(chaos.since_start_ns(injected.to_ns)),
        };
        let judgement = &chaos.judged.judgement;
        Self {
            seed: config.seed,
            db: &chaos.db,
            servers: config.servers,
            members: config.kept.members(),
            clients: config.clients,
            workers: config.workers,
            tickets: config.tickets,
            faults: chaos.injected.iter().map(fault).collect(),
            requests: chaos.led.tally.intended,
            elapsed_s: seconds(chaos.since_start_ns(chaos.led.tally.answered_ns)),
            outcomes: chaos.led.tally.outcomes,
            left: chaos.judged.history.header.left,
            ledger_is_sound: chaos.ledger.is_sound(),
            verdict: chaos.judged.verdict(),
            violations,
            violations_total,
            doubts: &judgement.doubts,
            untried: &judgement.untried,
            notes: &chaos.notes,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run is far shorter than 2^53 ns")]
fn seconds(ns: u64) -> f64 {
    (ns as f64 / 1e6).round() / 1e3
}

/// What people read of it, with colours.
pub(super) fn text(config: &ChaosConfig, chaos: &Chaos) -> String {
    let tally = &chaos.led.tally;
    let mut table = empty_table();
    table.set_header(["at", "for", "fault"]);
    for injected in chaos.injected.iter().take(FAULTS_SHOWN) {
        table.add_row([
            time_ns(chaos.since_start_ns(injected.from_ns)),
            time_ns(injected.to_ns.saturating_sub(injected.from_ns)),
            injected.kind.told(injected.target + 1),
        ]);
    }
    for column in 0..2 {
        align_right(&mut table, column);
    }
    let mut text = format!("{}\n\n", heading(config));
    if !chaos.injected.is_empty() {
        text.push_str(&format!("{table}\n"));
    }
    if chaos.injected.len() > FAULTS_SHOWN {
        text.push_str(&format!("and {} more\n", chaos.injected.len() - FAULTS_SHOWN));
    }
    text.push_str(&format!(
        "\n{} operations in {}: {}\n",
        grouped(tally.intended),
        time_ns(chaos.since_start_ns(tally.answered_ns)),
        listed(&outcomes(&tally.outcomes))
    ));
    match &chaos.ledger {
        LedgerSaid::Read(_, said) => text.push_str(&format!("{}\n", said.trim_end())),
        LedgerSaid::Unread(error) => text.push_str(&format!("the ledger was not read: {error}\n")),
    }
    text.push_str(&check_text(std::slice::from_ref(&chaos.judged)));
    text
}

/// How the operations ended, those ways that there were.
fn outcomes(outcomes: &Outcomes) -> Vec<String> {
    let ways = [
        (outcomes.sold, "sold"),
        (outcomes.sold_out, "sold out"),
        (outcomes.held, "held"),
        (outcomes.given_back, "given back"),
        (outcomes.found, "found"),
        (outcomes.refused, "refused"),
        (outcomes.error, "not done"),
        (outcomes.unknown, "unknown"),
    ];
    let there = ways.into_iter().filter(|(many, _)| *many > 0);
    there.map(|(many, way)| format!("{} {way}", grouped(many))).collect()
}

/// What it is that came to this.
pub(super) fn heading(config: &ChaosConfig) -> String {
    let place = match config.kept {
        Kept::File | Kept::At(_) => "one counter".to_owned(),
        Kept::Etcd { members } => {
            format!("one counter on {} of etcd", counted(members, ("member", "members")))
        }
        Kept::Postgres => "one counter on a primary of PostgreSQL and its standby".to_owned(),
    };
    format!(
        "{} of {place}, {} in {}, {}, seed {}",
        counted(config.servers, ("server", "servers")),
        counted(config.clients, ("client", "clients")),
        crowd(config.workers, config.mode),
        counted(config.rounds, ("fault", "faults")),
        config.seed,
    )
}

fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// The exit code: what is wrong weighs most.
pub(super) fn exit_code(verdict: Verdict, ledger: &LedgerSaid) -> u8 {
    match (verdict, ledger) {
        (Verdict::Violation, _) | (_, LedgerSaid::Read(false, _)) => exit_code::VIOLATION,
        (Verdict::Unknown, _) | (_, LedgerSaid::Unread(_)) => exit_code::UNKNOWN,
        (Verdict::Valid, LedgerSaid::Read(true, _)) => exit_code::VALID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::ServerError;

    #[test]
    fn valid_is_only_what_the_ledger_says_too() {
        let read = |is_sound| LedgerSaid::Read(is_sound, String::new());
        let unread = || LedgerSaid::Unread(ServerError::Killed);
        for (verdict, ledger, code) in [
            (Verdict::Valid, read(true), 0),
            (Verdict::Valid, read(false), 1),
            (Verdict::Violation, read(true), 1),
            (Verdict::Violation, unread(), 1),
            (Verdict::Unknown, read(true), 3),
            (Verdict::Unknown, read(false), 1),
            (Verdict::Valid, unread(), 3),
        ] {
            assert_eq!(exit_code(verdict, &ledger), code, "{verdict:?} {ledger:?}");
        }
    }
}
