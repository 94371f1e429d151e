//! The cause: who was between the read and the write of the count at one time.

use super::{
    critical::Section,
    figure::{Figure, bar},
    figures::RunFigures,
    frame::{Block, Table, column, empty_column},
    mark,
    markup::{Element, element},
    run::RunView,
    scale::{Tick, TimeScale},
};
use crate::words::{self, grouped};

/// The most critical sections that are drawn: a stretch of the run, without gaps.
const DRAWN_MAX: usize = 160;
/// The columns of the table.
const HEAD: [&str; 5] = ["Worker", "Read at", "Written at", "Answered", "Wrote over"];

/// The critical sections of all runs; `None` where no history tells of any.
pub(super) fn critical_sections(
    views: &[RunView<'_>],
    sections: &[Vec<Section>],
    figures: &[RunFigures],
) -> Option<Block> {
    if sections.iter().all(Vec::is_empty) {
        return None;
    }
    let columns = views
        .iter()
        .zip(sections)
        .zip(figures)
        .map(|((view, sections), figures)| match sections.as_slice() {
            [] => empty_column(
                &view.label,
                "Its answers do not say when a purchase read and wrote the count. A group commit does \
                 both once for all that wait.",
            ),
            sections => draw(view, sections, figures),
        })
        .collect();
    let is_cause = figures.iter().any(|figures| figures.sections_overwriting > 0);
    let heading = if is_cause { "The cause" } else { "From read to write" };
    Some(Block { id: "sections", heading, lead: lead(), columns, parts: 4 })
}

/// What a lost update is, for somebody who has never heard of one.
fn lead() -> Vec<Element> {
    let steps = "To sell a ticket, the seller reads the count, checks that something is left, and \
                 writes the count back, one lower. A bar is the time from that read to that write, \
                 in which a purchase relies on a number that it saw earlier.";
    let lost = "If another purchase writes in that time, the number is out of date: both saw the \
                same count, both sell a ticket, and the second write wipes out the first. Two \
                tickets are gone, and the count fell by one: a lost update. A lock lets one \
                purchase at a time through from read to write, so no bar begins before the one \
                above it has ended.";
    [steps, lost].map(|text| element("p").class("lead").text(text)).to_vec()
}

fn draw(view: &RunView<'_>, sections: &[Section], figures: &RunFigures) -> Element {
    let drawn = stretch(view, sections);
    let is_whole = drawn.len() == sections.len();
    let scale = if is_whole { view.scale } else { own_scale(drawn) };
    let mut workers: Vec<u32> = Vec::new();
    for section in drawn {
        let worker = view.operation(section.place).process;
        if !workers.contains(&worker) {
            workers.push(worker);
        }
    }
    let pitch = (480.0 / px(workers.len())).clamp(5.0, 22.0);
    let middle = |lane: usize| (px(lane) + 0.5) * pitch;
    let marks = drawn.iter().map(|section| {
        let worker = view.operation(section.place).process;
        let lane = workers.iter().position(|known| *known == worker).unwrap_or(0);
        mark_section(view, section, (lane, middle(lane), (pitch - 2.0).min(12.0)), &scale)
    });
    let names = workers
        .iter()
        .enumerate()
        .map(|(lane, worker)| Tick { at: middle(lane), label: words::who(*worker) });
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
        scale,
        share: if is_whole { view.share } else { 1.0 },
        group: &format!("{group}-{}", view.place),
        height: (px(workers.len()) * pitch).max(24.0),
        names: names.collect(),
        marks: marks.collect(),
    };
    column(&view.label, &caption, (figure, legend(drawn)), table(view, drawn))
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
    let accused = view.smallest().map(|violation| view.accused(violation)).unwrap_or_default();
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

fn mark_section(
    view: &RunView<'_>,
    section: &Section,
    (lane, middle, height): (usize, f64, f64),
    scale: &TimeScale,
) -> Element {
    let (read, write) = (scale.at(section.read), scale.at(section.write));
    let mut told = view.told(section.place);
    if let Some(other) = section.overwritten {
        told.push_str(&format!(
            " It wrote over what {} had written since.",
            words::who(view.operation(other).process)
        ));
    }
    let group = mark::readable(kind(section), false, lane, &told);
    let group = group.child(bar((read, write), middle, height));
    let is_roomy = height >= mark::ROOMY;
    let group = if is_roomy { group.child(mark::read_sign((read, middle))) } else { group };
    match (section.has_written, section.overwritten) {
        (true, Some(_)) => group.child(mark::overwriting_sign((write, middle), is_roomy)),
        (true, None) if is_roomy => group.child(mark::write_sign((write, middle))),
        _ => group,
    }
}

fn kind(section: &Section) -> &'static str {
    match (section.has_written, section.overwritten) {
        (true, Some(_)) => "overwriting",
        (true, None) => "writing",
        (false, _) => "reading",
    }
}

fn legend(drawn: &[Section]) -> Element {
    let kinds = [
        ("writing", "read, then wrote: nobody else wrote in between"),
        ("overwriting", "read, then wrote over what another had written since"),
        ("reading", "read, and found nothing left to sell"),
    ];
    let list = element("ul").class("legend").with("role", "list");
    kinds.into_iter().filter(|(name, _)| drawn.iter().any(|section| kind(section) == *name)).fold(
        list,
        |list, (name, text)| {
            let drawing =
                element("g").class(format_args!("op {name}")).child(bar((8.0, 76.0), 7.0, 8.0));
            let drawing = match name {
                "overwriting" => drawing.child(mark::overwriting_sign((76.0, 7.0), true)),
                _ => drawing,
            };
            list.child(mark::key(drawing, text))
        },
    )
}

fn table(view: &RunView<'_>, drawn: &[Section]) -> Table {
    let rows = drawn.iter().map(|section| {
        let other = section.overwritten.map(|other| words::who(view.operation(other).process));
        vec![
            grouped(view.operation(section.place).process),
            words::time(section.read),
            if section.has_written { words::time(section.write) } else { "–".to_owned() },
            words::answered(view.operation(section.place)),
            other.unwrap_or_else(|| "–".to_owned()),
        ]
    });
    Table::new(format!("From read to write under {}", view.label), &HEAD, rows)
}

fn px(lanes: usize) -> f64 {
    f64::from(u32::try_from(lanes).unwrap_or(u32::MAX))
}
