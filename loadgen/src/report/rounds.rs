//! Several runs on fresh stock as plain data: how many of them showed a fault, and under which pattern.

use serde::Serialize;

use super::part::Part;
use crate::{
    judge::{Untried, Verdict, ViolationKind},
    tally::Outcomes,
    words::counted,
};

/// How sure it is that a fault would have been seen: the share of all series that would have shown it.
const SURE: f64 = 0.95;

/// All rounds of a run: members of the object that `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rounds {
    /// How many were asked for.
    rounds_asked: u32,
    /// How many were carried out, whatever the number of products.
    rounds_carried_out: usize,
    /// How many showed a violation, of whichever product.
    rounds_with_violation: usize,
    /// The same as a share of those that were carried out.
    violation_rate: f64,
    /// Where none did: a fault that shows in a larger share of such rounds would have been seen with a
    /// probability of 95 %.
    violation_rate_below: Option<f64>,
    /// The same for each pattern.
    patterns: Vec<PatternRate>,
    /// In the order in which they were carried out; where there are several products, one for each of them.
    rounds: Vec<RoundSummary>,
    /// The same, all products of a round together.
    #[serde(skip)]
    whole: Vec<Whole>,
}

/// A round with all its products.
#[derive(Clone, Copy, Debug)]
struct Whole {
    round: u32,
    pattern: &'static str,
    /// The worst of all products; `None` where nothing was recorded.
    verdict: Option<Verdict>,
}

/// How often a fault shows where clients come together in one way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct PatternRate {
    /// Its name.
    pub(crate) pattern: &'static str,
    /// How many rounds had it.
    pub(crate) rounds: usize,
    /// How many of these showed a violation.
    pub(crate) violations: usize,
    /// How many of these prove nothing.
    pub(crate) unknown: usize,
    /// The share of violations.
    pub(crate) violation_rate: f64,
}

/// One round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RoundSummary {
    /// Which one.
    #[serde(flatten)]
    pub(crate) part: Part,
    /// What makes its plan repeatable.
    pub(crate) seed: u64,
    /// What the judge says; `None` where nothing was recorded.
    pub(crate) verdict: Option<Verdict>,
    /// Operations that were begun and counted.
    pub(crate) requests: u64,
    /// How long it took, in seconds.
    pub(crate) elapsed_s: f64,
    /// How they ended.
    pub(crate) outcomes: Outcomes,
    /// Tickets at the start; `None` where nobody knows.
    pub(crate) initial: Option<i64>,
    /// Tickets at the end; `None` where nobody knows.
    pub(crate) left: Option<i64>,
    /// What is wrong, the one that fewest operations show first.
    pub(crate) violations: Vec<FaultSummary>,
    /// Why it proves less than it should.
    pub(crate) doubts: Vec<String>,
    /// What it did not put to the test.
    pub(crate) untried: Vec<Untried>,
    /// What people should know of it alone.
    pub(crate) notes: Vec<String>,
    /// The verdict and what stands behind it, in words.
    #[serde(skip)]
    pub(crate) text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FaultSummary {
    /// What kind of wrong.
    pub(crate) kind: ViolationKind,
    /// The same for people: a lower-case fragment.
    pub(crate) message: String,
}

impl RoundSummary {
    /// What it came to, in a few words.
    pub(crate) fn in_words(&self) -> String {
        let sold = counted(self.outcomes.sold, ("sale", "sales"));
        let seen = format!("{sold}, {} told sold out", self.outcomes.sold_out);
        match (self.verdict, self.violations.first(), self.doubts.first()) {
            (None, _, _) => format!("not judged, {seen}"),
            (Some(verdict), Some(fault), _) => format!("{verdict}, {}", fault.message),
            (Some(verdict), None, Some(doubt)) => format!("{verdict}, {doubt}"),
            (Some(verdict), None, None) => format!("{verdict}, {seen}"),
        }
    }
}

