//! What operations do.

use serde::{Deserialize, Serialize};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// Buys tickets.
    Buy,
    /// Looks at the count.
    Search,
    /// Puts tickets aside.
    Hold,
    /// Buys what it has put aside.
    Confirm,
    /// Gives back what it has put aside.
    Release,
    /// Gives back what it has bought.
    Refund,
    /// Puts tickets on sale: the operator's, and no client's.
    Restock,
}

impl Action {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Buy,
        Self::Search,
        Self::Hold,
        Self::Confirm,
        Self::Release,
        Self::Refund,
        Self::Restock,
    ];
}

/// What the operations do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Every client searches once and then buys once: the race.
    SearchThenBuy,
    /// Every client searches once and then puts tickets aside; what it does with them is
    /// [`super::Holds`]'s.
    SearchThenHold,
    /// Each buys, puts aside or searches, in this proportion; not all are 0.
    Mix {
        /// Of so many…
        buy: u32,
        /// …to so many…
        hold: u32,
        /// …to so many.
        search: u32,
    },
}

impl Work {
    /// Whether somebody buys outright.
    pub(crate) fn buys(self) -> bool {
        matches!(self, Self::SearchThenBuy | Self::Mix { buy: 1.., .. })
    }

    /// Whether somebody puts tickets aside.
    pub(crate) fn holds(self) -> bool {
        matches!(self, Self::SearchThenHold | Self::Mix { hold: 1.., .. })
    }
}
