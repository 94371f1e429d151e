//! What came of it, as tables for people and as JSON for programs.

use std::fmt::{self, Display, Formatter};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets::ASCII_MARKDOWN};
use serde_json::{Value, json};

use crate::{
    load::{Load, Plan},
    machine::Machine,
    ratio::{Asked, Ratio, ratios},
    rounds::{DISTURBED_CORES, Ran, Run, Series},
    spread::{Spread, cut},
};

/// The whole result.
pub(crate) struct Report<'a> {
    machine: &'a Machine,
    plan: &'a Plan,
    ran: &'a Ran,
    ratios: Vec<Ratio>,
}

impl<'a> Report<'a> {
    /// The report on what `ran` by `plan` on `machine`.
    pub(crate) fn new(machine: &'a Machine, plan: &'a Plan, ran: &'a Ran) -> Self {
        Report { machine, plan, ran, ratios: ratios(ran) }
    }

    /// As a JSON object.
    pub(crate) fn json(&self) -> Value {
        let skipped = self
            .ran
            .skipped
            .iter()
            .map(|(system, missing)| json!({ "name": system.name, "missing": missing }));
        json!({
            "machine": self.machine.json(),
            "connections": self.plan.connections,
            "client_threads": self.plan.threads,
            "warm_up_s": self.plan.warm_up.as_secs_f64(),
            "seconds": self.plan.window.as_secs_f64(),
            "rounds": self.ran.rounds,
            "systems": self.ran.series.iter().map(system_json).collect::<Vec<_>>(),
            "ratios": self.ratios.iter().map(ratio_json).collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
        })
    }

    fn ratio_table(&self) -> Table {
        let mut table =
            table(&["ratio", "of", "median", "min..max", "asked", "met", "calm", "all rounds"]);
        for ratio in &self.ratios {
            let Ratio { pair, rounds, calm_rounds, spread } = ratio;
            let met = match (pair.asked, ratio.is_met()) {
                (None, _) => "",
                (Some(_), None) => "unknown",
                (Some(_), Some(true)) => "yes",
                (Some(_), Some(false)) => "NO",
            };
            table.add_row(vec![
                Cell::new(pair.text()),
                Cell::new(pair.figure.name()),
                number(ratio_text(spread.median)),
                number(format!("{}..{}", ratio_text(spread.min), ratio_text(spread.max))),
                number(pair.asked.map(Asked::text).unwrap_or_default()),
                Cell::new(met),
                number(format!("{calm_rounds}/{}", rounds.len())),
                Cell::new(rounds.iter().copied().map(ratio_text).collect::<Vec<_>>().join(" ")),
            ]);
        }
        table
    }

    fn system_table(&self) -> Table {
        let mut table = table(&[
            "system",
            "answers/s",
            "min..max",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "server µs",
            "client cores",
            "others",
            "",
        ]);
        for series in &self.ran.series {
            let rate = series.spread(|run| run.load.rate_rps);
            let latency_us = |quantile| series.spread(|run| run.load.latency_us(quantile)).median;
            let told = |figure: fn(&Load) -> Option<f64>| {
                let told = series.runs.iter().filter_map(|run| figure(&run.load));
                let told = Spread::of(&told.collect::<Vec<_>>());
                told.map_or(String::new(), |told| format!("{:.2}", told.median))
            };
            table.add_row(vec![
                Cell::new(series.system.name),
                number(format!("{:.0}", rate.median)),
                number(format!("{:.0}..{:.0}", rate.min, rate.max)),
                number(format!("{:.0}", latency_us(0.5))),
                number(format!("{:.0}", latency_us(0.99))),
                number(format!("{:.0}", latency_us(0.999))),
                number(told(|load| load.server_us)),
                number(told(|load| load.client_cores)),
                number(format!("{:.2}", series.spread(|run| run.others_cores).median)),
                Cell::new(series.system.about),
            ]);
        }
        table
    }
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Plan { connections, window, .. } = self.plan;
        let rounds = self.ran.rounds;
        writeln!(f, "{}", self.machine)?;
        write!(f, "{rounds} rounds of {window:?} each, {connections} connections")?;
        let runs = self.ran.series.iter().flat_map(|series| &series.runs);
        let disturbed = runs.clone().filter(|run| !run.is_calm()).count();
        let all = runs.count();
        write!(f, "; others kept over {DISTURBED_CORES} cores busy in {disturbed} of {all} runs")?;
        writeln!(f, "\n\n{}\n\n{}", self.ratio_table(), self.system_table())?;
        let missed = self.ratios.iter().filter(|ratio| ratio.is_met() == Some(false));
        for Ratio { pair, spread, .. } in missed {
            let (asked, median) = (pair.asked.map(Asked::text), ratio_text(spread.median));
            let (asked, figure) = (asked.unwrap_or_default(), pair.figure.name());
            writeln!(f, "not reached: {} ({figure}) is {median}, asked was {asked}", pair.text())?;
        }
        for (system, missing) in &self.ran.skipped {
            writeln!(f, "{}: skipped, it needs {missing}", system.name)?;
        }
        Ok(())
    }
}

impl Series {
    fn spread(&self, figure: impl Fn(&Run) -> f64) -> Spread {
        let figures = self.runs.iter().map(figure).collect::<Vec<_>>();
        Spread::of(&figures).expect("there is at least one round")
    }
}

fn system_json(series: &Series) -> Value {
    let rounds = series.runs.iter().map(|Run { load, others_cores }| {
        json!({
            "rate_rps": cut(load.rate_rps),
            "p50_us": load.latency_us(0.5),
            "p90_us": load.latency_us(0.9),
            "p99_us": load.latency_us(0.99),
            "p999_us": load.latency_us(0.999),
            "max_us": load.latency_us(1.0),
            "server_us": load.server_us.map(cut),
            "client_cores": load.client_cores.map(cut),
            "others_cores": cut(*others_cores),
        })
    });
    json!({
        "name": series.system.name,
        "about": series.system.about,
        "rate_rps": series.spread(|run| run.load.rate_rps).json(),
        "p50_us": series.spread(|run| run.load.latency_us(0.5)).json(),
        "p99_us": series.spread(|run| run.load.latency_us(0.99)).json(),
        "rounds": rounds.collect::<Vec<_>>(),
    })
}

fn ratio_json(ratio: &Ratio) -> Value {
    let Ratio { pair, rounds, calm_rounds, spread } = ratio;
    json!({
        "of": pair.of,
        "by": pair.by,
        "figure": pair.figure.name(),
        "ratio": spread.json(),
        "rounds": rounds.iter().copied().map(cut).collect::<Vec<_>>(),
        "calm_rounds": calm_rounds,
        "asked": pair.asked.map(Asked::text),
        "met": ratio.is_met(),
    })
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    table
}

fn number(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// A ratio with three digits that say something.
fn ratio_text(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.1}") }
}
