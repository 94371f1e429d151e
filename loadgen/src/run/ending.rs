//! How a run ends: its exit code. Pure.

use crate::{exit_code, judge::Verdict, report::Rule};

/// Of several, what is known to be wrong goes before what is not known; behind a violation stands why some
/// rounds have `failed`, as an exit code. Where nothing was to be judged, it is a measurement, and the
/// thresholds decide.
pub(super) fn exit_code(
    was_interrupted: bool,
    verdict: Option<Verdict>,
    failed: Option<u8>,
    thresholds: &[Rule],
) -> u8 {
    match (verdict, failed) {
        _ if was_interrupted => exit_code::INTERRUPTED,
        (Some(Verdict::Violation), _) => exit_code::VIOLATION,
        (_, Some(failed)) => failed,
        _ if thresholds.iter().any(|rule| !rule.passed) => exit_code::THRESHOLD,
        (Some(Verdict::Unknown), None) => exit_code::UNKNOWN,
        (Some(Verdict::Valid) | None, None) => exit_code::VALID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code;

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
            assert_eq!(exit_code(interrupted, Some(verdict), None, thresholds), code);
        }
        assert_eq!(exit_code(false, None, None, &missed[..1]), 0);
        assert_eq!(exit_code(false, None, None, &missed), 99);
        // A reset that failed hides no fault that was shown before.
        for (interrupted, verdict, code) in [
            (false, Verdict::Violation, 1),
            (false, Verdict::Valid, 2),
            (false, Verdict::Unknown, 2),
            (true, Verdict::Valid, 130),
        ] {
            let failed = Some(exit_code::USAGE);
            assert_eq!(exit_code(interrupted, Some(verdict), failed, &missed), code);
        }
    }
}
