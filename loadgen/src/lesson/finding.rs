//! What a lesson claims and what it saw of it. Pure.
//!
//! A claim is about a relation (overlap, order, a count, alive or dead), never about a bare time.
//! Where a claim did not come true on a machine that left programs waiting longer than the lesson's
//! own waits, that proves nothing: unknown, and not the opposite.

use std::time::Duration;

use serde::Serialize;

use crate::{duration, judge::Verdict};

/// One claim of a lesson, with what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The claim, as a sentence without its full stop.
    pub(super) claim: String,
    /// What was seen of it: `valid` it came true, `violation` its opposite did.
    pub(super) verdict: Verdict,
    /// What exactly was seen.
    pub(super) seen: String,
}

/// How late this machine lets programs run, against the waits of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calm {
    /// The longest that a thread was left waiting beyond what it had asked for.
    pub(super) worst_delay: Duration,
    /// The shortest wait that the lesson's claims rest on.
    pub(super) shortest_wait: Duration,
}

impl Calm {
    /// Whether a delay was long enough to have turned a relation round.
    pub(super) fn is_disturbed(self) -> bool {
        self.worst_delay * 2 > self.shortest_wait
    }
}

impl Finding {
    /// A claim that no delay of the machine can turn into its opposite.
    pub(super) fn certain(claim: &str, holds: bool, seen: impl Into<String>) -> Self {
        let verdict = if holds { Verdict::Valid } else { Verdict::Violation };
        Self { claim: claim.to_owned(), verdict, seen: seen.into() }
    }

    /// A claim that comes true only where the machine is not too busy.
    pub(super) fn timed(claim: &str, holds: bool, calm: Calm, seen: impl Into<String>) -> Self {
        let mut finding = Self::certain(claim, holds, seen);
        if finding.verdict == Verdict::Violation && calm.is_disturbed() {
            finding.verdict = Verdict::Unknown;
            finding.seen.push_str(&format!(
                "; this machine left a thread waiting {} too long, so it proves nothing",
                duration::format(Duration::from_millis(whole_ms(calm.worst_delay)))
            ));
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

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm(worst_ms: u64) -> Calm {
        Calm {
            worst_delay: Duration::from_millis(worst_ms),
            shortest_wait: Duration::from_millis(100),
        }
    }

    #[test]
    fn the_opposite_counts_only_on_a_machine_that_is_calm() {
        let verdict = |holds, worst_ms| Finding::timed("a", holds, calm(worst_ms), "b").verdict;
        assert_eq!(verdict(true, 5), Verdict::Valid);
        assert_eq!(verdict(true, 500), Verdict::Valid);
        assert_eq!(verdict(false, 50), Verdict::Violation);
        assert_eq!(verdict(false, 51), Verdict::Unknown);
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
