//! The percentiles that everybody quotes.

use hdrhistogram::Histogram;
use serde::Serialize;

/// What is quoted of a histogram, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    /// The mean.
    pub(crate) mean: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// What half of them did not exceed.
    pub(crate) p50: f64,
    /// What 75 % did not exceed.
    pub(crate) p75: f64,
    /// What 90 % did not exceed.
    pub(crate) p90: f64,
    /// What 95 % did not exceed.
    pub(crate) p95: f64,
    /// What 99 % did not exceed.
    pub(crate) p99: f64,
    /// What 99.9 % did not exceed.
    pub(crate) p999: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Percentiles {
    /// Those of `histogram`, which is in nanoseconds; all 0 where it has seen nothing.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| microseconds(histogram.value_at_quantile(quantile));
        if histogram.is_empty() {
            return Self::default();
        }
        Self {
            mean: (histogram.mean() / 100.0).round() / 10.0,
            min: microseconds(histogram.min()),
            p50: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: microseconds(histogram.max()),
        }
    }

    /// Those of a table for people, with their names.
    pub(crate) fn quoted(&self) -> [(&'static str, f64); 7] {
        [
            ("50 %", self.p50),
            ("75 %", self.p75),
            ("90 %", self.p90),
            ("95 %", self.p95),
            ("99 %", self.p99),
            ("99.9 %", self.p999),
            ("max", self.max),
        ]
    }
}

/// Nanoseconds as microseconds, to the tenth.
pub(crate) fn microseconds(ns: u64) -> f64 {
    (ns as f64 / 100.0).round() / 10.0
}
