//! What a run has to have tried, or it proves too little: `--require`. Pure.

use crate::{
    history::{Operation, OperationKind, Outcome},
    judge::{Judgement, Untried},
};

/// What a run has to have tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Requirement {
    /// Somebody was told "sold out"
    SoldOut,
    /// A sale was under way together with another purchase
    Overlap,
    /// A search met a sale, or the sales say what they left
    Searches,
}

impl Requirement {
    fn name(self) -> &'static str {
        match self {
            Self::SoldOut => "sold-out",
            Self::Overlap => "overlap",
            Self::Searches => "searches",
        }
    }

    /// Why `judgement` of `operations` is no answer to this; `None` where it was tried.
    fn doubt(self, judgement: &Judgement, operations: &[Operation]) -> Option<&'static str> {
        match self {
            Self::SoldOut => {
                judgement.untried.contains(&Untried::SoldOut).then_some("nobody was told sold out")
            }
            Self::Searches => judgement
                .untried
                .contains(&Untried::Searches)
                .then_some("no search met a sale, and no sale says what it left"),
            Self::Overlap => (!a_sale_met_another(operations))
                .then_some("no sale was under way together with another purchase"),
        }
    }
}

/// Makes a judgement that is not a violation unknown where `operations` did not try what is `required`.
pub(crate) fn require(
    required: &[Requirement],
    judgement: &mut Judgement,
    operations: &[Operation],
) {
    if !judgement.violations.is_empty() {
        return;
    }
    for one in required {
        if let Some(doubt) = one.doubt(judgement, operations) {
            judgement.doubts.push(format!("{doubt}, as `--require {}` asks for", one.name()));
        }
    }
}

fn a_sale_met_another(operations: &[Operation]) -> bool {
    let is_purchase = |one: &&Operation| {
        matches!(one.op, OperationKind::Buy | OperationKind::Hold)
            && matches!(one.outcome, Outcome::Sold | Outcome::Done | Outcome::SoldOut)
    };
    let span = |one: &Operation| Some((one.call_ns, one.return_ns?, one.outcome));
    let mut spans: Vec<_> = operations.iter().filter(is_purchase).filter_map(span).collect();
    spans.sort_unstable_by_key(|(call_ns, _, _)| *call_ns);
    let is_sale = |outcome| outcome != Outcome::SoldOut;
    // When the last sale, and the last purchase of any kind, that began before has ended.
    let (mut sold_until, mut busy_until) = (0, 0);
    spans.iter().any(|(call_ns, return_ns, outcome)| {
        let meets = *call_ns < sold_until || (is_sale(*outcome) && *call_ns < busy_until);
        busy_until = busy_until.max(*return_ns);
        if is_sale(*outcome) {
            sold_until = sold_until.max(*return_ns);
        }
        meets
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Answer;

    fn history(spans: &[(u64, u64, Outcome)]) -> Vec<Operation> {
        let buy = |(call_ns, return_ns, outcome): &(u64, u64, Outcome)| {
            Operation::buy(0, *call_ns, *return_ns, Answer::new(*outcome))
        };
        spans.iter().map(buy).collect()
    }

    fn doubts(required: &[Requirement], untried: &[Untried], history: &[Operation]) -> Vec<String> {
        let mut judgement = Judgement { untried: untried.to_vec(), ..Judgement::default() };
        require(required, &mut judgement, history);
        judgement.doubts
    }

    #[test]
    fn what_was_not_tried_is_a_doubt_where_it_is_required() {
        use Requirement::{Searches, SoldOut};
        let none = [];
        let untried = [Untried::SoldOut];
        assert_eq!(doubts(&[], &untried, &none), [""; 0]);
        assert_eq!(doubts(&[Searches], &untried, &none), [""; 0]);
        let said = "nobody was told sold out, as `--require sold-out` asks for";
        assert_eq!(doubts(&[SoldOut, Searches], &untried, &none), [said]);
    }

    #[test]
    fn those_who_were_refused_together_are_no_race() {
        use Outcome::{Sold, SoldOut};
        let overlap = |spans: &[(u64, u64, Outcome)]| {
            doubts(&[Requirement::Overlap], &[], &history(spans)).is_empty()
        };
        assert!(!overlap(&[(0, 2, Sold), (2, 4, SoldOut), (3, 5, SoldOut)]));
        assert!(overlap(&[(0, 2, Sold), (1, 4, SoldOut)]));
        assert!(overlap(&[(0, 4, SoldOut), (1, 2, SoldOut), (3, 5, Sold)]));
        assert!(overlap(&[(0, 9, Sold), (1, 2, Sold)]));
        assert!(!overlap(&[(0, 1, Sold), (2, 3, Sold)]));
    }

    #[test]
    fn a_violation_stays_one() {
        let mut judgement = Judgement { untried: vec![Untried::SoldOut], ..Judgement::default() };
        judgement.violations.push(crate::judge::Violation {
            kind: crate::judge::ViolationKind::Oversell,
            message: "3 sold of 2".to_owned(),
            operations: Vec::new(),
            story: Vec::new(),
            needs_whole: false,
        });
        require(&[Requirement::SoldOut], &mut judgement, &[]);
        assert!(judgement.doubts.is_empty());
    }
}
