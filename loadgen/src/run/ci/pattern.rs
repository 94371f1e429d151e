//! How the clients of a round come together: a race that one way does not show another may. Pure.

use serde::Serialize;

use crate::plan::Waves;

/// How the clients of a round come together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Pattern {
    /// Each goes on as soon as it is answered
    #[default]
    Steady,
    /// All begin at once, and again once all are answered
    AtOnce,
    /// One at a time down to the last ticket, which all want at once
    LastTicket,
    /// Two at a time
    Pairs,
}

impl Pattern {
    /// All of them, in the order in which rounds try them.
    pub(crate) const ALL: [Self; 4] = [Self::Steady, Self::AtOnce, Self::LastTicket, Self::Pairs];

    /// The name on the command line and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::AtOnce => "at-once",
            Self::LastTicket => "last-ticket",
            Self::Pairs => "pairs",
        }
    }

    /// The waves of so many `clients`, where so many `purchases` can be made; `None` of these is not known.
    pub(crate) fn waves(self, clients: u32, purchases: Option<u64>) -> Option<Waves> {
        let (width, alone) = match self {
            Self::Steady => return None,
            Self::AtOnce => (clients, 0),
            Self::LastTicket => (clients, purchases.unwrap_or(0).saturating_sub(1)),
            Self::Pairs => (2, 0),
        };
        Some(Waves { width, alone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_want_the_last_ticket_at_once() {
        let waves = |pattern: Pattern, purchases| pattern.waves(8, purchases);
        assert_eq!(waves(Pattern::LastTicket, Some(20)), Some(Waves { width: 8, alone: 19 }));
        assert_eq!(waves(Pattern::LastTicket, Some(0)), Some(Waves { width: 8, alone: 0 }));
        assert_eq!(waves(Pattern::LastTicket, None), waves(Pattern::AtOnce, Some(20)));
        assert_eq!(waves(Pattern::Pairs, Some(20)), Some(Waves { width: 2, alone: 0 }));
        assert_eq!(waves(Pattern::Steady, Some(20)), None);
    }
}
