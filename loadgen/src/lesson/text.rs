//! A lesson in words: its title, what was seen, what it shows, where the product does the same.

use super::{definition::Lesson, drawing, outcome::Outcome};
use crate::{
    judge::Verdict,
    words::{coloured, indented, sign},
};

const COLUMNS: usize = 80;

/// The line above a lesson, and what the reader should know first.
pub(super) fn opening(lesson: &Lesson, place: usize, of: usize) -> String {
    let place = if of > 1 { format!(" ({place} of {of})") } else { String::new() };
    format!("{}{}\n", title(&format!("{}{place}", lesson.name)), indented(lesson.opening, 0))
}

/// What stands below a lesson.
pub(super) fn ending(outcome: &Outcome, is_sabotaged: bool) -> String {
    let lesson = outcome.lesson;
    let mut text = String::new();
    let timelines = drawing::draw(&outcome.scenes, lesson.compares_times);
    if !timelines.is_empty() {
        text += &format!("\n\x1b[1mTimeline\x1b[0m   {}\n{timelines}", drawing::LEGEND);
    }
    text += "\n\x1b[1mWhat was seen\x1b[0m\n";
    for finding in &outcome.findings {
        let claim = indented(&format!("{}:", finding.claim), 4);
        let sign = coloured(finding.verdict, sign(finding.verdict));
        text += &format!("  {sign} {}\n", claim.trim_start());
        text += &format!("{}\n", indented(&finding.seen, 6));
    }
    text += &format!("\n{}\n", verdict(outcome, is_sabotaged));
    if outcome.verdict() == Verdict::Valid {
        text += &format!("\n{}\n", indented(lesson.shows, 0));
    }
    text += "\n\x1b[1mIn the product\x1b[0m\n";
    for used in lesson.product {
        text += &format!("  {}\n{}\n", used.file, indented(used.what, 6));
    }
    text
}

fn verdict(outcome: &Outcome, is_sabotaged: bool) -> String {
    let verdict = outcome.verdict();
    let meaning = match verdict {
        Verdict::Valid => "It saw what it teaches",
        Verdict::Violation => "It saw the opposite of what it teaches",
        Verdict::Unknown => "This run could not tell, so run it again",
    };
    let sabotage = outcome.lesson.sabotage;
    let sabotage =
        if is_sabotaged { format!("; --sabotage was given: {sabotage}") } else { String::new() };
    let text = indented(&format!("Verdict: {verdict}. {meaning}{sabotage}."), 0);
    // The colour comes last: it takes no columns.
    text.replacen(verdict.name(), &coloured(verdict, verdict.name()), 1)
}

/// All verdicts, one below the other, where several lessons were run.
pub(super) fn verdicts(outcomes: &[Outcome]) -> String {
    let mut text = title("all lessons");
    for outcome in outcomes {
        let verdict = outcome.verdict();
        let sign = coloured(verdict, sign(verdict));
        let (name, elapsed_s) = (outcome.lesson.name, outcome.elapsed_s);
        let verdict = coloured(verdict, &format!("{:<10}", verdict.name()));
        text += &format!("  {sign} {name:<18} {verdict} {elapsed_s:6.2} s\n");
    }
    text
}

/// The lessons in the order in which to learn, a line each.
pub(super) fn list(lessons: &[Lesson]) -> String {
    let mut text = "Begin with `loadgen lab`: cause the race by hand, in a browser.\n\n\
                    The lesson's programs, in the order in which to learn:\n\n"
        .to_owned();
    for (place, lesson) in lessons.iter().enumerate() {
        text += &format!("  {:>2}  {:<18} {}\n", place + 1, lesson.name, lesson.teaches);
    }
    text + "\nRun one        loadgen lesson join\n\
            Run them all   loadgen lesson all --fast\n\
            As a page      loadgen lesson all --report lesson.html\n\
            Break one      loadgen lesson join --sabotage\n\
            Real bugs      loadgen shops\n"
}

fn title(text: &str) -> String {
    let title = format!("── {text} ");
    let line = "─".repeat(COLUMNS.saturating_sub(title.chars().count()));
    format!("\n\x1b[1m{title}{line}\x1b[0m\n")
}
