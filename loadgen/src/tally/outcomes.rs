//! How operations ended.

use serde::Serialize;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Bought.
    Sold,
    /// Not enough was left.
    SoldOut,
    /// Looked at.
    Found,
    /// Put aside.
    Held,
    /// Released or refunded.
    GivenBack,
    /// The server answered that it did not happen.
    Refused,
    /// There was no answer, and it did not happen.
    Error,
    /// It may have happened.
    Unknown,
}

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Outcomes {
    /// Bought.
    pub(crate) sold: u64,
    /// Not enough was left.
    pub(crate) sold_out: u64,
    /// Looked at.
    pub(crate) found: u64,
    /// Put aside; left out of the JSON where there is none.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) held: u64,
    /// Released or refunded; left out likewise.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) given_back: u64,
    /// The server answered that it did not happen.
    pub(crate) refused: u64,
    /// There was no answer, and it did not happen.
    pub(crate) error: u64,
    /// It may have happened.
    pub(crate) unknown: u64,
}

impl Outcomes {
    /// Counts one more.
    pub(crate) fn count(&mut self, ending: Ending) {
        *match ending {
            Ending::Sold => &mut self.sold,
            Ending::SoldOut => &mut self.sold_out,
            Ending::Found => &mut self.found,
            Ending::Held => &mut self.held,
            Ending::GivenBack => &mut self.given_back,
            Ending::Refused => &mut self.refused,
            Ending::Error => &mut self.error,
            Ending::Unknown => &mut self.unknown,
        } += 1;
    }

    /// All together.
    pub(crate) fn total(&self) -> u64 {
        self.sold + self.sold_out + self.found + self.held + self.given_back + self.failed()
    }

    /// Those that are no answer to what was asked.
    pub(crate) fn failed(&self) -> u64 {
        self.refused + self.error + self.unknown
    }

    /// Adds `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.sold += other.sold;
        self.sold_out += other.sold_out;
        self.found += other.found;
        self.held += other.held;
        self.given_back += other.given_back;
        self.refused += other.refused;
        self.error += other.error;
        self.unknown += other.unknown;
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
