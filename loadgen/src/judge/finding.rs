//! What a look at the order of a history ends with.

use super::model::Misfit;

/// What a look at the order of a history ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// There is an order that explains every answer.
    Linearizable,
    /// There is none.
    Contradiction(Contradiction),
    /// The budget ran out.
    OutOfBudget,
}

/// Why there is no order, by the places of the operations (`FINAL` for the read at the end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// `place` cannot be right, whatever the others did.
    Alone { place: u32, misfit: Misfit },
    /// Two changes that both say they are the same step.
    SameStep { first: u32, second: u32 },
    /// `read` saw a count that lies inside `sale`.
    Inside { read: u32, sale: u32 },
    /// By what they were told `before` stands before `after`; by the clock it is the other way round.
    Backwards { before: u32, after: u32 },
    /// After `before` comes `place`, but it was told something else.
    Misfit { before: Option<u32>, place: u32, misfit: Misfit },
    /// Between `before` and `after` something happened that nobody here can have done.
    Gap { before: Option<u32>, after: u32, step: Step },
    /// The hold at `hold` must have lapsed by the end, and its tickets have not come back.
    Kept { hold: u32 },
    /// No order fits these, which is as far as the search got.
    Stuck { window: Vec<u32> },
}

/// What nobody here can have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The change with this revision.
    Revision(u64),
    /// The sale of the tickets with these numbers, from the first to the last.
    Tickets(u64, u64),
    /// The sale of so many tickets, which have no numbers in the order of sale.
    Sales(u64),
}
