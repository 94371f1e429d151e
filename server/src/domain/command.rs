//! What a client can ask of the counter.

/// One thing asked of the counter; [`crate::domain::Trial::decide`] answers it.
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

/// A command, and the key by which a retry of it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// The idempotency key: printable ASCII, 1 to [`crate::domain::KEY_CHARS_MAX`] characters.
    pub key: Option<Box<str>>,
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self { command, key: None }
    }
}

/// What a buyer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// How many tickets, at least 1; all or none are sold.
    pub quantity: u64,
    /// Who buys, in the buyer's own words; kept in the ledger.
    pub buyer: Option<Box<str>>,
}
