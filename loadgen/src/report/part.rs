//! Which part of a run something is said of, and how that is called everywhere.

use std::fmt;

use serde::Serialize;

/// A round, and what was bought in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    /// The number of the round, from 1.
    pub(crate) round: u32,
    /// What was bought, where there are several products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) product: Option<String>,
    /// How the clients came together.
    pub(crate) pattern: &'static str,
    /// Whether there are rounds to choose from.
    #[serde(skip)]
    pub(crate) is_of_rounds: bool,
}

impl Part {
    /// The same where it is not all of the run.
    pub(crate) fn of_many(self) -> Option<Self> {
        (self.is_of_rounds || self.product.is_some()).then_some(self)
    }
}

/// As in `round 2, pairs, balcony`; `run` where there is nothing to choose from.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, product, pattern, is_of_rounds } = self;
        match (is_of_rounds, product) {
            (true, Some(product)) => write!(f, "round {round}, {pattern}, {product}"),
            (true, None) => write!(f, "round {round}, {pattern}"),
            (false, Some(product)) => f.write_str(product),
            (false, None) => f.write_str("run"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_called_by_what_there_is_to_choose_from() {
        let part = |is_of_rounds, product: Option<&str>| Part {
            round: 2,
            product: product.map(str::to_owned),
            pattern: "pairs",
            is_of_rounds,
        };
        for (part, name) in [
            (part(true, Some("balcony")), "round 2, pairs, balcony"),
            (part(true, None), "round 2, pairs"),
            (part(false, Some("balcony")), "balcony"),
        ] {
            assert_eq!(part.of_many().unwrap().to_string(), name);
        }
        assert_eq!(part(false, None).to_string(), "run");
        assert_eq!(part(false, None).of_many(), None);
    }
}
