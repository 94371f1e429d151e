//! Several products of one shop as plain data: a verdict each.

use serde::Serialize;

use super::{
    part::Part,
    rounds::{FaultSummary, RoundSummary},
};
use crate::{judge::Verdict, tally::Outcomes, words::counted};

/// One of several products.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ProductSummary {
    /// Its name.
    pub(crate) product: String,
    /// The worst verdict of all rounds; `None` where nothing was recorded.
    pub(crate) verdict: Option<Verdict>,
    /// In how many rounds it was bought.
    pub(crate) rounds: usize,
    /// How many of these showed a violation.
    pub(crate) rounds_with_violation: usize,
    /// How all operations on it ended.
    pub(crate) outcomes: Outcomes,
    /// Tickets at the start of the last round; `None` where nobody knows.
    pub(crate) initial: Option<i64>,
    /// Tickets at the end of it; `None` where nobody knows.
    pub(crate) left: Option<i64>,
    /// The first round of the worst verdict.
    #[serde(skip)]
    pub(crate) worst: Part,
    /// What is wrong there.
    pub(crate) violations: Vec<FaultSummary>,
}

impl ProductSummary {
    /// What it came to, in a few words.
    pub(crate) fn in_words(&self) -> String {
        let verdict = self.verdict.map_or("not judged", Verdict::name);
        let rounds = match (self.rounds, self.rounds_with_violation) {
            (2.., some @ 1..) => format!(" in {some} of {} rounds", self.rounds),
            _ => String::new(),
        };
        let sold = counted(self.outcomes.sold, ("sale", "sales"));
        let fault = self.violations.first().map(|fault| format!(", {}", fault.message));
        format!("{}: {verdict}{rounds}, {sold}{}", self.product, fault.unwrap_or_default())
    }
}

/// What became of each product in these `rounds`, in the order of the map.
pub(crate) fn products(rounds: &[RoundSummary]) -> Vec<ProductSummary> {
    let mut products: Vec<ProductSummary> = Vec::new();
    for round in rounds {
        let Some(name) = &round.part.product else { continue };
        let is_violation = usize::from(round.verdict == Some(Verdict::Violation));
        let Some(product) = products.iter_mut().find(|product| product.product == *name) else {
            products.push(ProductSummary {
                product: name.clone(),
                verdict: round.verdict,
                rounds: 1,
                rounds_with_violation: is_violation,
                outcomes: round.outcomes,
                initial: round.initial,
                left: round.left,
                worst: round.part.clone(),
                violations: round.violations.clone(),
            });
            continue;
        };
        if round.verdict > product.verdict {
            product.verdict = round.verdict;
            product.worst.clone_from(&round.part);
            product.violations.clone_from(&round.violations);
        }
        product.rounds += 1;
        product.rounds_with_violation += is_violation;
        product.outcomes.merge(&round.outcomes);
        (product.initial, product.left) = (round.initial, round.left);
    }
    products
}
