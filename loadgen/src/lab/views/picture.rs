//! A schedule as a picture to share: a column a worker, a row a step, and what was sold.
//!
//! One SVG file that needs nothing else, with colours of its own: whoever gets it may see it on any
//! ground.

use maud::{Markup, PreEscaped, html};

use crate::lab::{
    analysis::{facts::Outcome, telling::numbers},
    session::Session,
    views::view::{StepView, steps},
};

const NUMBERS: usize = 44;
const COLUMN: usize = 190;
const ROW: usize = 26;
const HEAD: usize = 92;
const FOOT: usize = 64;
const MARGIN: usize = 20;
/// The least width: what the sentence at the end needs.
const WIDTH_MIN: usize = 560;

const STYLE: &str = "text{font:13px 'Helvetica Neue',Helvetica,Arial,sans-serif;fill:#1a1916}\
    .title{font-size:18px;font-weight:700}.quiet{fill:#625e55}.name{font-weight:700}\
    .ground{fill:#fffefb}.lane{fill:#f5f3ee}.line{stroke:#dcd7cb}\
    .box{fill:#ece8de}.sale{fill:#2746c8}.again,.broke{fill:#b3160e}.waits{fill:none;stroke:#87827a;\
    stroke-dasharray:4 3}.granted{fill:#fffefb;stroke:#87827a}.on{fill:#fff;font-weight:700}\
    .wrong{fill:#b3160e;font-weight:700}";

/// What was played in `session` so far.
pub(crate) fn draw(session: &Session) -> String {
    let setup = session.setup();
    let under = numbers(setup);
    let ending = session.facts().ending();
    let is_wrong = session.facts().result().is_some_and(Outcome::is_wrong);
    let ending = ending.unwrap_or_else(|| "Not over yet.".to_owned());
    let steps = steps(session);
    let height = HEAD + ROW * steps.len() + FOOT;
    let columns = usize::from(setup.workers);
    let width = (2 * MARGIN + NUMBERS + COLUMN * columns).max(WIDTH_MIN);
    let title = session.variant().title();
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby="title text" {
            title id="title" { "A schedule: " (title) }
            desc id="text" { @for step in &steps { (step.says) " " } (ending) }
            style { (PreEscaped(STYLE)) }
            rect.ground width="100%" height="100%" {}
            text.title x=(MARGIN) y="32" { (title) }
            text.quiet x=(MARGIN) y="54" { (under) }
            @for number in 0..columns {
                @let x = MARGIN + NUMBERS + COLUMN * number;
                rect.lane x=(x + 4) y=(HEAD - 24) width=(COLUMN - 8) height=(ROW * steps.len() + 28) rx="6" {}
                text.name x=(x + 14) y=(HEAD - 7) { "Worker " (number + 1) }
            }
            @for (place, step) in steps.iter().enumerate() { (row(place, step)) }
            text.wrong[is_wrong].name[!is_wrong] x=(MARGIN) y=(height - 30) { (ending) }
            text.quiet x=(MARGIN) y=(height - 11) {
                "loadgen lab, with real processes: #" (session.played().fragment())
            }
        }
    };
    picture.into_string()
}

fn row(place: usize, step: &StepView) -> Markup {
    let y = HEAD + ROW * place;
    let x = MARGIN + NUMBERS + COLUMN * (usize::from(step.worker) - 1);
    let class = if step.mark.is_empty() { "box" } else { step.mark };
    let is_dark = matches!(step.mark, "sale" | "again" | "broke");
    html! {
        text.quiet x=(MARGIN + NUMBERS - 12) y=(y + 17) text-anchor="end" { @if let Some(number) = step.number { (number) } }
        rect class=(class) x=(x + 8) y=(y + 2) width=(COLUMN - 16) height=(ROW - 4) rx="4" {}
        text.on[is_dark] x=(x + 16) y=(y + 17) {
            (step.brief) @if step.mark == "again" { " again" }
        }
    }
}
