//! A histogram as the pairs of its non-empty buckets: `[[value, count], …]`.
//!
//! Every histogram here has the same resolution, so that a bucket's value falls into the same
//! bucket again and nothing is lost. Plain numbers instead of HdrHistogram's own V2 format:
//! that would bring three more crates for a pipe of our own.

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serializer};

use super::clocks::empty;

/// No operation takes longer: eleven days in nanoseconds.
const LONGEST_NS: u64 = 1_000_000_000_000_000;

/// Writes the pairs.
pub(super) fn serialize<S: Serializer>(
    histogram: &Histogram<u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pairs(histogram))
}

/// Reads the pairs.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Histogram<u64>, D::Error> {
    let pairs = Vec::<(u64, u64)>::deserialize(deserializer)?;
    let mut histogram = empty();
    for (value, count) in pairs {
        put(&mut histogram, value, count);
    }
    Ok(histogram)
}

/// Adds what `other` has seen to `histogram`.
pub(super) fn add(histogram: &mut Histogram<u64>, other: &Histogram<u64>) {
    for (value, count) in pairs(other) {
        put(histogram, value, count);
    }
}

/// Takes in `count` operations that took `value_ns`; the histogram grows where it must.
pub(super) fn put(histogram: &mut Histogram<u64>, value_ns: u64, count: u64) {
    // Past the longest time it can fail on machines of 32 bits only.
    if histogram.record_n(value_ns.min(LONGEST_NS), count).is_err() {
        histogram.saturating_record_n(value_ns, count);
    }
}

fn pairs(histogram: &Histogram<u64>) -> impl Iterator<Item = (u64, u64)> + '_ {
    histogram
        .iter_recorded()
        .map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration()))
}
