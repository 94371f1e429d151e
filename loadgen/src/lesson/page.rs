//! The lessons as a page of their own: one file, no script, nothing from elsewhere.

use super::{
    drawing::{lanes, scaled},
    finding::Finding,
    outcome::{Outcome, total},
    timeline::{Doing, Event, Scene},
};
use crate::{judge::Verdict, report::content_security_policy, words::sign};

const STYLE: &str = include_str!("page.css");

/// The width of a timeline, of its names, and the height of a lane, in pixels.
const WIDTH: f64 = 520.0;
const NAMES: f64 = 80.0;
const LANE: f64 = 18.0;

/// The whole page, in UTF-8.
pub(super) fn render(outcomes: &[Outcome]) -> String {
    let title = match outcomes {
        [one] => format!("Lesson: {}", one.lesson.name),
        _ => "The lesson's programs".to_owned(),
    };
    let policy = content_security_policy(STYLE, None);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{}{}{}</body>\n</html>\n",
        header(&title, outcomes),
        outcomes.iter().map(section).collect::<String>(),
        product(outcomes)
    )
}

fn header(title: &str, outcomes: &[Outcome]) -> String {
    let mut html = format!(
        "<header>\n<h1>{title}</h1>\n<p>Each is a small program that really does what it teaches: \
         real processes, real threads, real locks. What you see here happened in one run, and each \
         claim was checked against it.</p>\n<p>Verdict: {}</p>\n</header>\n",
        badge(total(outcomes))
    );
    if outcomes.len() > 1 {
        let items = outcomes.iter().map(|outcome| {
            let (name, teaches) = (outcome.lesson.name, escaped(outcome.lesson.teaches));
            let badge = badge(outcome.verdict());
            format!("<li><a href=\"#{name}\">{name}</a> <span>{teaches}</span> {badge}</li>\n")
        });
        let items: String = items.collect();
        html += &format!("<nav aria-label=\"Lessons\">\n<ol>\n{items}</ol>\n</nav>\n");
    }
    html
}

fn section(outcome: &Outcome) -> String {
    let lesson = outcome.lesson;
    let mut html = format!(
        "<section id=\"{0}\">\n<h2>{0} {1}</h2>\n<p>{2}</p>\n",
        lesson.name,
        badge(outcome.verdict()),
        prose(lesson.opening)
    );
    let drawn = scaled(&outcome.scenes, lesson.compares_times);
    if !drawn.is_empty() {
        html += "<p class=\"legend quiet\"><span class=\"works\"></span> works \
                 <span class=\"waits\"></span> waits <span class=\"killed\"></span> cut off</p>\n";
    }
    html.extend(drawn.into_iter().map(|(scene, length_s)| figure(scene, length_s)));
    html += "<h3>What was seen</h3>\n<ul class=\"findings\">\n";
    html.extend(outcome.findings.iter().map(finding));
    html += "</ul>\n";
    if outcome.verdict() == Verdict::Valid {
        html += &format!("<p class=\"shows\">{}</p>\n", prose(lesson.shows));
    }
    html + &figures(&outcome.figures) + &events(&outcome.scenes) + "</section>\n"
}

/// The timeline of `scene` as a drawing (SVG), on a scale of `length_s`.
fn figure(scene: &Scene, length_s: f64) -> String {
    let (lanes, hidden) = lanes(scene);
    let height = LANE * (lanes.len() as f64 + 1.0);
    let title = escaped(&scene.title);
    let mut svg = format!(
        "<figure>\n<figcaption>{title}</figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Timeline: {title}\">\n"
    );
    let x = |at_s: f64| NAMES + (WIDTH - NAMES) * (at_s / length_s).min(1.0);
    for (place, (who, bars)) in lanes.iter().enumerate() {
        let top = LANE * place as f64;
        svg += &format!("<text x=\"0\" y=\"{:.1}\">{}</text>\n", top + LANE * 0.7, escaped(who));
        for bar in bars {
            let class = match bar.doing {
                Doing::Works => "works",
                Doing::Waits => "waits",
                Doing::Killed => "killed",
            };
            let (from, to) = (x(bar.from_s), x(bar.to_s));
            svg += &format!(
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
                 height=\"{:.1}\"/>\n",
                top + LANE * 0.15,
                (to - from).max(1.5),
                LANE * 0.7
            );
        }
    }
    let base = height - LANE * 0.25;
    svg += &format!(
        "<text class=\"quiet\" x=\"{NAMES}\" y=\"{base:.1}\">0 s</text>\
         <text class=\"quiet end\" x=\"{WIDTH}\" y=\"{base:.1}\">{length_s:.2} s</text>\n</svg>\n"
    );
    if hidden > 0 {
        svg += &format!("<p class=\"quiet\">{hidden} more between the first and the last.</p>");
    }
    svg + "</figure>\n"
}

fn finding(finding: &Finding) -> String {
    format!(
        "<li>{} <strong>{}</strong><br>{}</li>\n",
        badge(finding.verdict),
        escaped(&finding.claim),
        escaped(&finding.seen)
    )
}

fn figures(figures: &[(String, f64)]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let items = figures.iter().map(|(name, value)| {
        let (name, unit) = name.rsplit_once(", ").unwrap_or((name, ""));
        let value = if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.3}") };
        let (name, unit) = (escaped(name), escaped(unit));
        format!("<div><dt>{name}</dt><dd>{value} {unit}</dd></div>\n")
    });
    format!("<dl>\n{}</dl>\n", items.collect::<String>())
}

fn events(scenes: &[Scene]) -> String {
    let mut html = "<details>\n<summary>Everything that happened</summary>\n".to_owned();
    for scene in scenes {
        html += &format!("<h4>{}</h4>\n<pre>", escaped(&scene.title));
        html.extend(scene.events.iter().map(|event| {
            let Event { at_s, who, what } = event;
            format!("{at_s:8.3} s  {}\n", escaped(&format!("{who:<12}  {what}")))
        }));
        html += "</pre>\n";
    }
    html + "</details>\n"
}

/// The table that ties the lessons to the product.
fn product(outcomes: &[Outcome]) -> String {
    let uses = outcomes
        .iter()
        .flat_map(|outcome| outcome.lesson.product.iter().map(|used| (outcome.lesson.name, used)));
    let rows = uses.map(|(name, used)| {
        let (file, what) = (escaped(used.file), prose(used.what));
        format!(
            "<tr><td><a href=\"#{name}\">{name}</a></td><td><code>{file}</code></td>\
             <td>{what}</td></tr>\n"
        )
    });
    format!(
        "<section id=\"product\">\n<h2>In the product</h2>\n\
         <p>The same ideas at work in <code>server</code> and <code>loadgen</code>.</p>\n\
         <table>\n<thead><tr><th>Lesson</th><th>File</th><th>What it does with the idea\
         </th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n</section>\n",
        rows.collect::<String>()
    )
}

fn badge(verdict: Verdict) -> String {
    format!("<span class=\"badge {verdict}\">{} {verdict}</span>", sign(verdict))
}

/// Text in which `code` stands between backticks.
fn prose(text: &str) -> String {
    let parts = text.split('`').map(escaped).enumerate();
    let html = parts.map(|(place, part)| match place % 2 {
        1 => format!("<code>{part}</code>"),
        _ => part,
    });
    html.collect()
}

/// `text` as it may stand between tags and in an attribute.
fn escaped(text: &str) -> String {
    // The sign that the others become first.
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::{catalogue::LESSONS, timeline::Bar};

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

    #[test]
    fn code_stands_between_backticks() {
        assert_eq!(prose("a `b<c` d"), "a <code>b&lt;c</code> d");
    }
}
