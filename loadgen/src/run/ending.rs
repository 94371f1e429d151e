//! How a run ends: its exit code. Pure.

use crate::{exit_code, judge::Verdict, report::Rule};

/// Of several, what is known to be wrong goes before what is not known. Where nothing was to be judged, it
/// is a measurement, and the thresholds decide.
pub(super) fn exit_code(
    was_interrupted: bool,
    verdict: Option<Verdict>,
    thresholds: &[Rule],
) -> u8 {
    match verdict {
        _ if was_interrupted => exit_code::INTERRUPTED,
        Some(Verdict::Violation) => exit_code::VIOLATION,
        _ if thresholds.iter().any(|rule| !rule.passed) => exit_code::THRESHOLD,
        Some(Verdict::Unknown) => exit_code::UNKNOWN,
        Some(Verdict::Valid) | None => exit_code::VALID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_goes_before_a_threshold_and_that_before_doubts() {
        let kept = |passed| Rule { rule: "p(99)<1ms".to_owned(), actual: Some(1.0), passed };
        let missed = [kept(true), kept(false)];
        for (interrupted, verdict, thresholds, code) in [
            (false, Verdict::Valid, &missed[..1], 0),
            (false, Verdict::Valid, &missed[..], 99),
            (false, Verdict::Violation, &missed[..], 1),
            (false, Verdict::Unknown, &missed[..], 99),
            (false, Verdict::Unknown, &missed[..1], 3),
            (true, Verdict::Violation, &missed[..], 130),
        ] {
            assert_eq!(exit_code(interrupted, Some(verdict), thresholds), code);
        }
        assert_eq!(exit_code(false, None, &missed[..1]), 0);
        assert_eq!(exit_code(false, None, &missed), 99);
    }
}
