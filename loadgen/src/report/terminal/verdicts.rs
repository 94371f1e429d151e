//! The result of a check for people: the verdict, the smallest counterexample, and the rest.

use super::operations::operation_lines;
use crate::{
    judge::{Verdict, next_steps},
    report::{JudgedHistory, ViolationView, worst},
    words::{self, counted, harmless, indented, kind_name},
};

/// How many further violations, and how many doubts, are listed.
const LISTED_MAX: usize = 20;

/// The text, with colours in it: whoever prints it takes them out where they do not belong.
pub(crate) fn check_text(judged: &[JudgedHistory]) -> String {
    let mut text = String::new();
    match judged {
        [one] => {
            text.push_str(&format!("{}, {}\n", coloured(one.verdict()), size(one)));
            findings(&mut text, 0, one);
        }
        several => {
            let verdict = coloured(worst(several));
            text.push_str(&format!("{verdict}, {} histories\n", several.len()));
            for judged in several {
                let (name, verdict) = (harmless(&name(judged)), coloured(judged.verdict()));
                text.push_str(&format!("\n{name}: {verdict}, {}\n", size(judged)));
                findings(&mut text, 1, judged);
            }
        }
    }
    text
}

fn coloured(verdict: Verdict) -> String {
    words::coloured(verdict, verdict.name())
}

fn size(judged: &JudgedHistory) -> String {
    counted(judged.history.operations.len(), ("operation", "operations"))
}

/// What people call it, or where it begins.
fn name(judged: &JudgedHistory) -> String {
    let header = &judged.history.header;
    match (header.label.as_ref().or(header.run.as_ref()), judged.history.places.of(0)) {
        (Some(name), _) => format!("`{name}`"),
        (None, Some((file, line))) => format!("{file} from line {line}"),
        (None, None) => "a history".to_owned(),
    }
}

fn findings(text: &mut String, depth: usize, judged: &JudgedHistory) {
    let violations = judged.violations();
    if let Some((smallest, others)) = violations.split_first() {
        counterexample(text, depth, smallest, judged);
        let others: Vec<String> = others.iter().map(in_one_line).collect();
        list(text, depth, "also:", &others);
    }
    let (left_out, doubts): (Vec<String>, Vec<String>) = judged
        .judgement
        .doubts
        .iter()
        .cloned()
        .partition(|doubt| judged.history.lacks.contains(doubt));
    list(text, depth, "in doubt:", &doubts);
    let untried: Vec<String> =
        judged.judgement.untried.iter().map(|untried| untried.advice().to_owned()).collect();
    list(text, depth, "not tried:", &untried);
    list(text, depth, "left out or at odds:", &left_out);
    let steps = next_steps(&judged.judgement).into_iter().map(str::to_owned);
    list(text, depth, "next:", &steps.collect::<Vec<_>>());
    list(text, depth, "note:", &judged.notes);
}

fn counterexample(text: &mut String, depth: usize, shown: &ViolationView<'_>, of: &JudgedHistory) {
    line(text, depth, &in_one_line(shown));
    for sentence in shown.story {
        line(text, 0, &indented(sentence, 2 * depth));
    }
    for operation in operation_lines(&shown.operations, of.first_call_ns()) {
        line(text, depth + 1, &operation);
    }
}

fn in_one_line(violation: &ViolationView<'_>) -> String {
    format!("{}: {}", kind_name(violation.kind), violation.message)
}

fn list(text: &mut String, depth: usize, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    line(text, depth, title);
    for item in items.iter().take(LISTED_MAX) {
        line(text, depth + 1, item);
    }
    if items.len() > LISTED_MAX {
        line(text, depth + 1, &format!("and {} more", items.len() - LISTED_MAX));
    }
}

/// A line in which a shop may be quoted.
fn line(text: &mut String, depth: usize, content: &str) {
    text.extend(std::iter::repeat_n("  ", depth));
    text.push_str(&harmless(content));
    text.push('\n');
}
