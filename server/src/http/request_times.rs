//! How long requests take, by route and class of status, from the end of their heads to the beginnings of their
//! answers.
//!
//! Each event loop counts for itself, so that none waits for another or for whoever asks; who asks gets the sums.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

/// The first bucket holds what takes up to two to the power of this in microseconds: 0.064 ms.
const FIRST_POWER: u32 = 6;

/// How many buckets there are: each twice as wide as the one before, up to 4.2 s, and one for all that is slower.
const BUCKETS: usize = 18;

/// The classes of status, from 200 on.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// How long the requests of one event loop took.
#[derive(Debug)]
pub struct RequestTimes {
    /// One for each class of each route.
    rows: Box<[[Row; CLASSES.len()]]>,
}

#[derive(Debug, Default)]
struct Row {
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

/// How long the requests of all event loops took, for whoever asks.
#[derive(Debug)]
pub struct AllRequestTimes {
    /// The names of the routes, by their places.
    pub routes: Vec<&'static str>,
    /// One for each event loop.
    pub times: Vec<Arc<RequestTimes>>,
}

impl RequestTimes {
    /// Those of so many routes.
    pub fn of_routes(count: usize) -> Self {
        Self { rows: (0..count).map(|_| Default::default()).collect() }
    }

    /// A request on the route at `place` was answered with `status` after `took`.
    pub fn note(&self, place: usize, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(2).min(CLASSES.len() - 1);
        let row = &self.rows[place][class];
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // One thread writes, so nothing is lost between the two; an exchange would wait for the memory.
        let add = |counter: &AtomicU64, more| {
            counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
        };
        add(&row.buckets[bucket(nanoseconds)], 1);
        add(&row.nanoseconds, nanoseconds);
    }
}

/// The bucket of what took so long: the first whose bound is not below.
fn bucket(nanoseconds: u64) -> usize {
    let microseconds = nanoseconds.div_ceil(1000);
    let power = u64::BITS - microseconds.saturating_sub(1).leading_zeros();
    (power.saturating_sub(FIRST_POWER) as usize).min(BUCKETS - 1)
}

/// The upper bound of a bucket, in seconds.
fn bound(bucket: usize) -> f64 {
    if bucket == BUCKETS - 1 {
        return f64::INFINITY;
    }
    f64::from(1_u32 << (FIRST_POWER as usize + bucket)) / 1e6
}

impl Collector for AllRequestTimes {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let help = "Time from the head of a request to that of its answer";
        let kind = MetricType::Histogram;
        let name = "http_request_duration";
        let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?;
        for (place, route) in self.routes.iter().enumerate() {
            for (class, status) in CLASSES.into_iter().enumerate() {
                let rows = || self.times.iter().map(|times| &times.rows[place][class]);
                let sum = |bucket: usize| rows().map(|row| row.buckets[bucket].load(Relaxed)).sum();
                let buckets: [(f64, u64); BUCKETS] =
                    std::array::from_fn(|bucket| (bound(bucket), sum(bucket)));
                let count = buckets.iter().map(|(_, count)| count).sum();
                if count == 0 {
                    continue;
                }
                let seconds = rows()
                    .map(|row| Duration::from_nanos(row.nanoseconds.load(Relaxed)).as_secs_f64());
                let labels = [("route", *route), ("status", status)];
                let mut family = metric.encode_family(&labels)?;
                family.encode_histogram::<NoLabelSet>(seconds.sum(), count, &buckets, None)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_falls_into_the_first_bucket_whose_bound_is_not_below() {
        for bucketed in 0..BUCKETS - 1 {
            let nanoseconds = 1000 << (FIRST_POWER as usize + bucketed);
            assert_eq!(bucket(nanoseconds), bucketed);
            assert_eq!(bucket(nanoseconds + 1), bucketed + 1);
            let told = Duration::from_secs_f64(bound(bucketed));
            assert_eq!(told, Duration::from_nanos(nanoseconds));
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
    }
}
