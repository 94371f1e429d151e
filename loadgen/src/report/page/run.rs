//! One run as the page sees it.

use crate::{
    history::{Header, Operation},
    judge::{Judgement, Violation},
    latency::Clocks,
    page::{TimeScale, Zoom},
    words,
};

/// Runs whose times differ by at most this factor are drawn on one time scale.
const COMPARABLE: f64 = 3.0;
/// What a figure shows before the first call and after the last answer: a share of its time.
const MARGIN: f64 = 0.015;
/// The longest label.
const LABEL_MAX: usize = 40;

/// One run and what the judge says of it.
#[derive(Clone, Debug)]
pub(crate) struct PageRun<'a> {
    /// What people call it, such as its locking.
    pub(crate) label: String,
    /// What should be said of it in numbers and words: names and values, in reading order.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What is known of the counter.
    pub(crate) header: &'a Header,
    /// What the clients saw, in any order.
    pub(crate) operations: &'a [Operation],
    /// What the judge found.
    pub(crate) judgement: &'a Judgement,
    /// For each operation the instant at which the order puts it, in the nanoseconds of the
    /// history's clock; empty, or `None`, where no order does.
    pub(crate) points: Vec<Option<u64>>,
    /// How long its operations took, where that was measured.
    pub(crate) clocks: Option<&'a Clocks>,
    /// What was done to the shop meanwhile, in order.
    pub(crate) shades: Vec<Shade>,
}

/// A time in which something was done to the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shade {
    /// When it began, in nanoseconds of the history's clock.
    pub(crate) from_ns: u64,
    /// When it was over.
    pub(crate) to_ns: u64,
    /// What it was.
    pub(crate) text: String,
}

/// A run with what all its figures need.
#[derive(Debug)]
pub(super) struct RunView<'a> {
    /// Its place on the page, from 0.
    pub(super) place: usize,
    /// The run.
    pub(super) run: &'a PageRun<'a>,
    /// Its label, short, and never empty.
    pub(super) label: String,
    /// The places of its operations, by their calls.
    pub(super) in_call_order: Vec<usize>,
    /// The most operations to draw.
    pub(super) marks_max: usize,
    /// The whole run, on the scale that its figures have.
    pub(super) scale: TimeScale,
    /// Its share of the longest run's time, at most 1.
    pub(super) share: f64,
    /// From the run's first call to the last thing that happened, in nanoseconds.
    pub(super) own_span_ns: u64,
    origin_ns: u64,
}

