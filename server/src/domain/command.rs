//! What a client can ask of the counter.

/// The longest time that tickets are held, in seconds: a day.
pub const HOLD_SECONDS_MAX: u64 = 24 * 60 * 60;

/// One thing asked of the counter; [`crate::domain::Trial::decide`] answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// How many are left? Changes nothing.
    Search,
    /// Sell tickets.
    Buy(Order),
    /// Set tickets aside for a while.
    Hold {
        /// What is to be set aside.
        order: Order,
        /// For how long, 1 to [`HOLD_SECONDS_MAX`].
        seconds: u64,
    },
    /// Sell what the hold made at this revision has set aside.
    Confirm {
        /// The hold.
        hold: u64,
    },
    /// Give back what the hold made at this revision has set aside.
    Release {
        /// The hold.
        hold: u64,
    },
    /// Take the tickets of a sale back.
    Refund(SoldBefore),
    /// Let the holders of the tickets of a sale in.
    Admit(SoldBefore),
    /// Put more tickets on sale.
    Restock {
        /// How many, at least 1.
        quantity: u64,
    },
    /// Open or close the sale.
    SetSale {
        /// Whether tickets are to be had from now on.
        is_open: bool,
    },
}

impl Command {
    /// Whether the answer is another one from some moment on, whatever else happens.
    pub fn has_a_deadline(&self) -> bool {
        matches!(self, Self::Confirm { .. } | Self::Release { .. })
    }
}

/// A command, and the key by which a retry of it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// The idempotency key: printable ASCII, 1 to [`crate::domain::KEY_CHARS_MAX`] characters; only for
    /// what a repetition would do twice: [`Command::Buy`], [`Command::Hold`], [`Command::Restock`].
    pub key: Option<Box<str>>,
}

impl Request {
    /// Whether a repetition of it is known as one.
    pub fn is_repeatable(&self) -> bool {
        let Self { command, key } = self;
        match command {
            Command::Buy(_) | Command::Hold { .. } | Command::Restock { .. } => key.is_some(),
            Command::Confirm { .. } | Command::Release { .. } | Command::Refund(_) => true,
            Command::Search | Command::Admit(_) | Command::SetSale { .. } => false,
        }
    }
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

/// A sale as its record in the ledger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoldBefore {
    /// The revision of the sale.
    pub revision: u64,
    /// How many tickets it is of.
    pub quantity: u64,
}
