//! What a client can ask of the counter.

/// One thing asked of the counter; [`crate::domain::Inventory::apply`] answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// How many are left? Changes nothing.
    Search,
    /// Sell tickets.
    Buy(Order),
    /// Put more tickets on sale.
    Restock {
        /// How many, at least 1.
        quantity: u64,
    },
}

/// What a buyer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// How many tickets, at least 1; all or none are sold.
    pub quantity: u64,
    /// Who buys, in the buyer's own words; kept in the ledger.
    pub buyer: Option<Box<str>>,
}
