//! The cause: who was between the read and the write of the count at one time.

use maud::{Markup, html};

use super::{
    block::{block, column, empty_column},
    critical::Section,
    figures::RunFigures,
    lanes::{Lanes, Place},
    mark,
    run::RunView,
};
use crate::{
    page::{Figure, Table, TimeScale, Zoom, bar, key, sign},
    words::{self, grouped},
};

/// The most critical sections that are drawn: a stretch of the run, without gaps.
const DRAWN_MAX: usize = 160;
/// The height of the lanes in pixels, where they can share it.
const HEIGHT: f64 = 480.0;
/// The columns of the table.
const HEAD: [&str; 5] = ["Worker", "Read at", "Written at", "Answered", "Wrote over"];

/// The critical sections of all runs, where a history tells of any.
pub(super) fn critical_sections(
    views: &[RunView<'_>],
    sections: &[Vec<Section>],
    figures: &[RunFigures],
) -> Markup {
    if sections.iter().all(Vec::is_empty) {
        return html! {};
    }
    // What a lost update is, for somebody who has never heard of one.
    let steps = "To sell a ticket, the seller reads the count, checks that something is left, and \
                 writes the count back, one lower. A bar is the time from that read to that write, \
                 in which a purchase relies on a number that it saw earlier.";
    let lost = "If another purchase writes in that time, the number is out of date: both saw the \
                same count, both sell a ticket, and the second write wipes out the first. Two \
                tickets are gone, and the count fell by one: a lost update. A lock lets one \
                purchase at a time through from read to write, so no bar begins before the one \
                above it has ended.";
    let untold = "Its answers do not say when a purchase read and wrote the count. A group commit does \
                  both once for all that wait.";
    let drawn = |((view, sections), figures): ((&RunView<'_>, &Vec<Section>), _)| match &sections[..]
    {
        [] => empty_column(&view.label, untold),
        sections => draw(view, sections, figures),
    };
    let columns: Vec<Markup> = views.iter().zip(sections).zip(figures).map(drawn).collect();
    let is_cause = figures.iter().any(|figures| figures.sections_overwriting > 0);
    let heading = if is_cause { "The cause" } else { "From read to write" };
    block(("sections", heading), &[steps, lost], &columns)
}

fn draw(view: &RunView<'_>, sections: &[Section], figures: &RunFigures) -> Markup {
    let drawn = stretch(view, sections);
    let is_whole = drawn.len() == sections.len();
    let scale = if is_whole { view.scale } else { own_scale(drawn) };
    let worker = |section: &Section| view.operation(section.place).process;
    let lanes = Lanes::within(drawn.iter().map(worker), HEIGHT);
    let mut caption = caption(figures);
    if !is_whole {
        caption.push(format!(
            "Drawn are {} of {} of them, one after the other.",
            grouped(drawn.len()),
            grouped(sections.len())
        ));
    }
    let group = if is_whole { "run" } else { "sections" };
    let figure = Figure {
        id: format!("sections-{}", view.place),
        title: format!("From read to write under {}, a lane for each worker", view.label),
        description: caption.join(" "),
        names: lanes.names(),
        axis: scale.ticks(),
        height: lanes.height(),
        marks: html! {
            @for section in drawn {
                (mark_section(view, section, lanes.place(worker(section)), &scale))
            }
        },
        zoom: Some(Zoom {
            scale,
            share: if is_whole { view.share } else { 1.0 },
            group: format!("{group}-{}", view.place),
        }),
    };
    column(&view.label, &caption, &figure, &keys(drawn), &table(view, drawn))
}

/// What the picture shows, in numbers.
fn caption(figures: &RunFigures) -> Vec<String> {
    let most = figures.sections_at_once_max;
    let crowd = match most {
        0 | 1 => "Never more than one purchase was between read and write.".to_owned(),
        most => format!("Up to {} purchases were between read and write at once.", grouped(most)),
    };
    let harm = match figures.sections_overwriting {
        0 => "None wrote over what another had written since its read.".to_owned(),
        1 => "1 purchase wrote over what another had written since its read.".to_owned(),
        overwriting => format!(
            "{} purchases wrote over what another had written since their read.",
            grouped(overwriting)
        ),
    };
    vec![format!("{crowd} {harm}")]
}

/// The sections that are drawn: all, or a stretch around the first that wrote over another.
fn stretch<'a>(view: &RunView<'_>, sections: &'a [Section]) -> &'a [Section] {
    let accused = view.accused_of_smallest();
    let centre = sections
        .iter()
        .position(|section| accused.contains(&section.place))
        .or_else(|| sections.iter().position(|section| section.overwritten.is_some()))
        .unwrap_or(0);
    let most = DRAWN_MAX.min(view.marks_max);
    let start = centre.saturating_sub(most / 4).min(sections.len().saturating_sub(most));
    &sections[start..sections.len().min(start + most)]
}

fn own_scale(drawn: &[Section]) -> TimeScale {
    let start = drawn.first().map_or(0.0, |section| section.read);
    let end = drawn.iter().map(|section| section.write).fold(start, f64::max);
    TimeScale::new(start, end).with_margin(0.04)
}

fn mark_section(view: &RunView<'_>, section: &Section, place: Place, scale: &TimeScale) -> Markup {
    let Place { lane, middle, height } = place;
    let (read, write) = (scale.at(section.read), scale.at(section.write));
    let mut told = view.told(section.place);
    if let Some(other) = section.overwritten {
        let other = words::who(view.operation(other).process);
        told.push_str(&format!(" It wrote over what {other} had written since."));
    }
    let is_roomy = height >= mark::ROOMY;
    let drawn = html! {
        (bar("", (read, write), middle, height))
        @if is_roomy { (sign(mark::READ, (read, middle))) }
        @match kind(section) {
            "overwriting" if is_roomy => (sign(mark::OVERWRITE, (write, middle)))
            "overwriting" => (sign(mark::OVERWRITE_SMALL, (write, middle)))
            "writing" if is_roomy => (sign(mark::WRITE, (write, middle)))
            _ => {}
        }
    };
    mark::readable(kind(section), false, lane, &told, &drawn)
}

fn kind(section: &Section) -> &'static str {
    match (section.has_written, section.overwritten) {
        (true, Some(_)) => "overwriting",
        (true, None) => "writing",
        (false, _) => "reading",
    }
}

fn keys(drawn: &[Section]) -> Markup {
    let kinds = [
        ("writing", "read, then wrote: nobody else wrote in between"),
        ("overwriting", "read, then wrote over what another had written since"),
        ("reading", "read, and found nothing left to sell"),
    ];
    let is_there = |name: &str| drawn.iter().any(|section| kind(section) == name);
    let bar_of = |name: &str| {
        html! {
            g class={ "op " (name) } {
                (bar("", (8.0, 76.0), 7.0, 8.0))
                @if name == "overwriting" { (sign(mark::OVERWRITE, (76.0, 7.0))) }
            }
        }
    };
    html! { @for (name, text) in kinds { @if is_there(name) { (key(&bar_of(name), text)) } } }
}

fn table(view: &RunView<'_>, drawn: &[Section]) -> Table {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let rows = drawn.iter().map(|section| {
        let operation = view.operation(section.place);
        let other = section.overwritten.map(|other| words::who(view.operation(other).process));
        vec![
            operation.process.to_string(),
            words::time(section.read),
            or_dash(section.has_written.then(|| words::time(section.write))),
            words::answered(operation),
            or_dash(other),
        ]
    });
    Table::new(format!("From read to write under {}", view.label), &HEAD, rows)
}
