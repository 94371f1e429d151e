//! The histograms of both clocks.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::sparse;

/// Three significant digits: a value is told to within a thousandth of itself.
const DIGITS: u8 = 3;

/// Both clocks of some operations, in nanoseconds; travels between processes as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clocks {
    /// From the instant at which an operation was due.
    #[serde(with = "sparse")]
    pub(crate) response_ns: Histogram<u64>,
    /// From the instant at which it was sent.
    #[serde(with = "sparse")]
    pub(crate) service_ns: Histogram<u64>,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { response_ns: empty(), service_ns: empty() }
    }
}

impl Clocks {
    /// Takes in an operation that was due, sent and answered at these instants.
    pub(crate) fn record(&mut self, due_ns: u64, sent_ns: u64, answered_ns: u64) {
        sparse::put(&mut self.response_ns, answered_ns.saturating_sub(due_ns), 1);
        sparse::put(&mut self.service_ns, answered_ns.saturating_sub(sent_ns), 1);
    }

    /// Takes in an operation that was due at `due_ns` and still not sent at `now_ns`.
    pub(crate) fn record_unsent(&mut self, due_ns: u64, now_ns: u64) {
        sparse::put(&mut self.response_ns, now_ns.saturating_sub(due_ns), 1);
    }

    /// Adds what `other` has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        sparse::add(&mut self.response_ns, &other.response_ns);
        sparse::add(&mut self.service_ns, &other.service_ns);
    }
}

pub(super) fn empty() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are a resolution that there is")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hundred_histograms_merged_equal_the_one_that_saw_everything(
            values in prop::collection::vec((0_u64..60_000_000_000, 0_u64..3_000_000), 0..600),
        ) {
            let mut whole = Clocks::default();
            let mut parts = vec![Clocks::default(); 100];
            for (place, (sent, took)) in values.iter().enumerate() {
                whole.record(sent / 2, *sent, sent + took);
                parts[place % 100].record(sent / 2, *sent, sent + took);
            }
            let mut merged = Clocks::default();
            for part in &parts {
                // As it comes from another process.
                let line = serde_json::to_string(part).unwrap();
                merged.merge(&serde_json::from_str(&line).unwrap());
            }
            prop_assert_eq!(&merged, &whole);
            for quantile in [0.0, 0.5, 0.9, 0.99, 0.999, 1.0] {
                prop_assert_eq!(
                    merged.response_ns.value_at_quantile(quantile),
                    whole.response_ns.value_at_quantile(quantile)
                );
            }
        }
    }

    #[test]
    fn a_value_is_told_to_within_a_thousandth() {
        let mut clocks = Clocks::default();
        clocks.record(0, 1_000, 1_234_567);
        let told = clocks.response_ns.value_at_quantile(1.0);
        assert!(told.abs_diff(1_234_567) <= 1_234, "{told}");
        assert_eq!(clocks.service_ns.len(), 1);
    }
}
