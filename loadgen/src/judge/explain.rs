//! From a contradiction to the smallest set of operations that shows it, with its story.
//!
//! A set is a counterexample when it cannot be explained even if everybody else may have done
//! anything; the smallest is one from which nobody can be left out. Some contradictions need
//! everybody, such as a count that fell although nobody bought: of these the neighbours are named,
//! and the story says the rest.

use super::{
    budget::Budget,
    finding::{Contradiction, Step},
    model::Misfit,
    open_world::OpenWorld,
    request::{FINAL, Request, Requests, Role},
    story::Teller,
    verdict::{Violation, ViolationKind, WHOLE},
};
use crate::history::Numbering;

/// `contradiction` as a violation, and whether it stays one whatever all others did.
pub(super) fn explain(requests: &Requests<'_>, contradiction: &Contradiction) -> (Violation, bool) {
    let core = core(contradiction);
    let (few, is_open) = match shrunk(requests, &core) {
        Some(few) => (few, true),
        None => (core.clone(), false),
    };
    let teller = Teller::new(requests);
    let kind = kind(requests, contradiction);
    let mut story = story(&teller, contradiction, &core, &few);
    let needs_whole = !is_open && !matches!(contradiction, Contradiction::Gap { .. });
    if needs_whole {
        story.push(WHOLE.to_owned());
    }
    let mut operations: Vec<usize> =
        few.iter().filter(|place| **place != FINAL).map(|place| *place as usize).collect();
    operations.dedup();
    let message = message(&teller, kind, contradiction);
    (Violation { kind, message, operations, story, needs_whole }, is_open)
}

/// The smallest part of `core` that cannot be explained whatever all others did; `None` where others
/// could have made all of it right.
fn shrunk(requests: &Requests<'_>, core: &[u32]) -> Option<Vec<u32>> {
    let world = OpenWorld::new(requests);
    let is_final = |one: &&Request| one.place == FINAL;
    let given = requests.list.iter().find(is_final);
    let mut few: Vec<Request> = core
        .iter()
        .filter(|place| **place != FINAL)
        .filter_map(|place| requests.list.iter().find(|one| one.place == *place).copied())
        .filter(|one| one.role != Role::Unknown)
        .collect();
    let contradicts = |few: &[Request]| {
        let all: Vec<Request> = few.iter().chain(given).copied().collect();
        world.contradicts(&all, &mut Budget { steps: SHRINK_STEPS }) == Ok(true)
    };
    if !contradicts(&few) {
        return None;
    }
    let mut index = 0;
    while index < few.len() {
        let without = [&few[..index], &few[index + 1..]].concat();
        if contradicts(&without) {
            few = without;
        } else {
            index += 1;
        }
    }
    Some(few.iter().map(|one| one.place).collect())
}

/// Steps of the search for one candidate; past them it counts as explained, and stays larger.
const SHRINK_STEPS: u64 = 200_000;

/// The operations that a contradiction is about.
fn core(contradiction: &Contradiction) -> Vec<u32> {
    match contradiction {
        Contradiction::Alone { place, .. } => vec![*place],
        Contradiction::SameStep { first, second } => vec![*first, *second],
        Contradiction::Inside { read, sale } => vec![*read, *sale],
        Contradiction::Backwards { before, after } => vec![*after, *before],
        Contradiction::Misfit { before, place, .. } => {
            before.iter().chain([place]).copied().collect()
        }
        Contradiction::Gap { before, after, .. } => before.iter().chain([after]).copied().collect(),
        Contradiction::Kept { hold } => vec![*hold],
        Contradiction::Stuck { window } => window.clone(),
    }
}

fn story(
    teller: &Teller<'_>,
    contradiction: &Contradiction,
    core: &[u32],
    few: &[u32],
) -> Vec<String> {
    match *contradiction {
        Contradiction::Alone { place, misfit } => teller.misfit(None, place, misfit),
        Contradiction::Backwards { before, after } if few.len() > 1 || before == FINAL => {
            teller.backwards(before, after)
        }
        Contradiction::Misfit { before, place, misfit } => {
            teller.misfit(before.filter(|before| few.contains(before)), place, misfit)
        }
        Contradiction::Gap { before, after, step } if few.len() == core.len() => {
            teller.gap(before, after, step)
        }
        Contradiction::Kept { hold } => teller.kept(hold),
        _ => teller.stuck(few),
    }
}

