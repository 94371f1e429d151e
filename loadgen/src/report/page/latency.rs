//! How long operations took: both clocks as percentile curves, where a run was measured.
//!
//! Across, each step to the right has ten times fewer operations behind it, 1 / (1 − p), so that the
//! rare slow ones have as much room as the many fast ones. Down, the time is on a scale of powers of
//! ten too.

use hdrhistogram::Histogram;
use maud::{Markup, html};

use super::{
    block::{block, column, empty_column},
    run::RunView,
};
use crate::{
    latency::Clocks,
    page::{CountScale, Figure, Table, Tick, UNITS, key, line, number, stretched},
    words,
};

/// The height of the figure in pixels, and what is free above and below.
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 14.0;
/// How many points a curve has.
const POINTS: u32 = 240;
/// The rarest that is drawn: one in a million.
const DECADES_MAX: f64 = 6.0;
/// The percentiles of the table.
const TABLE: [f64; 9] = [0.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0];
const HEAD: [&str; 3] = ["Of the operations", "Response time", "Service time"];

/// The curves of all runs, where one was measured.
pub(super) fn latencies(views: &[RunView<'_>]) -> Markup {
    let lead = "Response time counts from the instant at which an operation was due, service time \
                from the instant at which it was sent. Where the first is far above the second, \
                operations had to wait before they could be sent: that is what buyers felt, and what \
                the service time alone would hide.";
    let columns: Vec<Markup> = views.iter().map(draw).collect();
    let is_measured = views.iter().any(|view| view.run.clocks.is_some());
    let title = ("latency", "How long it took");
    html! { @if is_measured { (block(title, &[lead], &columns)) } }
}

fn draw(view: &RunView<'_>) -> Markup {
    match view.run.clocks {
        Some(clocks) if !clocks.response_ns.is_empty() => curves(view, clocks),
        _ => empty_column(&view.label, "Nobody measured how long the operations took."),
    }
}

/// The scales of one figure: across, the powers of ten of 1 / (1 − p); down, those of the time.
struct Scales {
    decades: f64,
    down: CountScale,
}

impl Scales {
    fn of(clocks: &Clocks) -> Self {
        let decades = (clocks.response_ns.len() as f64).log10().clamp(1.0, DECADES_MAX);
        let both = [&clocks.response_ns, &clocks.service_ns];
        let seen = || both.iter().filter(|histogram| !histogram.is_empty());
        let low = seen().map(|histogram| histogram.min()).min().unwrap_or(1);
        let high = seen().map(|histogram| histogram.max()).max().unwrap_or(1);
        // At least one power of ten, or a curve of equals would fill the figure with noise.
        let low = log(low as f64).floor();
        let high = log(high as f64).max(low + 1.0);
        Self { decades, down: CountScale { low, high, height: HEIGHT, margin: MARGIN } }
    }

    fn across(&self, decades: f64) -> f64 {
        decades / self.decades * 100.0
    }
}

fn log(ns: f64) -> f64 {
    ns.max(1.0).log10()
}

fn curves(view: &RunView<'_>, clocks: &Clocks) -> Markup {
    let scales = Scales::of(clocks);
    let title = format!("How long the operations of {} took", view.label);
    let caption = [caption(clocks)];
    let figure = Figure {
        id: format!("latency-{}", view.place),
        title: format!("{title}, by percentile"),
        description: caption[0].clone(),
        names: down_ticks(&scales),
        axis: across_ticks(&scales),
        height: HEIGHT,
        marks: stretched(
            HEIGHT,
            &[
                ("service", curve(&clocks.service_ns, &scales)),
                ("response", curve(&clocks.response_ns, &scales)),
            ],
        ),
        zoom: None,
    };
    let stroke = |class| line(class, (8.0, 7.0), (92.0, 7.0));
    let keys = html! {
        (key(&stroke("response"), "response time, from the instant it was due"))
        (key(&stroke("service"), "service time, from the instant it was sent"))
    };
    column(&view.label, &caption, &figure, &keys, &table(title, clocks))
}

fn curve(histogram: &Histogram<u64>, scales: &Scales) -> String {
    let point = |point: u32| {
        let decades = f64::from(point) / f64::from(POINTS) * scales.decades;
        let quantile = 1.0 - 10_f64.powf(-decades);
        let x = scales.across(decades) / 100.0 * UNITS;
        let y = scales.down.at(log(histogram.value_at_quantile(quantile) as f64));
        let step = if point == 0 { 'M' } else { 'L' };
        format!("{step}{} {}", number(x), number(y))
    };
    (0..=POINTS).map(point).collect()
}

/// A tick at each power of ten: 0 %, 90 %, 99 %, …
fn across_ticks(scales: &Scales) -> Vec<Tick> {
    let labels = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
    (0_u32..)
        .zip(labels)
        .map(|(decade, label)| Tick {
            at: scales.across(f64::from(decade)),
            label: label.to_owned(),
        })
        .take_while(|tick| tick.at <= 100.0)
        .collect()
}

fn down_ticks(scales: &Scales) -> Vec<Tick> {
    let shown = |decade: &f64| (scales.down.low..=scales.down.high).contains(decade);
    let tick =
        |decade| Tick { at: scales.down.at(decade), label: words::time(10_f64.powf(decade)) };
    (0_i32..13).rev().map(f64::from).filter(shown).map(tick).collect()
}

fn caption(clocks: &Clocks) -> String {
    let at = |histogram: &Histogram<u64>, quantile| {
        words::time_ns(histogram.value_at_quantile(quantile))
    };
    let (response, service) = (&clocks.response_ns, &clocks.service_ns);
    format!(
        "Half of the operations were answered within {} of being due, 99 % within {}, all within \
         {}. From being sent it took {}, {} and {}.",
        at(response, 0.5),
        at(response, 0.99),
        at(response, 1.0),
        at(service, 0.5),
        at(service, 0.99),
        at(service, 1.0),
    )
}

fn table(title: String, clocks: &Clocks) -> Table {
    let rows = TABLE.iter().map(|share| {
        let at =
            |histogram: &Histogram<u64>| words::time_ns(histogram.value_at_quantile(share / 100.0));
        vec![format!("{share} %"), at(&clocks.response_ns), at(&clocks.service_ns)]
    });
    Table::new(title, &HEAD, rows)
}
