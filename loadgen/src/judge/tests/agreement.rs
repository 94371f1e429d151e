//! The judge against every order there is.

use super::{
    brute_force,
    dice::Dice,
    simulation::{Scene, disturb, simulate},
};
use crate::{
    history::{Answer, CountTiming, Header, Numbering, Operation, OperationKind, Outcome, encode},
    judge::{Evidence, Judgement, elsewhere::Elsewhere, judge},
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
    let (mut header, operations) = disturbed(&mut dice, &scene);
    if header.numbering == Numbering::Consecutive && dice.chance(50) {
        // Others may have been there, too.
        header.revisions = None;
    }
    (header, operations)
}

/// A history of `scene` with up to three disturbances in it.
fn disturbed(dice: &mut Dice, scene: &Scene) -> (Header, Vec<Operation>) {
    let (mut header, mut operations) = simulate(dice, scene);
    for _ in 0..dice.below(4) {
        disturb(dice, &mut header, &mut operations);
    }
    (header, operations)
}

/// The same of a shop that numbers no revisions, gives its tickets names, and does not say what it sold before.
fn history_of_another_shop(seed: u64) -> (Header, Vec<Operation>) {
    let mut dice = Dice::new(seed);
    let operations = 1 + dice.index(7);
    let scene = Scene {
        all_kinds: false,
        has_links: false,
        revision: false,
        numbering: Numbering::Unique,
        ..Scene::random(&mut dice, operations)
    };
    let (header, operations) = disturbed(&mut dice, &scene);
    let counts = Some(CountTiming::Exact);
    (Header { sold: None, revision: None, left_revision: None, counts, ..header }, operations)
}

/// Whether some order explains a history in which others did what changes no count too; `None` where they did nothing.
pub(super) fn is_right_with_others(
    header: &Header,
    operations: &[Operation],
    explains: impl Fn(&Header, &[Operation]) -> bool,
) -> Option<bool> {
    let elsewhere = Elsewhere::find(&Evidence { header, operations, lacks: &[] })?;
    // Of no tickets, a confirm takes a revision and nothing else.
    let answer = Answer::new(Outcome::Unknown);
    let change = Operation::of_kind((OperationKind::Confirm, Some(0)), 0, 0, 0, answer);
    let changes = (0..elsewhere.changes).map(|_| Operation { return_ns: None, ..change.clone() });
    Some(explains(header, &operations.iter().cloned().chain(changes).collect::<Vec<_>>()))
}

/// That the judge finds the history of `seed` right, or wrong.
#[track_caller]
pub(super) fn assert_judged(seed: u64, is_right: bool, header: &Header, operations: &[Operation]) {
    let judgement = judged(header, operations);
    assert_eq!(
        is_right,
        judgement.violations.is_empty(),
        "seed {seed}: {judgement:?}\n{}",
        lines(header, operations)
    );
}

#[test]
fn judge_agrees_with_every_order_on_small_histories() {
    let (mut right, mut wrong, mut others) = (0_u64, 0_u64, 0_u64);
    for seed in 0..HISTORIES {
        let (header, operations) = history(seed);
        let by_itself = brute_force::explains(&header, &operations);
        let with_others = is_right_with_others(&header, &operations, brute_force::explains);
        let is_right = by_itself || with_others == Some(true);
        assert_judged(seed, is_right, &header, &operations);
        right += u64::from(is_right);
        wrong += u64::from(!is_right);
        others += u64::from(is_right && !by_itself);
    }
    assert!(right > HISTORIES / 6 && wrong > HISTORIES / 6, "{right} right, {wrong} wrong");
    assert!(others > HISTORIES / 1000, "{others} with others");
}

#[test]
fn judge_agrees_with_every_order_on_small_histories_of_other_shops() {
    let mut wrong = 0_u64;
    for seed in 0..HISTORIES {
        let (header, operations) = history_of_another_shop(seed);
        // What was sold before is nobody's business where tickets have names.
        let fresh = Header { sold: Some(0), revision: Some(0), ..header.clone() };
        let is_right = brute_force::explains(&fresh, &operations);
        assert_judged(seed, is_right, &header, &operations);
        wrong += u64::from(!is_right);
    }
    assert!((HISTORIES / 10..HISTORIES / 10 * 9).contains(&wrong), "{wrong} wrong");
}
