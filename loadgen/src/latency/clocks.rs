//! The histograms of both clocks.

use hdrhistogram::Histogram;

/// Three significant digits: a value is told to within a thousandth of itself.
const DIGITS: u8 = 3;

/// No operation takes longer: eleven days in nanoseconds.
const LONGEST_NS: u64 = 1_000_000_000_000_000;

/// Both clocks of some operations, in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clocks {
    /// From the instant at which an operation was due.
    pub(crate) response_ns: Histogram<u64>,
    /// From the instant at which it was sent.
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
        response_ns.iter().for_each(|ns| put(&mut self.response_ns, *ns, 1));
        service_ns.iter().for_each(|ns| put(&mut self.service_ns, *ns, 1));
    }

    /// Adds what `other` has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.response_ns, &other.response_ns);
        add(&mut self.service_ns, &other.service_ns);
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are a resolution that there is")
}

/// Adds what `other` has seen to `histogram`. Both have the same resolution, so that a bucket's value
/// falls into the same bucket again.
fn add(histogram: &mut Histogram<u64>, other: &Histogram<u64>) {
    for bucket in other.iter_recorded() {
        put(histogram, bucket.value_iterated_to(), bucket.count_since_last_iteration());
    }
}

/// Takes in `count` operations that took `value_ns`; the histogram grows where it must.
fn put(histogram: &mut Histogram<u64>, value_ns: u64, count: u64) {
    // Past the longest time it can fail on machines of 32 bits only.
    if histogram.record_n(value_ns.min(LONGEST_NS), count).is_err() {
        histogram.saturating_record_n(value_ns, count);
    }
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
                part.count_into(if place % 2 == 0 { &mut merged } else { &mut recent });
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
