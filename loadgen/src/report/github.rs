//! The result where GitHub Actions runs it: annotations, as its runner reads them from what a step prints, and a
//! summary of the step, as Markdown.

use std::fmt;

use super::{
    measurement::Measurement,
    products::ProductSummary,
    rounds::{Rounds, percent},
};
use crate::{
    judge::Verdict,
    words::{harmless, kind_name},
};

/// How many annotations of a kind GitHub shows of a step.
const SHOWN_MAX: usize = 10;

/// How many of these are of each cause of an error: room is left for two of what could not be carried out or kept.
const VIOLATIONS_MAX: usize = 3;
const PRODUCTS_MAX: usize = 3;
const THRESHOLDS_MAX: usize = 2;
const _: () = assert!(VIOLATIONS_MAX + PRODUCTS_MAX + THRESHOLDS_MAX + 2 == SHOWN_MAX);

/// One annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Annotation {
    command: &'static str,
    title: String,
    message: String,
}

impl Annotation {
    /// Something for which the step fails.
    pub(crate) fn error(title: &str, message: &str) -> Self {
        Self { command: "error", title: title.to_owned(), message: message.to_owned() }
    }

    /// Something to be changed.
    pub(crate) fn warning(title: &str, message: &str) -> Self {
        Self { command: "warning", ..Self::error(title, message) }
    }
}

/// As the runner reads it: one line, whatever it says (`actions/toolkit`, `command.ts`).
impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, title, message } = self;
        write!(f, "::{command} title={}::{}", property(title), data(message))
    }
}

fn data(text: &str) -> String {
    // What begins a command of the first runners is one nowhere.
    harmless(text).replace("##[", "# #[").replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// What is to be seen beside a step that ran this on `url`.
pub(crate) fn annotations(url: &str, measurement: &Measurement<'_>) -> Vec<Annotation> {
    let mut annotations = Vec::new();
    let rounds = measurement.rounds.as_ref().map(|rounds| format!("\n{}", rounds.in_words()));
    let rounds = rounds.unwrap_or_default();
    // Which round and product it is of, where there are several.
    let part = measurement.judged_part().map(|part| format!(", {part}")).unwrap_or_default();
    match measurement.verdict {
        Verdict::Violation => {
            for violation in measurement.violations.iter().take(VIOLATIONS_MAX) {
                let title = format!("loadgen: violation, {}", kind_name(violation.kind));
                let story = violation.story.join("\n");
                let message = format!("{url}{part}: {}\n{story}{rounds}", violation.message);
                annotations.push(Annotation::error(&title, &message));
            }
        }
        Verdict::Unknown if measurement.is_judged => {
            let message = format!("{url}{part}: {}{rounds}", measurement.doubts.join("\n"));
            annotations.push(Annotation::error("loadgen: unknown", &message));
        }
        Verdict::Unknown | Verdict::Valid => {}
    }
    let products = measurement.products.iter().filter_map(|product| {
        // What is wrong with the one that is judged stands above.
        let is_other = measurement.judged_product.as_ref() != Some(&product.product);
        let fault = product.violations.first().filter(|_| is_other)?;
        let title = format!("loadgen: violation, {}", kind_name(fault.kind));
        Some(Annotation::error(&title, &format!("{url}, {}: {}", product.worst, fault.message)))
    });
    annotations.extend(products.take(PRODUCTS_MAX));
    let missed = measurement.thresholds.iter().filter(|rule| !rule.passed);
    annotations.extend(missed.take(THRESHOLDS_MAX).map(|rule| {
        let actual = rule.actual.map_or("no samples".to_owned(), |actual| format!("{actual:.3}"));
        let message = format!("{url}: `{}` was missed: {actual}", rule.rule);
        Annotation::error("loadgen: threshold", &message)
    }));
    let advice = measurement.advice.iter().take(SHOWN_MAX);
    annotations.extend(advice.map(|advice| Annotation::warning("loadgen: advice", advice)));
    annotations
}

/// The summary of the step, with the verdict in `words`.
pub(crate) fn step_summary(url: &str, measurement: &Measurement<'_>, words: &str) -> String {
    let verdict = match measurement.is_judged {
        true => measurement.verdict.name(),
        false => "not judged",
    };
    let mut text = format!("### loadgen: {verdict}\n\n`{}`\n\n", url.replace('`', "%60"));
    if let Some(rounds) = &measurement.rounds {
        text.push_str(&format!("{}\n\n{}\n", rounds.in_words(), table(rounds)));
    }
    if !measurement.products.is_empty() {
        text.push_str(&format!("{}\n", of_products(&measurement.products)));
    }
    if let Some(part) = measurement.judged_part() {
        text.push_str(&format!("The verdict of {}:\n\n", escaped(&part.to_string())));
    }
    // Whatever stands in it: nothing ends it but a longer fence.
    let fence = "`".repeat(longest_run(words).max(2) + 1);
    text.push_str(&format!("{fence}text\n{}\n{fence}\n", words.trim_end()));
    if !measurement.advice.is_empty() {
        text.push_str("\nWhat to change:\n\n");
        text.extend(measurement.advice.iter().map(|advice| format!("- {}\n", escaped(advice))));
    }
    text + "\n"
}

fn table(rounds: &Rounds) -> String {
    let mut text = "| pattern | rounds | violation | unknown | rate |\n".to_owned();
    text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    for one in rounds.patterns() {
        let rate = percent(one.violation_rate);
        let (pattern, count) = (one.pattern, one.rounds);
        let (violations, unknown) = (one.violations, one.unknown);
        text.push_str(&format!("| {pattern} | {count} | {violations} | {unknown} | {rate} |\n"));
    }
    text
}

fn of_products(products: &[ProductSummary]) -> String {
    let mut text = "| product | rounds | violation | sold | verdict |\n".to_owned();
    text.push_str("| --- | ---: | ---: | ---: | --- |\n");
    for one in products {
        let verdict = one.verdict.map_or("not judged", Verdict::name);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {verdict} |\n",
            escaped(&one.product).replace('|', "\\|"),
            one.rounds,
            one.rounds_with_violation,
            one.outcomes.sold,
        ));
    }
    text
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// Words of ours in which a shop may be quoted: no markup comes of these.
fn escaped(text: &str) -> String {
    harmless(text).replace('&', "&amp;").replace('<', "&lt;").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_whatever_it_says() {
        let annotation = Annotation::error("a: b, 50%", "100% of it\r\n::error::x, y: z##[group]");
        assert_eq!(
            annotation.to_string(),
            "::error title=a%3A b%2C 50%25::100%25 of it%0A::error::x, y: z# #[group]"
        );
        assert!(Annotation::warning("a", "b").to_string().starts_with("::warning title=a::b"));
    }

    #[test]
    fn no_fence_is_ended_by_what_stands_in_it() {
        assert_eq!((longest_run("a ``` b ` c"), longest_run("")), (3, 0));
        assert_eq!(escaped("<b>&\n"), "&lt;b>&amp; ");
    }
}
