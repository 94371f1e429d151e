//! What each locking cost as a picture to share: a bar a worker, in steps, light while it waits and dark from
//! where it is served.
//!
//! One SVG file that needs nothing else, with colours of its own: whoever gets it may see it on any ground.

use maud::{Markup, PreEscaped, html};

use crate::lab::analysis::{
    cost::{Cost, Visit},
    telling::{self, numbers},
};

const MARGIN: usize = 20;
const NAMES: usize = 78;
/// The width of the steps of the longest play.
const STEPS: u16 = 460;
const NOTES: usize = 130;
const ROW: usize = 24;
/// The head of one locking, and what is between two.
const TITLE: usize = 46;
const GAP: usize = 18;
const HEAD: usize = 76;

const STYLE: &str = "text{font:13px 'Helvetica Neue',Helvetica,Arial,sans-serif;fill:#1a1916}\
    .title{font-size:18px;font-weight:700}.quiet{fill:#625e55}.name{font-weight:700}.ground{fill:#fffefb}\
    .lane{fill:#f5f3ee}.waits{fill:#fffefb;stroke:#87827a;stroke-dasharray:4 3}.served{fill:#2746c8}\
    .wrong{fill:#b3160e;font-weight:700}";

/// What `costs` tell, of one locking below the other.
pub(crate) fn draw(costs: &[Cost]) -> String {
    let longest = costs.iter().map(|cost| cost.steps).max().unwrap_or(1).max(1);
    let scale = f64::from(STEPS) / longest as f64;
    let mut height = HEAD;
    let mut groups = Vec::new();
    for cost in costs {
        groups.push((height, cost));
        height += TITLE + ROW * cost.visits.len() + GAP;
    }
    let width = 2 * MARGIN + NAMES + usize::from(STEPS) + NOTES;
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby="title text" {
            title id="title" { "What each locking cost, in steps" }
            desc id="text" {
                @for cost in costs { (cost.setup.variant.title()) ": " (telling::cost(cost)) " " }
            }
            style { (PreEscaped(STYLE)) }
            rect.ground width="100%" height="100%" {}
            text.title x=(MARGIN) y="32" { "What each locking cost, in steps" }
            rect.waits x=(MARGIN) y="47" width="26" height="12" rx="3" {}
            text.quiet x=(MARGIN + 34) y="58" { "has come, and waits for its turn" }
            rect.served x=(MARGIN + 262) y="47" width="26" height="12" rx="3" {}
            text.quiet x=(MARGIN + 296) y="58" { "has read the count, to its end" }
            @for (top, cost) in groups { (group(top, cost, scale)) }
        }
    };
    picture.into_string()
}

fn group(top: usize, cost: &Cost, scale: f64) -> Markup {
    let is_wrong = cost.outcome.is_wrong();
    html! {
        text.name x=(MARGIN) y=(top + 16) { (cost.setup.variant.title()) }
        text.wrong[is_wrong].quiet[!is_wrong] x=(MARGIN) y=(top + 34) {
            (numbers(cost.setup)) ": " (telling::outcome(cost.outcome)) ", in " (cost.steps) " steps"
        }
        @for (place, visit) in cost.visits.iter().enumerate() {
            (row(top + TITLE + ROW * place, visit, cost.steps, scale))
        }
    }
}

fn row(y: usize, visit: &Visit, steps: usize, scale: f64) -> Markup {
    let left = MARGIN + NAMES;
    let at = |step: usize| left as f64 + step as f64 * scale;
    let came = visit.came - 1;
    // Its reading is the first step of its service; who is never served waits to the end of all.
    let served = visit.served.map_or(steps, |served| served - 1);
    let bar = |class: &str, from: usize, to: usize| {
        let (x, width) = (at(from), (to.saturating_sub(from)) as f64 * scale);
        html! {
            @if width > 0.0 {
                rect class=(class) x=(format!("{x:.1}")) y=(y + 4) width=(format!("{width:.1}")) height=(ROW - 8) rx="3" {}
            }
        }
    };
    html! {
        rect.lane x=(left) y=(y + 2) width=(format!("{:.1}", steps as f64 * scale)) height=(ROW - 4) rx="4" {}
        text x=(MARGIN) y=(y + 17) { "Worker " (visit.worker) }
        (bar("waits", came, served))
        @if visit.served.is_some() { (bar("served", served, visit.left)) }
        text.quiet x=(left + usize::from(STEPS) + 10) y=(y + 17) {
            @if visit.served.is_none() { "never served" } @else { "waited " (visit.waited) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{
        analysis::facts::Outcome,
        model::{program::Variant, setup::Setup},
    };

    #[test]
    fn who_is_never_served_waits_to_the_end_and_is_not_drawn_as_served() {
        let setup = Setup { variant: Variant::TwoLocks, workers: 2, tickets: 1 };
        let visit = |worker, came, served| Visit { worker, came, served, left: 4, waited: 2 };
        let visits = vec![visit(1, 1, Some(2)), visit(2, 3, None)];
        let cost = Cost { setup, outcome: Outcome::Deadlock, steps: 4, visits, service: None };
        let picture = draw(&[cost]);
        // The keys have one of each.
        assert_eq!(picture.matches("class=\"served\"").count(), 2, "{picture}");
        assert_eq!(picture.matches("class=\"waits\"").count(), 3, "{picture}");
        assert!(picture.contains("never served") && picture.contains("deadlock, in 4 steps"));
    }
}
