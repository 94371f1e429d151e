//! The result as JUnit XML, as GitLab, Jenkins and actions of GitHub read it: a test case a round, and one a
//! threshold.
//!
//! A violation is a failure, and so is a run that proves nothing: who asks a CI wants to hear "valid". What could
//! not be carried out is an error.

use std::{fmt::Display, time::Duration};

use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::{
    measurement::{Measurement, Rule},
    part::Part,
    rounds::RoundSummary,
};
use crate::{
    judge::Verdict,
    words::{harmless, kind_name},
};

/// The class of all test cases.
const CLASS: &str = "loadgen.run";

/// The result of a run on `url`, all `rounds` of it, or the only one, and the one that was not carried out, with the
/// reason.
///
/// # Errors
/// It cannot be written as XML.
pub(crate) fn junit(
    url: &str,
    measurement: Option<&Measurement<'_>>,
    rounds: &[RoundSummary],
    failure: Option<(&Part, &str)>,
) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(format!("loadgen run {url}"));
    suite.add_test_cases(rounds.iter().map(of_round));
    let mut total = 0.0;
    if let Some(measurement) = measurement {
        suite.add_test_cases(measurement.thresholds.iter().map(of_threshold));
        suite.add_property(("url", url));
        suite.add_property(("verdict", measurement.verdict.name()));
        suite.add_property(("clients", measurement.clients.to_string().as_str()));
        suite.add_property(("seed", measurement.seed.to_string().as_str()));
        let advice = measurement.advice.iter().map(|advice| harmless(advice));
        suite.add_properties(advice.map(|advice| Property::new("advice", advice)));
        total = measurement.elapsed_s;
    }
    if let Some((part, failure)) = failure {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let failure = harmless(failure);
        let first = failure.lines().next().unwrap_or_default();
        status.set_type("not carried out").set_message(first).set_description(failure.as_str());
        suite.add_test_case(case(part, status));
    }
    suite.set_time(seconds(total));
    let mut report = Report::new("loadgen");
    report.set_time(seconds(total)).add_test_suite(suite);
    // The root says what none of ours is, and Jenkins' xUnit plugin takes no document that does (`junit-10.xsd`).
    report.to_string().map(|text| text.replacen(" skipped=\"0\"", "", 1))
}

/// A test case; its name may be the user's own, as that of a product is, and the map may have any.
fn case(name: impl Display, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(harmless(&name.to_string()), status);
    case.set_classname(CLASS);
    case
}

fn of_round(round: &RoundSummary) -> TestCase {
    let status = match round.verdict {
        Some(Verdict::Valid) | None => TestCaseStatus::success(),
        Some(verdict) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let message = match (round.violations.first(), round.doubts.first()) {
                (Some(fault), _) => format!("{}: {}", kind_name(fault.kind), fault.message),
                (None, Some(doubt)) => doubt.clone(),
                (None, None) => verdict.name().to_owned(),
            };
            let (message, text) = (harmless(&message), harmless(&round.text));
            status.set_type(verdict.name()).set_message(message).set_description(text);
            status
        }
    };
    let mut case = case(&round.part, status);
    case.set_time(seconds(round.elapsed_s));
    case.set_system_out(harmless(&format!("{}\n{}", round.in_words(), round.notes.join("\n"))));
    case
}

fn of_threshold(rule: &Rule) -> TestCase {
    let status = if rule.passed {
        TestCaseStatus::success()
    } else {
        let actual = rule.actual.map_or("no samples".to_owned(), |actual| format!("{actual:.3}"));
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("threshold").set_message(format!("missed: {actual}"));
        status
    };
    case(format_args!("threshold {}", rule.rule), status)
}

/// A time that is one, whatever was measured.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::rounds::tests::round, *};

    #[test]
    fn violations_and_runs_that_prove_nothing_are_failures() {
        let mut rounds = [
            round(1, "steady", Verdict::Valid),
            round(2, "pairs", Verdict::Violation),
            round(3, "at-once", Verdict::Unknown),
            round(3, "at-once", Verdict::Valid),
        ];
        rounds[3].part.product = Some("balcony".to_owned());
        let text = junit("http://shop", None, &rounds, None).unwrap();
        for part in [
            r#"<testsuites name="loadgen" tests="4" failures="2" errors="0""#,
            r#"<testcase name="round 1, steady" classname="loadgen.run" time="0.500">"#,
            r#"<testcase name="round 3, at-once, balcony" classname="loadgen.run""#,
            r#"<failure message="oversell: 23 sold of 20" type="violation">violation, 60"#,
            r#"<failure message="nothing was sold" type="unknown">"#,
        ] {
            assert!(text.contains(part), "no {part}: {text}");
        }
    }

    #[test]
    fn what_was_not_carried_out_is_an_error() {
        let failed = "`--reset`: `false` ended with exit code 1\nit said nothing";
        let mut part = round(2, "pairs", Verdict::Valid).part;
        let rounds = [round(1, "steady", Verdict::Valid)];
        let text = junit("http://shop", None, &rounds, Some((&part, failed))).unwrap();
        assert!(text.contains(r#"<testcase name="round 2, pairs""#), "{text}");
        part.is_of_rounds = false;
        let text = junit("http://shop", None, &[], Some((&part, failed))).unwrap();
        assert!(text.contains(r#"failures="0" errors="1""#), "{text}");
        let part = r#"<error message="`--reset`: `false` ended with exit code 1""#;
        assert!(text.contains(part) && text.contains(r#"name="run""#), "{text}");
    }

    #[test]
    fn whatever_a_shop_says_is_text() {
        let mut hostile = round(1, "steady", Verdict::Violation);
        hostile.violations[0].message = "\"A&B\" <1>\n\u{1b}[31mred\u{0}\u{ffff}".to_owned();
        hostile.text = "]]> & </failure> <x a='\"'>\u{8}".to_owned();
        let text = junit("http://shop/?a&b", None, &[hostile], None).unwrap();
        assert!(text.contains("&quot;A&amp;B&quot; &lt;1&gt;"), "{text}");
        assert!(text.contains("]]&gt; &amp; &lt;/failure&gt; &lt;x"), "{text}");
        let is_forbidden = |character: char| character < ' ' && character != '\n';
        assert!(!text.contains(is_forbidden) && !text.contains('\u{ffff}'), "{text:?}");
    }
}
