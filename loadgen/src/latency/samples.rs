//! Times on their way to the histograms.

use super::Clocks;

/// So many times are kept as they are.
const FRESH_MAX: usize = 512;

/// What one worker has seen since it said so the last time.
///
/// A histogram of three digits has tens of thousands of buckets, and each operation falls into two
/// of them anywhere. A hundred workers that share a few processors find none of those in their
/// caches: they write the times one behind the other, and whoever is told of them counts them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Samples {
    /// From the instant at which an operation was due, in nanoseconds.
    response_ns: Vec<u64>,
    /// From the instant at which it was sent, in nanoseconds; nothing while these are the same, as
    /// they are in a closed loop.
    service_ns: Option<Vec<u64>>,
    /// What came before, where that was too much to keep one by one.
    before: Option<Box<Clocks>>,
}

impl Samples {
    /// Takes in an operation that was due, sent and answered at these instants.
    pub(crate) fn record(&mut self, due_ns: u64, sent_ns: u64, answered_ns: u64) {
        self.make_room();
        if due_ns != sent_ns || self.service_ns.is_some() {
            self.tell_apart().push(answered_ns.saturating_sub(sent_ns));
        }
        self.response_ns.push(answered_ns.saturating_sub(due_ns));
    }

    /// Takes in an operation that was due at `due_ns` and still not sent at `now_ns`.
    pub(crate) fn record_unsent(&mut self, due_ns: u64, now_ns: u64) {
        self.make_room();
        self.tell_apart();
        self.response_ns.push(now_ns.saturating_sub(due_ns));
    }

    /// Counts all of them into `clocks`.
    pub(crate) fn count_into(&self, clocks: &mut Clocks) {
        if let Some(before) = &self.before {
            clocks.merge(before);
        }
        let service_ns = self.service_ns.as_ref().unwrap_or(&self.response_ns);
        clocks.count(&self.response_ns, service_ns);
    }

    /// The service times, which are not those of the response any more.
    fn tell_apart(&mut self) -> &mut Vec<u64> {
        self.service_ns.get_or_insert_with(|| self.response_ns.clone())
    }

    fn make_room(&mut self) {
        // What was not sent has no service time, so these are never fewer.
        if self.response_ns.len() == FRESH_MAX {
            let mut before = self.before.take().unwrap_or_default();
            self.count_into(&mut before);
            self.before = Some(before);
            self.response_ns.clear();
            self.service_ns.iter_mut().for_each(Vec::clear);
        }
    }
}
