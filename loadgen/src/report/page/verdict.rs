//! First of all: what the judge says of each run, in words.

use maud::{Markup, html};

use super::{block::block, run::RunView};
use crate::{
    judge::{Verdict, Violation, ViolationKind, next_steps},
    page::prose,
    words::{clipped, grouped, sentence},
};

/// The most violations and doubts that are listed of one run.
const LISTED_MAX: usize = 8;

/// The verdicts of all runs.
pub(super) fn verdicts(views: &[RunView<'_>]) -> Markup {
    let cards: Vec<Markup> = views.iter().map(card).collect();
    block(("verdict", "Verdict"), &[], &cards)
}

fn card(view: &RunView<'_>) -> Markup {
    let verdict = view.run.judgement.verdict();
    html! {
        article class={ "card " (verdict) } {
            h3 {
                (sign(verdict)) span.label { (name(&view.label)) } ": "
                strong { (outcome(view, verdict)) }
            }
            p.summary { (prose(&summary(view, verdict))) }
            (findings(view))
        }
    }
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
fn sign(verdict: Verdict) -> Markup {
    let path = match verdict {
        Verdict::Violation => "M8 2H16L22 8V16L16 22H8L2 16V8ZM8 8L16 16M16 8L8 16",
        Verdict::Unknown => {
            "M12 1.5L22.5 12L12 22.5L1.5 12ZM9.5 10C9.5 6.5 14.5 6.5 14.5 9.7C14.5 11.6 12 11.6 12 13.6M12 16.4V16.6"
        }
        Verdict::Valid => "M2 12A10 10 0 1 1 22 12A10 10 0 1 1 2 12ZM7 12.5L10.7 16L17 8.5",
    };
    html! { svg.sign viewBox="0 0 24 24" aria-hidden="true" { path d=(path) {} } }
}

fn summary(view: &RunView<'_>, verdict: Verdict) -> String {
    let size = view.size();
    match (verdict, chief(view)) {
        (Verdict::Violation, Some(violation)) => {
            format!("A violation: {}.", clipped(&violation.message))
        }
        (Verdict::Valid, _) => {
            format!("There is an order of the {size} that explains every answer.")
        }
        _ => format!("The {size} prove nothing, and that is no all-clear."),
    }
}

/// What else is wrong, and why the history proves less than it should.
fn findings(view: &RunView<'_>) -> Markup {
    let judgement = view.run.judgement;
    let shown = chief(view);
    let is_other =
        |violation: &&Violation| !shown.is_some_and(|shown| std::ptr::eq(shown, *violation));
    let others: Vec<&Violation> = judgement.violations.iter().filter(is_other).collect();
    let more = [others.len(), judgement.doubts.len()].map(|all| all.saturating_sub(LISTED_MAX));
    let more: usize = more.iter().sum();
    html! {
        ul.findings {
            @for violation in others.iter().take(LISTED_MAX) {
                li { (prose(&sentence(&clipped(&violation.message)))) }
            }
            @for doubt in judgement.doubts.iter().take(LISTED_MAX) {
                li { "In doubt: " (prose(&clipped(doubt))) "." }
            }
            @for step in next_steps(judgement) {
                li { "Next: " (prose(step)) "." }
            }
            @for untried in &judgement.untried {
                li { "Not tried: " (prose(untried.advice())) "." }
            }
            @if more > 0 { li { "And " (grouped(more)) " more, not listed here." } }
        }
    }
}
