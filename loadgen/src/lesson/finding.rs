//! What a lesson claims, and what it saw of it. Pure.
//!
//! A claim is about a relation (overlap, order, a count, alive or dead), never about a bare time.
//! Where a claim did not come true on a machine that left programs waiting longer than the lesson's
//! own waits, that proves nothing: unknown, and not the opposite.

use std::time::Duration;

use serde::Serialize;

use crate::{duration, judge::Verdict};

/// One claim of a lesson, with what was seen of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// The claim, as a sentence without its full stop.
    pub(super) claim: String,
    /// `valid`: it came true; `violation`: its opposite did.
    pub(super) verdict: Verdict,
    /// What exactly was seen.
    pub(super) seen: String,
}

impl Finding {
    /// A claim that no delay of the machine can turn into its opposite.
    pub(super) fn certain(claim: &str, holds: bool, seen: impl Into<String>) -> Self {
        let verdict = if holds { Verdict::Valid } else { Verdict::Violation };
        Self { claim: claim.to_owned(), verdict, seen: seen.into() }
    }

    /// A claim that comes true only where the machine is not too busy; `delay`, how long it left a
    /// thread waiting, where that was long enough to turn the claim into its opposite.
    pub(super) fn timed(
        claim: &str,
        holds: bool,
        delay: Option<Duration>,
        seen: impl Into<String>,
    ) -> Self {
        let mut finding = Self::certain(claim, holds, seen);
        if let (Verdict::Violation, Some(delay)) = (finding.verdict, delay) {
            finding.verdict = Verdict::Unknown;
            finding.seen += &format!(
                "; this machine left a thread waiting {} too long, so it proves nothing",
                duration::format(delay)
            );
        }
        finding
    }

    /// A claim that shows itself only with some luck, as a race does: never the opposite.
    pub(super) fn lucky(claim: &str, holds: bool, seen: impl Into<String>) -> Self {
        let verdict = if holds { Verdict::Valid } else { Verdict::Unknown };
        Self { claim: claim.to_owned(), verdict, seen: seen.into() }
    }
}

/// The worst of the findings; with none, nothing was shown.
pub(super) fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Unknown)
}

/// Numbers with spaces between them, to say what was seen.
pub(super) fn spaced(numbers: &[impl ToString]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opposite_counts_only_on_a_machine_that_is_calm() {
        let verdict = |holds, delay| Finding::timed("a", holds, delay, "b").verdict;
        let delay = Some(Duration::from_millis(51));
        assert_eq!(verdict(true, None), Verdict::Valid);
        assert_eq!(verdict(true, delay), Verdict::Valid);
        assert_eq!(verdict(false, None), Verdict::Violation);
        assert_eq!(verdict(false, delay), Verdict::Unknown);
    }

    #[test]
    fn a_race_that_did_not_happen_proves_nothing() {
        assert_eq!(Finding::lucky("a", false, "b").verdict, Verdict::Unknown);
    }

    #[test]
    fn the_worst_finding_counts() {
        let seen = Finding::certain("a", true, "b");
        let not = Finding::certain("a", false, "b");
        let unknown = Finding::lucky("a", false, "b");
        assert_eq!(worst(&[]), Verdict::Unknown);
        assert_eq!(worst(std::slice::from_ref(&seen)), Verdict::Valid);
        assert_eq!(worst(&[seen.clone(), unknown.clone()]), Verdict::Unknown);
        assert_eq!(worst(&[not, unknown, seen]), Verdict::Violation);
    }
}
