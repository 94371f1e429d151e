//! The page from its head to its foot.

use super::chart::chart;
use crate::{
    judge::Verdict,
    lesson::{
        event::{Scene, seconds_since},
        finding::Finding,
        summary::{Performance, total},
        timeline,
    },
};

const STYLE: &str = include_str!("style.css");

/// The whole page, in UTF-8.
pub(in crate::lesson) fn render(performances: &[Performance]) -> String {
    let title = match performances {
        [one] => format!("Lesson: {}", one.lesson.name),
        _ => "The lesson's programs".to_owned(),
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    page.push_str(&header(&title, performances));
    for performance in performances {
        page.push_str(&section(performance));
    }
    page.push_str(&product(performances));
    page.push_str("</body>\n</html>\n");
    page
}

/// `text` as it may stand between tags and in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Text in which `code` stands between backticks.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (place, part) in text.split('`').enumerate() {
        let part = escaped(part);
        if place % 2 == 1 {
            html.push_str(&format!("<code>{part}</code>"));
        } else {
            html.push_str(&part);
        }
    }
    html
}

fn header(title: &str, performances: &[Performance]) -> String {
    let verdict = total(performances);
    let mut html = format!(
        "<header>\n<h1>{title}</h1>\n<p>Each is a small program that really does what it teaches: \
         real processes, real threads, real locks. What you see here happened in one run, and each \
         claim was checked against it.</p>\n<p>Verdict: {}</p>\n</header>\n",
        badge(verdict)
    );
    if performances.len() > 1 {
        html.push_str("<nav aria-label=\"Lessons\">\n<ol>\n");
        for performance in performances {
            let lesson = performance.lesson;
            html.push_str(&format!(
                "<li><a href=\"#{0}\">{0}</a> <span>{1}</span> {2}</li>\n",
                lesson.name,
                escaped(lesson.teaches),
                badge(performance.verdict())
            ));
        }
        html.push_str("</ol>\n</nav>\n");
    }
    html
}

fn section(performance: &Performance) -> String {
    let lesson = performance.lesson;
    let mut html = format!(
        "<section id=\"{0}\">\n<h2>{0} {1}</h2>\n<p>{2}</p>\n",
        lesson.name,
        badge(performance.verdict()),
        prose(lesson.opening)
    );
    let drawn: Vec<Scene> =
        performance.scenes.iter().filter(|scene| !scene.bars.is_empty()).cloned().collect();
    if !drawn.is_empty() {
        html.push_str(
            "<p class=\"legend quiet\"><span class=\"works\"></span> works \
             <span class=\"waits\"></span> waits <span class=\"killed\"></span> cut off</p>\n",
        );
    }
    for (scene, length_ns) in drawn.iter().zip(timeline::lengths(&drawn, lesson.compares_times)) {
        html.push_str(&format!(
            "<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n",
            escaped(&scene.title),
            chart(scene, length_ns)
        ));
    }
    html.push_str("<h3>What was seen</h3>\n<ul class=\"findings\">\n");
    html.extend(performance.findings.iter().map(finding));
    html.push_str("</ul>\n");
    if performance.verdict() == Verdict::Valid {
        html.push_str(&format!("<p class=\"shows\">{}</p>\n", prose(lesson.shows)));
    }
    html.push_str(&figures(performance));
    html.push_str(&events(performance));
    html.push_str("</section>\n");
    html
}

fn finding(finding: &Finding) -> String {
    format!(
        "<li>{} <strong>{}</strong><br>{}</li>\n",
        badge(finding.verdict),
        escaped(&finding.claim),
        escaped(&finding.seen)
    )
}

fn figures(performance: &Performance) -> String {
    if performance.figures.is_empty() {
        return String::new();
    }
    let mut html = "<dl>\n".to_owned();
    for (name, value) in &performance.figures {
        let (name, unit) = name.rsplit_once(", ").unwrap_or((name, ""));
        let value = if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.3}") };
        let name = escaped(name);
        html.push_str(&format!("<div><dt>{name}</dt><dd>{value} {}</dd></div>\n", escaped(unit)));
    }
    html.push_str("</dl>\n");
    html
}

fn events(performance: &Performance) -> String {
    let mut html = "<details>\n<summary>Everything that happened</summary>\n".to_owned();
    for scene in &performance.scenes {
        let mut events: Vec<_> = scene.events.iter().collect();
        events.sort_by_key(|event| event.at_ns);
        html.push_str(&format!("<h4>{}</h4>\n<pre>", escaped(&scene.title)));
        for event in events {
            let line = format!(
                "{:8.3} s  {:<12}  {}",
                seconds_since(scene.began_ns, event.at_ns),
                event.who,
                event.what
            );
            html.push_str(&format!("{}\n", escaped(&line)));
        }
        html.push_str("</pre>\n");
    }
    html.push_str("</details>\n");
    html
}

/// The table that ties the lessons to the product.
fn product(performances: &[Performance]) -> String {
    let mut html = "<section id=\"product\">\n<h2>In the product</h2>\n\
                    <p>The same ideas at work in <code>server</code> and <code>loadgen</code>.</p>\n\
                    <table>\n<thead><tr><th>Lesson</th><th>File</th><th>What it does with the idea\
                    </th></tr></thead>\n<tbody>\n"
        .to_owned();
    for performance in performances {
        let name = performance.lesson.name;
        for used in performance.lesson.product {
            html.push_str(&format!(
                "<tr><td><a href=\"#{name}\">{name}</a></td><td><code>{}</code></td><td>{}</td></tr>\n",
                escaped(used.file),
                prose(used.what)
            ));
        }
    }
    html.push_str("</tbody>\n</table>\n</section>\n");
    html
}

fn badge(verdict: Verdict) -> String {
    let sign = match verdict {
        Verdict::Valid => '✓',
        Verdict::Violation => '✗',
        Verdict::Unknown => '?',
    };
    format!("<span class=\"badge {verdict}\">{sign} {verdict}</span>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::{
        catalogue::CATALOGUE,
        event::{Bar, Doing},
    };

    #[test]
    fn nothing_that_was_said_becomes_markup() {
        let mut scene = Scene::new("<b>&\"'", 0);
        scene.bars.push(Bar { who: "<i>".into(), doing: Doing::Killed, from_ns: 0, to_ns: 9 });
        let performance = Performance {
            lesson: &CATALOGUE[0],
            findings: vec![Finding::certain("<script>", false, "<img>")],
            scenes: vec![scene],
            figures: vec![("<u>, s".to_owned(), 0.5)],
            elapsed_s: 1.0,
        };
        let page = render(&[performance]);
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
