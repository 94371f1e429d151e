//! Whether an order says who buys.

use crate::{
    domain::Order,
    http::message::problem::{Code, Problem},
};

/// Whether an order says who buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BuyerRule {
    /// Nobody is asked, and an order with a `buyer` is refused: no names are kept.
    None,
    /// Whoever wants to.
    Optional,
    /// Everybody: an order without a `buyer` is refused.
    Required,
}

impl BuyerRule {
    /// Lets an order pass, or says why not.
    ///
    /// # Errors
    /// A [`Problem`] that names `buyer`, and the flag.
    pub fn check(self, order: &Order) -> Result<(), Problem> {
        let detail = match (self, &order.buyer) {
            (Self::None, Some(_)) => {
                "`buyer` is not taken: this server keeps no names (`--buyer none`)"
            }
            (Self::Required, None) => {
                "no `buyer`: this server sells to whoever gives a name (`--buyer required`)"
            }
            _ => return Ok(()),
        };
        Err(Problem::new(Code::InvalidRequest, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_refused_or_missed_as_the_operator_wants() {
        let order = |buyer: Option<&str>| Order { quantity: 1, buyer: buyer.map(Into::into) };
        for (rule, with_a_name, without) in [
            (BuyerRule::None, false, true),
            (BuyerRule::Optional, true, true),
            (BuyerRule::Required, true, false),
        ] {
            assert_eq!(rule.check(&order(Some("Ada"))).is_ok(), with_a_name, "{rule:?}");
            assert_eq!(rule.check(&order(None)).is_ok(), without, "{rule:?}");
        }
        let problem = BuyerRule::Required.check(&order(None)).unwrap_err();
        assert!(problem.detail().contains("`buyer`"), "{problem:?}");
    }
}
