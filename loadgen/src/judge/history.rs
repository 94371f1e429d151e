//! Judges a history as it was read: what it lacks, and clocks that cannot be compared, are doubts.

use super::{
    evidence::Evidence,
    judging::judge,
    request::{Known, Requests, Trusted},
    vacuity::is_sold_out_to_the_last,
    verdict::Judgement,
};
use crate::history::History;

/// Judges `history`.
#[must_use]
pub fn judge_history(history: &History) -> Judgement {
    let History { header, operations, lacks, .. } = history;
    let mut judgement = if history.mixes_clocks {
        let doubt = "times of different clocks cannot be compared".to_owned();
        Judgement { doubts: vec![doubt], ..Judgement::default() }
    } else {
        judge(&Evidence { header, operations, lacks })
    };
    for lack in lacks {
        if !judgement.doubts.contains(lack) {
            judgement.doubts.push(lack.clone());
        }
    }
    judgement
}

/// Whether as many were sold as there were, and somebody was refused, so that nobody has to be asked what is left.
#[must_use]
pub fn leaves_nothing(history: &History) -> bool {
    let History { header, operations, lacks, .. } = history;
    let evidence = Evidence { header, operations, lacks };
    is_sold_out_to_the_last(&Requests::collect(&evidence, Known::of(header), Trusted::ALL))
}
