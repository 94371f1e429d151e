//! First of all: what the judge says of each run, in words.

use super::{
    frame::Block,
    markup::{Element, element},
    run::RunView,
};
use crate::judge::{Verdict, Violation, ViolationKind};
use crate::words::{self, clipped};

/// The most violations and doubts that are listed of one run.
const LISTED_MAX: usize = 8;

/// The verdicts of all runs.
pub(super) fn verdicts(views: &[RunView<'_>]) -> Block {
    Block {
        id: "verdict",
        heading: "Verdict",
        lead: Vec::new(),
        columns: views.iter().map(card).collect(),
        parts: 1,
    }
}

fn card(view: &RunView<'_>) -> Element {
    let verdict = view.run.judgement.verdict();
    let colon = if view.label.is_empty() { "" } else { ": " };
    let heading = element("h3")
        .child(sign(verdict))
        .child(element("span").class("label").text(name(&view.label)))
        .text(colon)
        .child(element("strong").text(outcome(view, verdict)));
    element("article")
        .class(format_args!("card {verdict}"))
        .child(heading)
        .child(summary(view, verdict))
        .child(findings(view))
}

/// What people call a run: one without a lock is the one that a beginner looks for.
fn name(label: &str) -> &str {
    if label == "none" { "Without a lock" } else { label }
}

/// The verdict in a word that says what went wrong.
fn outcome(view: &RunView<'_>, verdict: Verdict) -> &'static str {
    let has = |kind| view.run.judgement.violations.iter().any(|violation| violation.kind == kind);
    match verdict {
        Verdict::Violation if has(ViolationKind::Oversell) => "oversold",
        Verdict::Violation if has(ViolationKind::DuplicateTicket) => "tickets sold twice",
        verdict => verdict.name(),
    }
}

/// The violation that is told first: that more was sold than there was, or else the one that fewest
/// operations show.
fn chief<'a>(view: &'a RunView<'_>) -> Option<&'a Violation> {
    let violations = &view.run.judgement.violations;
    let oversell = violations.iter().find(|violation| violation.kind == ViolationKind::Oversell);
    oversell.or(view.smallest()).or(violations.first())
}

/// The verdict as a shape: a cross, a question, a tick.
pub(super) fn sign(verdict: Verdict) -> Element {
    let path = match verdict {
        Verdict::Violation => "M8 2H16L22 8V16L16 22H8L2 16V8ZM8 8L16 16M8 16L16 8",
        Verdict::Unknown => {
            "M12 1.5L22.5 12L12 22.5L1.5 12ZM9.5 10C9.5 6.5 14.5 6.5 14.5 9.7C14.5 11.6 12 11.6 12 13.6M12 16.4V16.6"
        }
        Verdict::Valid => "M2 12A10 10 0 1 1 22 12A10 10 0 1 1 2 12ZM7 12.5L10.7 16L17 8.5",
    };
    element("svg")
        .class("sign")
        .with("viewBox", "0 0 24 24")
        .with("aria-hidden", "true")
        .child(element("path").with("d", path))
}

fn summary(view: &RunView<'_>, verdict: Verdict) -> Element {
    let size = view.size();
    let text = match (verdict, chief(view)) {
        (Verdict::Violation, Some(violation)) => {
            format!("A violation: {}.", clipped(&violation.message))
        }
        (Verdict::Valid, _) => {
            format!("There is an order of the {size} that explains every answer.")
        }
        _ => format!("The {size} prove nothing, and that is no all-clear."),
    };
    element("p").class("summary").prose(&text)
}

/// What else is wrong, and why the history proves less than it should.
fn findings(view: &RunView<'_>) -> Element {
    let judgement = view.run.judgement;
    let shown = chief(view);
    let is_other =
        |violation: &&Violation| !shown.is_some_and(|shown| std::ptr::eq(shown, *violation));
    let others = judgement.violations.iter().filter(is_other).count();
    let mut list = element("ul").class("findings");
    for violation in judgement.violations.iter().filter(is_other).take(LISTED_MAX) {
        list = list.child(element("li").prose(&words::sentence(&clipped(&violation.message))));
    }
    for doubt in judgement.doubts.iter().take(LISTED_MAX) {
        let text = format!("In doubt: {}.", clipped(doubt));
        list = list.child(element("li").class("doubt").prose(&text));
    }
    for untried in &judgement.untried {
        let text = format!("Not tried: {}.", untried.advice());
        list = list.child(element("li").class("doubt").prose(&text));
    }
    let more =
        others.saturating_sub(LISTED_MAX) + judgement.doubts.len().saturating_sub(LISTED_MAX);
    if more > 0 {
        list = list.child(
            element("li").text(format_args!("And {} more, not listed here.", words::grouped(more))),
        );
    }
    list
}
