//! What an operation has to do with others: the hold and the sale that it is about.

use serde::{Deserialize, Serialize};

/// What an operation has to do with others of its history.
///
/// The names are whatever tells one hold or sale of the history from all others, and no secret of a
/// shop: who has the token of a hold can confirm it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The hold that it made, confirmed or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Box<str>>,
    /// The sale that it made or took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Box<str>>,
    /// From when on the hold that it made can lapse, in nanoseconds of the run's clock; `None` where it
    /// cannot, or where that is told in another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapses_from_ns: Option<u64>,
    /// By when it must have, on the same clock, where nobody confirms or releases it; `None` where nobody
    /// knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapses_by_ns: Option<u64>,
}

impl Links {
    /// How many bytes they take beside a pointer to them.
    pub(super) fn bytes(&self) -> usize {
        let name = |name: &Option<Box<str>>| name.as_ref().map_or(0, |name| name.len());
        size_of::<Self>() + name(&self.hold) + name(&self.sale)
    }
}
