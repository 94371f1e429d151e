//! Which operations and which workers of a large run are drawn, and what is said of the rest.

use std::collections::BTreeSet;

use super::run::RunView;
use crate::{history::Outcome, words::grouped};

/// The most lanes of one figure.
const LANES_MAX: usize = 200;

/// What is drawn of a run.
#[derive(Debug)]
pub(super) struct Sample {
    /// The places of the operations, by their calls.
    pub(super) places: Vec<usize>,
    /// The workers, by their numbers: a lane each.
    pub(super) workers: Vec<u32>,
    /// What is not drawn, as a sentence.
    pub(super) left_out: Option<String>,
}

/// Chooses what is drawn: the counterexample, then what failed or has no answer, then of all others
/// every so many.
pub(super) fn sample(view: &RunView<'_>) -> Sample {
    let accused = view.accused_of_smallest();
    let (workers, workers_all) = lanes(view, &accused);
    let has_lane = |place: &usize| workers.binary_search(&view.operation(*place).process).is_ok();
    let mut kept: BTreeSet<usize> =
        accused.iter().copied().filter(has_lane).take(view.marks_max / 4).collect();
    let accused_kept = kept.len();
    let odd = |place: &usize| {
        matches!(view.operation(*place).outcome, Outcome::Unknown | Outcome::Refused)
    };
    let others = |is_odd: bool| {
        let in_order = view.in_call_order.iter().copied();
        in_order.filter(has_lane).filter(move |place| odd(place) == is_odd)
    };
    let others_all = others(true).count();
    kept.extend(every(others(true), others_all, view.marks_max / 4));
    let room = view.marks_max.saturating_sub(kept.len());
    let rest = others(false).count();
    kept.extend(every(others(false), rest, room));
    let places: Vec<usize> =
        view.in_call_order.iter().copied().filter(|place| kept.contains(place)).collect();
    let left_out = left_out(view, &places, (workers.len(), workers_all), accused_kept);
    Sample { places, workers, left_out }
}

/// At most `wanted` of `all`, evenly.
pub(super) fn every<T>(
    items: impl Iterator<Item = T>,
    all: usize,
    wanted: usize,
) -> impl Iterator<Item = T> {
    let step = if wanted == 0 { usize::MAX } else { all.div_ceil(wanted).max(1) };
    items.step_by(step).take(wanted)
}

/// The workers that get a lane, and how many there are.
fn lanes(view: &RunView<'_>, accused: &[usize]) -> (Vec<u32>, usize) {
    let all: BTreeSet<u32> =
        view.run.operations.iter().map(|operation| operation.process).collect();
    if all.len() <= LANES_MAX {
        let count = all.len();
        return (all.into_iter().collect(), count);
    }
    let mut chosen: BTreeSet<u32> =
        accused.iter().map(|place| view.operation(*place).process).take(LANES_MAX / 4).collect();
    let room = LANES_MAX - chosen.len();
    chosen.extend(every(all.iter().copied(), all.len(), room));
    (chosen.into_iter().collect(), all.len())
}

fn left_out(
    view: &RunView<'_>,
    places: &[usize],
    (workers, workers_all): (usize, usize),
    accused: usize,
) -> Option<String> {
    let operations_all = view.run.operations.len();
    if places.len() == operations_all {
        return None;
    }
    let mut text =
        format!("Drawn are {} of {} operations", grouped(places.len()), grouped(operations_all));
    if workers < workers_all {
        text.push_str(&format!(", and {} of {} workers", grouped(workers), grouped(workers_all)));
    }
    text.push_str(match accused {
        0 => ", evenly over the run.",
        _ => ": those of the counterexample, and others evenly over the run.",
    });
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_wanted_and_all_where_there_is_room(all in 0_usize..500, wanted in 0_usize..100) {
            let kept = every(0..all, all, wanted).count();
            prop_assert!(kept <= wanted);
            if all <= wanted {
                prop_assert_eq!(kept, all);
            } else {
                prop_assert!(kept * 2 >= wanted.saturating_sub(1));
            }
        }
    }
}
