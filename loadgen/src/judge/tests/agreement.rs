//! The judge against every order there is.

use super::{
    brute_force,
    dice::Dice,
    simulation::{Scene, disturb, simulate},
};
use crate::{
    history::{Header, Operation, encode},
    judge::{Evidence, Judgement, judge},
};

const HISTORIES: u64 = 150_000;

pub(super) fn judged(header: &Header, operations: &[Operation]) -> Judgement {
    judge(&Evidence { header, operations, lacks: &[] })
}

/// A history as lines, for whoever has to look into a failure.
pub(super) fn lines(header: &Header, operations: &[Operation]) -> String {
    let mut lines = vec![format!("{header:?}")];
    lines.extend(operations.iter().map(encode));
    lines.join("\n")
}

/// The history of `seed`: of a correct counter, with up to three disturbances in it.
pub(super) fn history(seed: u64) -> (Header, Vec<Operation>) {
    let mut dice = Dice::new(seed);
    let operations = 1 + dice.index(7);
    let scene = Scene::random(&mut dice, operations);
    let (mut header, mut operations) = simulate(&mut dice, &scene);
    for _ in 0..dice.below(4) {
        disturb(&mut dice, &mut header, &mut operations);
    }
    (header, operations)
}

#[test]
fn judge_agrees_with_every_order_on_small_histories() {
    let (mut right, mut wrong) = (0_u64, 0_u64);
    for seed in 0..HISTORIES {
        let (header, operations) = history(seed);
        let is_right = brute_force::explains(&header, &operations);
        let judgement = judged(&header, &operations);
        assert_eq!(
            is_right,
            judgement.violations.is_empty(),
            "seed {seed}: {judgement:?}\n{}",
            lines(&header, &operations)
        );
        right += u64::from(is_right);
        wrong += u64::from(!is_right);
    }
    assert!(right > HISTORIES / 6 && wrong > HISTORIES / 6, "{right} right, {wrong} wrong");
}
