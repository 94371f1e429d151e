//! The lessons as a page of their own: one file, no script, nothing from elsewhere.

use maud::{Markup, html};

use super::{
    drawing::{lanes, scaled},
    finding::Finding,
    outcome::{Outcome, total},
    timeline::{Bar, Doing, Event, Scene},
};
use crate::{
    judge::Verdict,
    page::{Figure, Tick, TimeScale, bar, document, key, legend, prose},
    words::sign,
};

const STYLE: &str = include_str!("page.css");

/// The height of a lane, in pixels.
const LANE: f64 = 20.0;

/// The whole page, in UTF-8.
pub(super) fn render(outcomes: &[Outcome]) -> String {
    let title = match outcomes {
        [one] => format!("Lesson: {}", one.lesson.name),
        _ => "The lesson's programs".to_owned(),
    };
    let body = html! {
        header {
            h1 { (title) }
            p {
                "Each is a small program that really does what it teaches: real processes, real \
                 threads, real locks. What you see here happened in one run, and each claim was \
                 checked against it."
            }
            p { "Verdict: " (badge(total(outcomes))) }
            @if outcomes.len() > 1 { (contents(outcomes)) }
        }
        main {
            @for outcome in outcomes { (section(outcome)) }
            (product(outcomes))
        }
    };
    document(&title, STYLE, None, &body)
}

fn contents(outcomes: &[Outcome]) -> Markup {
    html! {
        nav aria-label="Lessons" {
            ol {
                @for outcome in outcomes {
                    li {
                        a href={ "#" (outcome.lesson.name) } { (outcome.lesson.name) }
                        span { (outcome.lesson.teaches) }
                        (badge(outcome.verdict()))
                    }
                }
            }
        }
    }
}

fn section(outcome: &Outcome) -> Markup {
    let lesson = outcome.lesson;
    let drawn = scaled(&outcome.scenes, lesson.compares_times);
    html! {
        section id=(lesson.name) {
            h2 { (lesson.name) " " (badge(outcome.verdict())) }
            p { (prose(lesson.opening)) }
            @if !drawn.is_empty() { (legend(&keys())) }
            @for (place, (scene, length_s)) in drawn.into_iter().enumerate() {
                (figure(format!("{}-{place}", lesson.name), scene, length_s))
            }
            h3 { "What was seen" }
            ul.findings { @for finding in &outcome.findings { (seen(finding)) } }
            @if outcome.verdict() == Verdict::Valid { p.shows { (prose(lesson.shows)) } }
            @if !outcome.figures.is_empty() { dl { (measured(&outcome.figures)) } }
            details {
                summary { "Everything that happened" }
                @for scene in &outcome.scenes { h4 { (scene.title) } pre { (events(scene)) } }
            }
        }
    }
}

/// The timeline of `scene`, on a scale of `length_s`.
fn figure(id: String, scene: &Scene, length_s: f64) -> Markup {
    let (lanes, hidden) = lanes(scene);
    let scale = TimeScale::new(0.0, length_s * 1e9);
    let middle = |lane: usize| LANE * (lane as f64 + 0.5);
    let name = |(lane, (who, _)): (usize, &(&str, Vec<&Bar>))| Tick {
        at: middle(lane),
        label: (*who).to_owned(),
    };
    let names: Vec<Tick> = lanes.iter().enumerate().map(name).collect();
    let drawn = |lane: usize, drawn: &Bar| {
        let (from, to) = (scale.at(drawn.from_s * 1e9), scale.at(drawn.to_s * 1e9));
        // However short it was, it is seen.
        bar(class(drawn.doing), (from, to.max(from + 0.3)), middle(lane), LANE * 0.7)
    };
    let figure = Figure {
        id,
        title: format!("Timeline: {}", scene.title),
        description: names.iter().map(|name| name.label.as_str()).collect::<Vec<_>>().join(", "),
        names,
        axis: scale.ticks(),
        height: LANE * lanes.len() as f64,
        marks: html! {
            @for (lane, (_, bars)) in lanes.iter().enumerate() {
                @for bar in bars { (drawn(lane, bar)) }
            }
        },
        zoom: None,
    };
    html! {
        figure {
            figcaption { (scene.title) }
            (figure.draw())
            @if hidden > 0 { p.quiet { (hidden) " more between the first and the last." } }
        }
    }
}

fn class(doing: Doing) -> &'static str {
    match doing {
        Doing::Works => "works",
        Doing::Waits => "waits",
        Doing::Killed => "killed",
    }
}

fn keys() -> Markup {
    let meanings = [(Doing::Works, "works"), (Doing::Waits, "waits"), (Doing::Killed, "cut off")];
    html! {
        @for (doing, text) in meanings { (key(&bar(class(doing), (8.0, 92.0), 7.0, 9.0), text)) }
    }
}

fn seen(finding: &Finding) -> Markup {
    html! { li { (badge(finding.verdict)) " " strong { (finding.claim) } br; (finding.seen) } }
}

fn measured(figures: &[(String, f64)]) -> Markup {
    let parts = figures.iter().map(|(name, value)| {
        let (name, unit) = name.rsplit_once(", ").unwrap_or((name, ""));
        let value = if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.3}") };
        (name, value, unit)
    });
    html! { @for (name, value, unit) in parts { div { dt { (name) } dd { (value) " " (unit) } } } }
}

fn events(scene: &Scene) -> String {
    let line = |event: &Event| format!("{:8.3} s  {:<12}  {}\n", event.at_s, event.who, event.what);
    scene.events.iter().map(line).collect()
}

/// The table that ties the lessons to the product.
fn product(outcomes: &[Outcome]) -> Markup {
    let uses = outcomes
        .iter()
        .flat_map(|outcome| outcome.lesson.product.iter().map(|used| (outcome.lesson.name, used)));
    html! {
        section id="product" {
            h2 { "In the product" }
            p { "The same ideas at work in " code { "server" } " and " code { "loadgen" } "." }
            table {
                thead {
                    tr {
                        @for name in ["Lesson", "File", "What it does with the idea"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody {
                    @for (name, used) in uses {
                        tr {
                            td { a href={ "#" (name) } { (name) } }
                            td { code { (used.file) } }
                            td { (prose(used.what)) }
                        }
                    }
                }
            }
        }
    }
}

fn badge(verdict: Verdict) -> Markup {
    html! { span class={ "badge " (verdict) } { (sign(verdict)) " " (verdict) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::catalogue::LESSONS;

    #[test]
    fn nothing_that_was_said_becomes_markup() {
        let mut scene = Scene { title: "<b>&\"'".to_owned(), ..Scene::default() };
        scene.bars.push(Bar { who: "<i>".into(), doing: Doing::Killed, from_s: 0.0, to_s: 9.0 });
        let outcome = Outcome {
            lesson: &LESSONS[0],
            findings: vec![Finding::certain("<script>", false, "<img>")],
            scenes: vec![scene],
            figures: vec![("<u>, s".to_owned(), 0.5)],
            elapsed_s: 1.0,
        };
        let page = render(&[outcome]);
        for tag in ["<b>", "<i>", "<script>", "<img>", "<u>"] {
            assert!(!page.contains(tag), "{tag}");
        }
        assert!(page.contains("&lt;script&gt;") && page.contains("violation"), "{page}");
    }

    #[test]
    fn the_page_asks_nobody_else_for_anything() {
        let page = render(&[]);
        for outside in ["http://", "https://", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