impl Rounds {
    /// Sums up `rounds`, at least one, of as many as were `asked` for; one of several products is as many of them, one
    /// after the other.
    pub(crate) fn new(asked: u32, rounds: Vec<RoundSummary>) -> Self {
        let whole = whole(&rounds);
        let mut patterns: Vec<PatternRate> = Vec::new();
        for round in &whole {
            if !patterns.iter().any(|known| known.pattern == round.pattern) {
                patterns.push(rate(&whole, round.pattern));
            }
        }
        let violations = of_verdict(&whole, Verdict::Violation);
        let valid = of_verdict(&whole, Verdict::Valid);
        Self {
            rounds_asked: asked,
            rounds_carried_out: whole.len(),
            rounds_with_violation: violations,
            violation_rate: share(violations, whole.len()),
            violation_rate_below: (violations == 0 && valid > 0).then(|| seen_above(valid)),
            patterns,
            rounds,
            whole,
        }
    }

    /// By pattern.
    pub(crate) fn patterns(&self) -> &[PatternRate] {
        &self.patterns
    }

    /// What they come to together, in one or two sentences.
    pub(crate) fn in_words(&self) -> String {
        let carried_out = self.whole.len();
        let rounds = counted(carried_out, ("round", "rounds"));
        let mut text = match (self.rounds_with_violation, self.violation_rate_below) {
            (0, Some(below)) => format!(
                "None of {rounds} showed a violation. One that shows in more than {} of such rounds would \
                 have been seen with a probability of {}.",
                percent(below),
                percent(SURE),
            ),
            (0, None) => format!("None of {rounds} showed a violation."),
            (some, _) => {
                let by_pattern: Vec<String> =
                    self.patterns.iter().map(PatternRate::in_words).collect();
                format!(
                    "{some} of {rounds} showed a violation ({}): {}.",
                    percent(self.violation_rate),
                    by_pattern.join(", "),
                )
            }
        };
        let unknown = of_verdict(&self.whole, Verdict::Unknown);
        if unknown > 0 {
            text.push_str(&format!(" {unknown} of {rounds} proved nothing."));
        }
        let asked = usize::try_from(self.rounds_asked).unwrap_or(usize::MAX);
        if carried_out < asked {
            let asked = counted(asked, ("was", "were"));
            text.push_str(&format!(" {asked} asked for."));
        }
        text
    }
}

impl PatternRate {
    fn in_words(&self) -> String {
        format!("{} of {} `{}`", self.violations, self.rounds, self.pattern)
    }
}

fn whole(rounds: &[RoundSummary]) -> Vec<Whole> {
    let mut whole: Vec<Whole> = Vec::new();
    for RoundSummary { part: Part { round, pattern, .. }, verdict, .. } in rounds {
        match whole.iter_mut().find(|known| known.round == *round) {
            Some(known) => known.verdict = known.verdict.max(*verdict),
            None => whole.push(Whole { round: *round, pattern, verdict: *verdict }),
        }
    }
    whole
}

fn rate(rounds: &[Whole], pattern: &'static str) -> PatternRate {
    let rounds: Vec<Whole> =
        rounds.iter().filter(|round| round.pattern == pattern).copied().collect();
    let violations = of_verdict(&rounds, Verdict::Violation);
    PatternRate {
        pattern,
        rounds: rounds.len(),
        violations,
        unknown: of_verdict(&rounds, Verdict::Unknown),
        violation_rate: share(violations, rounds.len()),
    }
}

fn of_verdict(rounds: &[Whole], verdict: Verdict) -> usize {
    rounds.iter().filter(|round| round.verdict == Some(verdict)).count()
}

#[expect(clippy::cast_precision_loss, reason = "nobody plays 2^53 rounds")]
fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

/// What shows in a larger share of rounds is missed by all of `rounds` with a probability below 5 %:
/// (1 − share)^rounds = 0.05.
#[expect(clippy::cast_precision_loss, reason = "nobody plays 2^53 rounds")]
fn seen_above(rounds: usize) -> f64 {
    let share = 1.0 - (1.0 - SURE).powf(1.0 / rounds as f64);
    (share * 1e6).round() / 1e6
}