fn kind(requests: &Requests<'_>, contradiction: &Contradiction) -> ViolationKind {
    let role = |place: u32| requests.list.iter().find(|one| one.place == place).map(|one| one.role);
    let has_revision = |place: u32| {
        let operation = requests.evidence.operations.get(place as usize);
        operation.is_some_and(|one| one.revision.is_some()) && requests.has_revisions
    };
    match *contradiction {
        Contradiction::Alone { place, misfit } | Contradiction::Misfit { place, misfit, .. } => {
            kind_of_misfit(misfit, place)
        }
        Contradiction::SameStep { first, second }
            if has_revision(first) && has_revision(second) =>
        {
            ViolationKind::LostSale
        }
        Contradiction::SameStep { first, second } => {
            let numbers = |place: u32| {
                requests.evidence.operations.get(place as usize).map(|one| !one.tickets.is_empty())
            };
            let are_numbered = requests.evidence.header.numbering == Numbering::Consecutive
                && numbers(first) == Some(true)
                && numbers(second) == Some(true);
            if are_numbered { ViolationKind::DuplicateTicket } else { ViolationKind::LostUpdate }
        }
        Contradiction::Backwards { after, .. } if role(after) == Some(Role::SoldOut) => {
            ViolationKind::FalseSoldOut
        }
        Contradiction::Backwards { before: FINAL, after } if has_revision(after) => {
            ViolationKind::LostSale
        }
        Contradiction::Backwards { before: FINAL, .. } => ViolationKind::LostUpdate,
        Contradiction::Gap { .. } | Contradiction::Kept { .. } => ViolationKind::Undersell,
        _ => ViolationKind::NotLinearizable,
    }
}

fn kind_of_misfit(misfit: Misfit, place: u32) -> ViolationKind {
    match misfit {
        Misfit::TooFew { .. } => ViolationKind::Oversell,
        Misfit::Enough { .. } => ViolationKind::FalseSoldOut,
        Misfit::Remaining { told, expected } if told > expected => ViolationKind::LostUpdate,
        Misfit::Remaining { .. } => ViolationKind::Undersell,
        Misfit::Held { told, expected } if told > expected => ViolationKind::Undersell,
        Misfit::Revision { told, expected } if told < expected && place == FINAL => {
            ViolationKind::LostSale
        }
        _ => ViolationKind::NotLinearizable,
    }
}

/// The same as a fragment.
fn message(teller: &Teller<'_>, kind: ViolationKind, contradiction: &Contradiction) -> String {
    match (contradiction, kind) {
        (Contradiction::Gap { step: Step::Revision(revision), .. }, _) => {
            format!("revision `{revision}` is nobody's: more was done than this history knows")
        }
        (Contradiction::Gap { step: Step::Tickets(first, last), .. }, _) if first == last => {
            format!("ticket `{first}` is nobody's: the count fell by more than was sold")
        }
        (Contradiction::Gap { step: Step::Tickets(first, last), .. }, _) => {
            format!(
                "tickets `{first}` to `{last}` are nobody's: the count fell by more than was sold"
            )
        }
        (Contradiction::Gap { step: Step::Sales(1), .. }, _) => {
            "nobody took 1 ticket that is gone: the count fell by more than was sold".to_owned()
        }
        (Contradiction::Gap { step: Step::Sales(sold), .. }, _) => {
            format!(
                "nobody took {sold} tickets that are gone: the count fell by more than was sold"
            )
        }
        (Contradiction::Backwards { .. }, ViolationKind::FalseSoldOut) => {
            "told sold out before the last tickets were sold".to_owned()
        }
        (Contradiction::Backwards { before: FINAL, .. }, _) => {
            "a sale that the count at the end does not know".to_owned()
        }
        (Contradiction::Backwards { .. }, _) => {
            "an answer came before a call that it must have come after".to_owned()
        }
        (Contradiction::Kept { .. }, _) => {
            "a hold was over, and its tickets did not come back".to_owned()
        }
        (Contradiction::Stuck { .. }, _) => {
            "no order of the operations explains the answers".to_owned()
        }
        (Contradiction::Inside { .. }, _) => "a count was seen in the middle of a sale".to_owned(),
        (Contradiction::SameStep { .. }, _) => {
            "two changes say that they are the same step".to_owned()
        }
        (
            Contradiction::Alone { place, misfit } | Contradiction::Misfit { place, misfit, .. },
            _,
        ) => fragment(&teller.of_misfit(*place, *misfit)),
    }
}

/// A sentence as a lower-case fragment.
fn fragment(sentence: &str) -> String {
    let text = sentence.trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
