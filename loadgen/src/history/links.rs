//! What an operation has to do with others: the hold and the sale that it is about.

use serde::{Deserialize, Serialize};

use super::numbers::number_or_null;

/// What an operation has to do with others of its history.
///
/// The names are whatever tells one hold or sale of the history from all others, and no secret of a
/// shop: who has the token of a hold can confirm it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(expecting = "an object")]
pub struct Links {
    /// The hold that it made, confirmed or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Box<str>>,
    /// The sale that it made or took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Box<str>>,
    /// From when on the hold that it made can lapse, in nanoseconds of the run's clock; `None` where it
    /// cannot, or where that is told in another way.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub lapses_from_ns: Option<u64>,
    /// By when it must have, on the same clock, where nobody confirms or releases it; `None` where nobody
    /// knows.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub lapses_by_ns: Option<u64>,
}

/// How much earlier than by the run's clock a hold may lapse by its shop's, in nanoseconds, beside a
/// thousandth of its time: two clocks that are kept right differ by less.
const EARLY_NS: u64 = 50_000_000;

/// How much later than by the run's clock a hold must have lapsed, in nanoseconds: room for a shop that is slow.
const LATE_NS: u64 = 5_000_000_000;

impl Links {
    /// Those of a hold of this name for so many seconds, called at `call_ns` and answered at `return_ns`.
    #[must_use]
    pub fn of_hold(hold: Box<str>, call_ns: u64, return_ns: Option<u64>, seconds: u64) -> Self {
        let time_ns = seconds.saturating_mul(1_000_000_000);
        let early_ns = EARLY_NS.saturating_add(time_ns / 1000).min(time_ns);
        let late_ns = Self::lapse_ns(seconds);
        Self {
            hold: Some(hold),
            sale: None,
            lapses_from_ns: Some(call_ns.saturating_add(time_ns - early_ns)),
            lapses_by_ns: return_ns.map(|return_ns| return_ns.saturating_add(late_ns)),
        }
    }

    /// How long after its answer a hold for so many seconds must have lapsed, in nanoseconds.
    #[must_use]
    pub fn lapse_ns(seconds: u64) -> u64 {
        seconds.saturating_mul(1_000_000_000).saturating_add(LATE_NS)
    }

    /// How many bytes they take beside a pointer to them.
    pub(super) fn bytes(&self) -> usize {
        let name = |name: &Option<Box<str>>| name.as_ref().map_or(0, |name| name.len());
        size_of::<Self>() + name(&self.hold) + name(&self.sale)
    }
}
