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
    /// Counts these times, each once.
    pub(super) fn count(&mut self, response_ns: &[u64], service_ns: &[u64]) {
        response_ns.iter().for_each(|ns| sparse::put(&mut self.response_ns, *ns, 1));
        service_ns.iter().for_each(|ns| sparse::put(&mut self.service_ns, *ns, 1));
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
    use crate::latency::Samples;

    proptest! {
        #[test]
        fn a_hundred_histograms_merged_equal_the_one_that_saw_everything(
            values in prop::collection::vec((0_u64..60_000_000_000, 0_u64..3_000_000), 0..2000),
            workers in 1_usize..=100,
        ) {
            let mut whole = Clocks::default();
            let mut parts = vec![Samples::default(); workers];
            for (place, (sent, took)) in values.iter().enumerate() {
                let part = &mut parts[place % workers];
                // Some workers have a closed loop, the others an open one that is late.
                let due = if place % workers % 2 == 0 { *sent } else { sent / 2 };
                if place % 50 == 49 {
                    whole.count(&[sent - due], &[]);
                    part.record_unsent(due, *sent);
                } else {
                    whole.count(&[sent + took - due], &[*took]);
                    part.record(due, *sent, sent + took);
                }
            }
            let (mut merged, mut recent) = (Clocks::default(), Clocks::default());
            for (place, part) in parts.iter().enumerate() {
                // As it comes from another process.
                let line = serde_json::to_string(part).unwrap();
                let told: Samples = serde_json::from_str(&line).unwrap();
                told.count_into(if place % 2 == 0 { &mut merged } else { &mut recent });
            }
            merged.merge(&recent);
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
        clocks.count(&[1_234_567], &[1_233_567]);
        let told = clocks.response_ns.value_at_quantile(1.0);
        assert!(told.abs_diff(1_234_567) <= 1_234, "{told}");
        assert_eq!(clocks.service_ns.len(), 1);
    }
}