/// A share as people read it: `26 %`, and `0.3 %` where it is small.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent != 0.0 && percent < 9.95 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A round of this number, pattern and verdict.
    pub(crate) fn round(round: u32, pattern: &'static str, verdict: Verdict) -> RoundSummary {
        let fault =
            FaultSummary { kind: ViolationKind::Oversell, message: "23 sold of 20".to_owned() };
        RoundSummary {
            part: Part { round, product: None, pattern, is_of_rounds: true },
            seed: 1,
            verdict: Some(verdict),
            requests: 60,
            elapsed_s: 0.5,
            outcomes: Outcomes { sold: 20, sold_out: 40, ..Outcomes::default() },
            initial: Some(20),
            left: Some(0),
            violations: if verdict == Verdict::Violation { vec![fault] } else { Vec::new() },
            doubts: match verdict {
                Verdict::Unknown => vec!["nothing was sold".to_owned()],
                _ => Vec::new(),
            },
            untried: Vec::new(),
            notes: Vec::new(),
            text: format!("{verdict}, 60 operations\n"),
        }
    }

    #[test]
    fn the_rate_is_told_by_pattern() {
        use Verdict::{Unknown, Valid, Violation};
        let rounds = Rounds::new(
            6,
            vec![
                round(1, "steady", Valid),
                round(2, "at-once", Violation),
                round(3, "steady", Valid),
                round(4, "at-once", Valid),
                round(5, "steady", Unknown),
            ],
        );
        let rates: Vec<_> =
            rounds.patterns().iter().map(|one| (one.pattern, one.rounds, one.violations)).collect();
        assert_eq!(rates, [("steady", 3, 0), ("at-once", 2, 1)]);
        assert_eq!(
            rounds.in_words(),
            "1 of 5 rounds showed a violation (20 %): 0 of 3 `steady`, 1 of 2 `at-once`. 1 of 5 rounds \
             proved nothing. 6 were asked for."
        );
        let json = serde_json::to_value(&rounds).unwrap();
        assert_eq!(json["violation_rate_below"], serde_json::Value::Null);
        assert_eq!(json["patterns"][1]["violation_rate"], 0.5);
        assert_eq!(json["rounds"][1]["violations"][0]["kind"], "oversell");
    }

    #[test]
    fn a_round_of_several_products_is_one_round() {
        use Verdict::{Unknown, Valid, Violation};
        let of_product = |number, product: &str, verdict| {
            let mut round =
                round(number, if number % 2 == 1 { "steady" } else { "pairs" }, verdict);
            round.part.product = Some(product.to_owned());
            round
        };
        let rounds = Rounds::new(
            4,
            vec![
                of_product(1, "stalls", Valid),
                of_product(1, "balcony", Violation),
                of_product(2, "stalls", Valid),
                of_product(2, "balcony", Valid),
                of_product(3, "stalls", Unknown),
                of_product(3, "balcony", Valid),
            ],
        );
        assert_eq!(
            rounds.in_words(),
            "1 of 3 rounds showed a violation (33 %): 1 of 2 `steady`, 0 of 1 `pairs`. 1 of 3 rounds proved \
             nothing. 4 were asked for."
        );
        let json = serde_json::to_value(&rounds).unwrap();
        assert_eq!(json["rounds_carried_out"], 3);
        assert_eq!(json["rounds"].as_array().map(Vec::len), Some(6));
        assert_eq!(json["rounds"][1]["product"], "balcony");
        assert_eq!(json["rounds"][1]["pattern"], "steady");
        // Two products that are right in one round are no two rounds that would have shown a fault.
        let one = vec![of_product(1, "stalls", Valid), of_product(1, "balcony", Valid)];
        assert_eq!(Rounds::new(1, one).violation_rate_below, Some(0.95));
    }

    #[test]
    fn rounds_without_a_fault_say_how_much_that_is_worth() {
        let of = |count: u32| {
            let rounds = (1..=count).map(|number| round(number, "steady", Verdict::Valid));
            Rounds::new(count, rounds.collect())
        };
        // Each would be missed so often with a probability of 5 %.
        for count in [1, 10, 100] {
            let below = of(count).violation_rate_below.unwrap();
            assert!(((1.0 - below).powi(i32::try_from(count).unwrap()) - 0.05).abs() < 0.001);
        }
        assert!(
            of(10).in_words().contains("more than 26 % of such rounds"),
            "{}",
            of(10).in_words()
        );
        assert!(of(100).in_words().contains("more than 3.0 %"), "{}", of(100).in_words());
        let nothing = Rounds::new(1, vec![round(1, "steady", Verdict::Unknown)]);
        assert_eq!(nothing.violation_rate_below, None);
    }
}
