//! A lesson in words: its title, what was seen, what it shows, where the product does the same.

use super::{play::Lesson, summary::Performance, timeline};
use crate::{judge::Verdict, report::paragraph};

const COLUMNS: usize = 80;

/// The line above a lesson, and what the reader should know first.
pub(super) fn opening(lesson: &Lesson, place: usize, of: usize) -> String {
    let title = if of > 1 {
        format!("── {} ({place} of {of}) ", lesson.name)
    } else {
        format!("── {} ", lesson.name)
    };
    let line = "─".repeat(COLUMNS.saturating_sub(title.chars().count()));
    format!("\n\x1b[1m{title}{line}\x1b[0m\n{}\n", paragraph(lesson.opening))
}

/// What stands below a lesson.
pub(super) fn ending(performance: &Performance, is_sabotaged: bool) -> String {
    let lesson = performance.lesson;
    let mut text = String::new();
    let timelines = timeline::draw(&performance.scenes, lesson.compares_times);
    if !timelines.is_empty() {
        text.push_str(&format!("\n\x1b[1mTimeline\x1b[0m   {}\n{timelines}", timeline::LEGEND));
    }
    text.push_str("\n\x1b[1mWhat was seen\x1b[0m\n");
    for finding in &performance.findings {
        let claim = indented(&format!("{}:", finding.claim), 4);
        text.push_str(&format!("  {} {}\n", sign(finding.verdict), claim.trim_start()));
        text.push_str(&format!("{}\n", indented(&finding.seen, 6)));
    }
    text.push_str(&format!("\nVerdict: {}\n", verdict(performance, is_sabotaged)));
    if performance.verdict() == Verdict::Valid {
        text.push_str(&format!("\n{}\n", paragraph(lesson.shows)));
    }
    text.push_str("\n\x1b[1mIn the product\x1b[0m\n");
    for used in lesson.product {
        text.push_str(&format!("  {}\n{}\n", used.file, indented(used.what, 6)));
    }
    text
}

fn verdict(performance: &Performance, is_sabotaged: bool) -> String {
    let verdict = performance.verdict();
    let colour = colour(verdict);
    let mut meaning = match verdict {
        Verdict::Valid => "it saw what it teaches".to_owned(),
        Verdict::Violation => "it saw the opposite of what it teaches".to_owned(),
        Verdict::Unknown => "this run could not tell, so run it again".to_owned(),
    };
    if is_sabotaged {
        meaning.push_str(&format!("; --sabotage was given: {}", performance.lesson.sabotage));
    }
    let text = paragraph(&format!("Verdict: {verdict}. {}.", capital(&meaning)));
    let text = text.trim_start_matches("Verdict: ");
    text.replacen(verdict.name(), &format!("\x1b[1m{colour}{verdict}\x1b[0m"), 1)
}

/// All verdicts, one below the other, where several lessons were performed.
pub(super) fn roll(performances: &[Performance]) -> String {
    let mut text = format!("\n\x1b[1m── all lessons {}\x1b[0m\n", "─".repeat(COLUMNS - 15));
    for performance in performances {
        let verdict = performance.verdict();
        text.push_str(&format!(
            "  {} {:<18} {}{:<10}\x1b[0m {:6.2} s\n",
            sign(verdict),
            performance.lesson.name,
            colour(verdict),
            verdict.name(),
            performance.elapsed_s
        ));
    }
    text
}

/// The lessons in the order in which to learn, a line each.
pub(super) fn list(lessons: &[Lesson]) -> String {
    let mut text = "The lesson's programs, in the order in which to learn:\n\n".to_owned();
    for (place, lesson) in lessons.iter().enumerate() {
        text.push_str(&format!("  {:>2}  {:<18} {}\n", place + 1, lesson.name, lesson.teaches));
    }
    text.push_str(
        "\nRun one        loadgen lesson join\n\
         Run them all   loadgen lesson all --fast\n\
         As a page      loadgen lesson all --report lesson.html\n\
         Break one      loadgen lesson join --sabotage\n",
    );
    text
}

fn sign(verdict: Verdict) -> String {
    let sign = match verdict {
        Verdict::Valid => '✓',
        Verdict::Violation => '✗',
        Verdict::Unknown => '?',
    };
    format!("{}{sign}\x1b[0m", colour(verdict))
}

fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "\x1b[32m",
        Verdict::Violation => "\x1b[31m",
        Verdict::Unknown => "\x1b[33m",
    }
}

/// Numbers with spaces between them.
pub(super) fn spaced(numbers: &[impl ToString]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// `text` with a capital at its start.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// `text` in lines of at most 80 columns, each `by` columns in.
fn indented(text: &str, by: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{}{word}", " ".repeat(by))),
        }
    }
    lines.join("\n")
}