/// The views of `runs`, each with at most `marks_max` operations to draw.
pub(super) fn views<'a>(runs: &'a [PageRun<'a>], marks_max: usize) -> Vec<RunView<'a>> {
    let mut views: Vec<RunView<'a>> =
        runs.iter().enumerate().map(|(place, run)| view(place, run, marks_max)).collect();
    let longest = views.iter().map(RunView::span).fold(1.0, f64::max);
    let shortest = views.iter().map(RunView::span).fold(longest, f64::min);
    for view in &mut views {
        let span = if longest <= shortest * COMPARABLE { longest } else { view.span() };
        view.scale = TimeScale::new(0.0, span).with_margin(MARGIN);
        view.share = span / longest;
    }
    views
}

fn view<'a>(place: usize, run: &'a PageRun<'a>, marks_max: usize) -> RunView<'a> {
    let mut in_call_order: Vec<usize> = (0..run.operations.len()).collect();
    in_call_order.sort_by_key(|place| run.operations[*place].call_ns);
    let (origin_ns, end_ns) = ends(run);
    let label = match run.label.trim() {
        "" => format!("run {}", place + 1),
        label => words::clipped_to(label, LABEL_MAX),
    };
    RunView {
        place,
        run,
        label,
        in_call_order,
        marks_max,
        scale: TimeScale::new(0.0, since(origin_ns, end_ns)),
        share: 1.0,
        own_span_ns: end_ns - origin_ns,
        origin_ns,
    }
}

/// The first call, and the last thing that happened.
fn ends(run: &PageRun<'_>) -> (u64, u64) {
    let starts = run.operations.iter().map(|operation| {
        let read = operation.section.as_deref().map(|section| section.read_ns);
        operation.call_ns.min(read.unwrap_or(u64::MAX))
    });
    let ends = run.operations.iter().map(|operation| {
        let written = operation.section.as_deref().map(|section| section.write_ns);
        let end = operation.return_ns.unwrap_or(operation.call_ns);
        end.max(operation.call_ns).max(written.unwrap_or(0))
    });
    let origin_ns = starts.min().unwrap_or(0);
    (origin_ns, ends.max().unwrap_or(0).max(origin_ns))
}

fn since(origin_ns: u64, ns: u64) -> f64 {
    if ns >= origin_ns { (ns - origin_ns) as f64 } else { -((origin_ns - ns) as f64) }
}

impl RunView<'_> {
    /// Nanoseconds since the run's first call.
    pub(super) fn time(&self, ns: u64) -> f64 {
        since(self.origin_ns, ns)
    }

    /// From the run's first call to the last thing that happened, in nanoseconds.
    pub(super) fn span(&self) -> f64 {
        since(0, self.own_span_ns)
    }

    /// The operation at `place`.
    pub(super) fn operation(&self, place: usize) -> &Operation {
        &self.run.operations[place]
    }

    /// When the operation at `place` was called and answered; open operations have no end.
    pub(super) fn times(&self, place: usize) -> (f64, Option<f64>) {
        let operation = self.operation(place);
        (self.time(operation.call_ns), operation.return_ns.map(|ns| self.time(ns)))
    }

    /// When the order puts the operation at `place`.
    pub(super) fn point(&self, place: usize) -> Option<f64> {
        self.run.points.get(place).copied().flatten().map(|ns| self.time(ns))
    }

    /// The counterexample with the fewest operations.
    pub(super) fn smallest(&self) -> Option<&Violation> {
        let violations = &self.run.judgement.violations;
        // The first of equals, in the judge's own order.
        violations
            .iter()
            .filter(|violation| !self.accused(violation).is_empty())
            .min_by_key(|violation| violation.operations.len())
    }

    /// The operations of the smallest counterexample, by their calls.
    pub(super) fn accused_of_smallest(&self) -> Vec<usize> {
        self.smallest().map(|violation| self.accused(violation)).unwrap_or_default()
    }

    /// The operations of `violation` that the history has, by their calls.
    pub(super) fn accused(&self, violation: &Violation) -> Vec<usize> {
        let mut places: Vec<usize> = violation
            .operations
            .iter()
            .copied()
            .filter(|place| *place < self.run.operations.len())
            .collect();
        places.sort_by_key(|place| self.operation(*place).call_ns);
        places.dedup();
        places
    }

    /// All of the operation at `place` in one line.
    pub(super) fn told(&self, place: usize) -> String {
        let operation = self.operation(place);
        let (call, answer) = self.times(place);
        let mut text = format!(
            "{}: {}, {}",
            words::who(operation.process),
            words::asked(operation),
            words::answered_in_full(operation)
        );
        let mut add = |sentence: String| text.push_str(&format!(". {sentence}"));
        let called = words::time(call);
        add(match answer.map(|answer| (words::time(answer), words::time(answer - call))) {
            Some((at, after)) => format!("Called at {called}, answered at {at} ({after})"),
            None => format!("Called at {called}, never answered"),
        });
        if let Some(section) = operation.section.as_deref() {
            let at = [section.read_ns, section.write_ns].map(|ns| words::time(self.time(ns)));
            add(format!("Read the count at {}, done with it at {}", at[0], at[1]));
        }
        if let Some(point) = self.point(place) {
            add(format!("The order puts it at {}", words::time(point)));
        }
        if let Some(key) = &operation.key {
            add(format!("Key {}", words::clipped_to(key, LABEL_MAX)));
        }
        words::sentence(&text)
    }

    /// How its figures zoom: together.
    pub(super) fn zoom(&self) -> Zoom {
        Zoom { scale: self.scale, share: self.share, group: format!("run-{}", self.place) }
    }

    /// How many operations, in words.
    pub(super) fn size(&self) -> String {
        words::counted_grouped(self.run.operations.len(), ("operation", "operations"))
    }
}
