//! The result of a run for people: outcomes, percentiles of both clocks, a histogram, the verdict.

use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};
use hdrhistogram::Histogram;

use super::{table::empty_table, verdicts::check_text};
use crate::{
    latency::{Clocks, microseconds},
    report::{JudgedHistory, Measurement},
    words::{counted, crowd, harmless, indented, latency},
};

/// How many bars the histogram has, and how long the longest is.
const BARS: usize = 11;
const BAR_WIDTH: u64 = 40;

/// The percentiles of the detailed list.
const SPECTRUM: [f64; 13] =
    [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99, 99.999, 100.0];

/// The result as text, with colours in it: whoever prints it takes them out where they do not
/// belong.
pub(crate) fn measured_text(
    measurement: &Measurement<'_>,
    clocks: &Clocks,
    judged: &JudgedHistory,
    detailed: bool,
) -> String {
    let mut text =
        format!("{}\n{}\n\n{}\n", headline(measurement), outcomes(measurement), times(measurement));
    if detailed {
        text.push_str(&format!("\n{}\n", spectrum(clocks)));
    }
    text.push_str(&format!("\nresponse time\n{}", bars(&clocks.response_ns)));
    for (cause, times) in &measurement.causes {
        let times = counted(times, ("time", "times"));
        text.push_str(&harmless(&format!("\n{times}: {cause}")));
    }
    let unread = judged.history.operations.iter().find_map(|one| one.answer.as_ref());
    text.extend(
        unread.map(|unread| {
            harmless(&format!("\nan answer that no rule of the map knows: {unread}"))
        }),
    );
    text.push('\n');
    text.push_str(&rate_warning(measurement));
    for rule in &measurement.thresholds {
        let kept = if rule.passed { "kept" } else { "MISSED" };
        let actual = rule.actual.map_or("no samples".to_owned(), |actual| format!("{actual:.3}"));
        text.push_str(&format!("threshold `{}` {kept}: {actual}\n", rule.rule));
    }
    if measurement.is_judged {
        text.push_str(&check_text(std::slice::from_ref(judged)));
    } else {
        text.push_str("not judged, since nothing was recorded (`--no-history`)\n");
    }
    if measurement.sold_out_reached == Some(false) {
        text.push_str("not every client was told sold out before the end (`--until-sold-out`)\n");
    }
    if !measurement.advice.is_empty() {
        text.push_str("what to change:\n");
        let lines = measurement.advice.iter().map(|advice| harmless(&indented(advice, 2)));
        text.push_str(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
    }
    text
}

fn headline(measurement: &Measurement<'_>) -> String {
    let loop_kind = match measurement.asked_rate_rps {
        Some(rate) => format!("open loop, {rate:.1}/s asked for"),
        None => "closed loop".to_owned(),
    };
    format!(
        "{} of {} ({}), {loop_kind}: {:.1}/s in {:.2} s",
        counted(measurement.requests, ("operation", "operations")),
        counted(measurement.clients, ("client", "clients")),
        crowd(measurement.workers, measurement.mode),
        measurement.rate_rps,
        measurement.elapsed_s,
    )
}

fn table(header: &[&str]) -> Table {
    let mut table = empty_table();
    table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    table
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn outcomes(measurement: &Measurement<'_>) -> String {
    let mut table = table(&["outcome", "operations", "share"]);
    let outcomes = &measurement.outcomes;
    let rows = [
        ("sold", outcomes.sold, false),
        ("sold out", outcomes.sold_out, false),
        ("found", outcomes.found, false),
        ("held", outcomes.held, false),
        ("given back", outcomes.given_back, false),
        ("refused", outcomes.refused, true),
        ("error", outcomes.error, true),
        ("unknown", outcomes.unknown, true),
    ];
    for (name, number, is_bad) in
        rows.into_iter().filter(|(name, number, _)| *number > 0 || *name == "sold")
    {
        let share = number as f64 * 100.0 / (measurement.requests as f64).max(1.0);
        let cell = right(number);
        let cell = if is_bad { cell.fg(Color::Red) } else { cell };
        table.add_row(vec![Cell::new(name), cell, right(format!("{share:.2} %"))]);
    }
    if let (Some(initial), Some(left), None) =
        (measurement.initial, measurement.left, &measurement.rounds)
    {
        let stock = match measurement.restocked {
            0 => format!("of {initial}"),
            restocked => format!("of {initial} + {restocked}"),
        };
        table.add_row(vec![Cell::new("left"), right(left), right(stock)]);
    }
    if let Some(held) = measurement.held.filter(|held| *held > 0) {
        table.add_row(vec![Cell::new("still held"), right(held).fg(Color::Red), Cell::new("")]);
    }
    table.to_string()
}

fn times(measurement: &Measurement<'_>) -> String {
    let mut table = table(&["time", "response", "service"]);
    let (response, service) = (&measurement.response_us, &measurement.service_us);
    for ((name, response), (_, service)) in response.quoted().into_iter().zip(service.quoted()) {
        table.add_row(vec![Cell::new(name), right(latency(response)), right(latency(service))]);
    }
    table.to_string()
}

/// All of both clocks, as wrk2 prints it.
fn spectrum(clocks: &Clocks) -> String {
    let mut table = table(&["percentile", "response", "service", "1/(1-p)"]);
    for percent in SPECTRUM {
        let at = |histogram: &Histogram<u64>| {
            right(latency(microseconds(histogram.value_at_quantile(percent / 100.0))))
        };
        let inverse = if percent < 100.0 {
            format!("{:.2}", 100.0 / (100.0 - percent))
        } else {
            "∞".to_owned()
        };
        table.add_row(vec![
            right(format!("{percent} %")),
            at(&clocks.response_ns),
            at(&clocks.service_ns),
            right(inverse),
        ]);
    }
    table.to_string()
}

/// The histogram as bars, from the smallest to the 99.9th percentile, and the rest in one bar.
fn bars(histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return "  nothing was measured\n".to_owned();
    }
    let low = histogram.min();
    let high = histogram.value_at_quantile(0.999).max(low + 1);
    let width = (high - low).div_ceil(BARS as u64 - 1).max(1);
    let ends: Vec<u64> = (1..BARS as u64).map(|bar| low + bar * width).collect();
    let mut counts = Vec::new();
    let mut from = 0;
    for end in ends.iter().copied().chain([u64::MAX]) {
        counts.push(histogram.count_between(from, end - 1));
        from = end;
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut text = String::new();
    for (place, count) in counts.iter().enumerate() {
        let label = match ends.get(place) {
            Some(end) => format!("{:>9}", latency(microseconds(*end))),
            None => "     more".to_owned(),
        };
        let filled = usize::try_from((count * BAR_WIDTH).div_ceil(most)).unwrap_or(0);
        text.push_str(&format!("  {label} {count:>9} {}\n", "█".repeat(filled)));
    }
    text
}

fn rate_warning(measurement: &Measurement<'_>) -> String {
    if measurement.asked_rate_reached != Some(false) {
        return String::new();
    }
    format!(
        "ASKED RATE NOT REACHED: {:.1}/s of {:.1}/s; {} due and never sent, and their wait \
         counts into the response time\n",
        measurement.rate_rps,
        measurement.asked_rate_rps.unwrap_or(0.0),
        counted(measurement.unsent, ("operation was", "operations were")),
    )
}
