//! Rules that a run has to keep, in k6's grammar: `p(99)<50ms`, `errors:rate<0.01`. Pure.

use std::fmt;

use hdrhistogram::Histogram;

use crate::{duration, report::Rule, tally::Tally};

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Threshold {
    text: String,
    metric: Metric,
    aggregation: Aggregation,
    operator: Operator,
    /// In milliseconds where the metric is a time.
    value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Response,
    Service,
    Errors,
    Requests,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Aggregation {
    Average,
    Min,
    Max,
    Percentile(f64),
    Rate,
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Other,
}

/// The longer ones first, or `<` would be found in `<=`.
const OPERATORS: [(&str, Operator); 7] = [
    ("===", Operator::Equal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Equal),
    ("!=", Operator::Other),
    ("<", Operator::Less),
    (">", Operator::More),
];

/// What k6 calls them; rules are copied from there. Its clock starts when a request is sent.
const K6_METRICS: [(&str, &str); 3] =
    [("http_req_duration", "service"), ("http_req_failed", "errors"), ("http_reqs", "requests")];

impl Threshold {
    /// Reads a rule.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (metric, rest) = match squeezed.split_once(':') {
            Some((name, rest)) => (Some(metric(name)?), rest),
            None => (None, squeezed.as_str()),
        };
        let (left, operator, right) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| {
                rest.split_once(sign).map(|(left, right)| (left, *operator, right))
            })
            .ok_or("expected a comparison, as in `p(99)<50ms`")?;
        let aggregation = aggregation(left)?;
        let metric = metric.unwrap_or(match aggregation {
            Aggregation::Rate | Aggregation::Count => Metric::Errors,
            _ => Metric::Response,
        });
        let is_time = matches!(metric, Metric::Response | Metric::Service);
        if is_time == matches!(aggregation, Aggregation::Rate | Aggregation::Count) {
            return Err(format!("`{left}` is nothing that this metric has"));
        }
        let value = if is_time { milliseconds(right) } else { plain(right) };
        let value = value.ok_or_else(|| {
            let expected = if is_time { "a time, as in `50ms` or `50`" } else { "a number" };
            format!("`{right}` is no value to compare with: expected {expected}")
        })?;
        Ok(Self { text: text.to_owned(), metric, aggregation, operator, value })
    }

    /// Holds the rule against what was measured in `elapsed_s` seconds.
    pub(crate) fn check(&self, tally: &Tally, elapsed_s: f64) -> Rule {
        // Of nothing there is no percentile and no rate: a rule about it was not kept.
        let is_about_something = match self.metric {
            Metric::Response => !tally.clocks.response_ns.is_empty(),
            Metric::Service => !tally.clocks.service_ns.is_empty(),
            Metric::Errors | Metric::Requests => tally.intended > 0,
        };
        if !is_about_something {
            return Rule { rule: self.text.clone(), actual: None, passed: false };
        }
        let actual = self.actual(tally, elapsed_s);
        let passed = match self.operator {
            Operator::Less => actual < self.value,
            Operator::AtMost => actual <= self.value,
            Operator::More => actual > self.value,
            Operator::AtLeast => actual >= self.value,
            Operator::Equal => actual.total_cmp(&self.value).is_eq(),
            Operator::Other => actual.total_cmp(&self.value).is_ne(),
        };
        Rule { rule: self.text.clone(), actual: Some(actual), passed }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and times stay far below 2^53")]
    fn actual(&self, tally: &Tally, elapsed_s: f64) -> f64 {
        let count = match self.metric {
            Metric::Response => return self.time(&tally.clocks.response_ns),
            Metric::Service => return self.time(&tally.clocks.service_ns),
            Metric::Errors => tally.outcomes.failed() as f64,
            Metric::Requests => tally.intended as f64,
        };
        match (self.metric, self.aggregation) {
            (_, Aggregation::Count) => count,
            (Metric::Errors, _) => count / (tally.intended as f64).max(1.0),
            _ => count / elapsed_s.max(f64::MIN_POSITIVE),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no latency is 2^53 nanoseconds")]
    fn time(&self, histogram: &Histogram<u64>) -> f64 {
        let ns = match self.aggregation {
            Aggregation::Average => return histogram.mean() / 1e6,
            Aggregation::Min => histogram.min(),
            Aggregation::Percentile(percent) => histogram.value_at_quantile(percent / 100.0),
            Aggregation::Max | Aggregation::Rate | Aggregation::Count => histogram.max(),
        };
        ns as f64 / 1e6
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn metric(name: &str) -> Result<Metric, String> {
    match name {
        "response" => Ok(Metric::Response),
        "service" => Ok(Metric::Service),
        "errors" => Ok(Metric::Errors),
        "requests" => Ok(Metric::Requests),
        _ => {
            let k6 = K6_METRICS.iter().find(|(k6, _)| *k6 == name);
            let hint = k6.map(|(_, own)| format!("\nhint: what k6 calls so is `{own}` here"));
            Err(format!(
                "`{name}` is no metric: there are `response`, `service`, `errors` and `requests`{}",
                hint.unwrap_or_default()
            ))
        }
    }
}

fn aggregation(name: &str) -> Result<Aggregation, String> {
    let unknown = || {
        format!(
            "`{name}` is unknown: there are `avg`, `min`, `med`, `max`, `p(99)`, `rate`, `count`"
        )
    };
    Ok(match name {
        "avg" => Aggregation::Average,
        "min" => Aggregation::Min,
        "med" => Aggregation::Percentile(50.0),
        "max" => Aggregation::Max,
        "rate" => Aggregation::Rate,
        "count" => Aggregation::Count,
        _ => {
            let percent = name.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
            let percent = percent.and_then(plain).filter(|percent| (0.0..=100.0).contains(percent));
            Aggregation::Percentile(percent.ok_or_else(unknown)?)
        }
    })
}

/// A number from 0 on, as in `200`, `0.5` and `2e2`.
fn plain(text: &str) -> Option<f64> {
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

/// A number without a unit is milliseconds, as in k6.
fn milliseconds(text: &str) -> Option<f64> {
    plain(text).or_else(|| duration::parse(text).ok().map(|time| time.as_secs_f64() * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::{Ending, Seen, WorkerTally};

    /// 98 sales of 10 ms that were due 5 ms before they were sent, and 2 refusals.
    fn tally() -> Tally {
        let mut tally = WorkerTally::default();
        for number in 0..100 {
            tally.begin();
            tally.end(&Seen {
                ending: if number < 98 { Ending::Sold } else { Ending::Refused },
                was_sent: true,
                cause: None,
                due_ns: 0,
                sent_ns: 5_000_000,
                answered_ns: 15_000_000,
            });
        }
        tally.told()
    }

    fn passes(rule: &str) -> bool {
        Threshold::parse(rule).unwrap().check(&tally(), 2.0).passed
    }

    #[test]
    fn rules_are_held_against_what_was_measured() {
        for rule in [
            "p(99)<16ms",
            "p(99) < 16",
            "response:p(99)>14ms",
            "service:p(99)<11ms",
            "avg<16ms",
            "service:min>9ms",
            "med<0.016s",
            "max<=16",
            "rate<0.03",
            "errors:rate<=0.02",
            "errors:count==2",
            "requests:rate>=50",
            "requests:count!=99",
            "errors:count===2",
            "errors:count === 2",
            "errors:rate<3e-2",
            "requests:count<2e2",
            "p(9.9E1)<1.6E1",
        ] {
            assert!(passes(rule), "{rule}");
        }
        for rule in ["p(99)<14ms", "service:max<9ms", "rate<0.02", "requests:rate>50"] {
            assert!(!passes(rule), "{rule}");
        }
    }

    #[test]
    fn a_rule_about_nothing_is_not_kept() {
        let mut refused = WorkerTally::default();
        refused.begin();
        let (cause, at_ns) = (Some("refused"), 5);
        let (due_ns, sent_ns, answered_ns) = (at_ns, at_ns, at_ns);
        let (ending, was_sent) = (Ending::Error, false);
        refused.end(&Seen { ending, was_sent, cause, due_ns, sent_ns, answered_ns });
        for (rule, tally) in [("p(99)<1s", &Tally::default()), ("p(99)<1s", &refused.told())] {
            let kept = Threshold::parse(rule).unwrap().check(tally, 1.0);
            assert!(!kept.passed, "{rule}: {tally:?}");
        }
        assert!(Threshold::parse("errors:count==1").unwrap().check(&refused.told(), 1.0).passed);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rule in [
            "",
            "p(99)",
            "p(99)<",
            "p(101)<5",
            "p()<5",
            "p99<5ms",
            "<5ms",
            "avg<fast",
            "avg<-5",
            "speed:avg<5",
            "response:rate<5",
            "errors:p(99)<5ms",
            "errors:rate<5ms",
            "rate=0.1",
            "rate!==0.1",
            "rate<e2",
            "rate<2e",
            "rate<1e999",
            "rate<inf",
            "rate<+1",
            "avg<NaN",
        ] {
            assert!(Threshold::parse(rule).is_err(), "{rule}");
        }
    }

    #[test]
    fn a_metric_of_k6_is_answered_with_its_name_here() {
        for (rule, own) in [
            ("http_req_duration:p(95)<200", "`service` here"),
            ("http_req_failed:rate<0.01", "`errors` here"),
            ("http_reqs:rate>100", "`requests` here"),
        ] {
            let error = Threshold::parse(rule).unwrap_err();
            assert!(error.contains("k6") && error.contains(own), "{error}");
        }
        assert!(!Threshold::parse("speed:avg<5").unwrap_err().contains("hint"));
    }
}
