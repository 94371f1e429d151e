//! What is wrong by counting alone, whatever the order was.
//!
//! # Invariants
//! - `Conservation`: what was there and was put back = what was taken + what is left. A request whose
//!   outcome is unknown may have happened or not, so both sides are ranges.
//! - `NoOversell`: no more is sold than there was.

use super::{
    request::{FINAL, Request, Requests, Role},
    story::{Teller, count, were},
    tickets::Given,
    verdict::{Violation, ViolationKind},
};
use crate::history::OperationKind;

/// How far the count moved.
#[derive(Default)]
struct Moved {
    /// By answered purchases and holds.
    taken: u128,
    /// By answered releases, refunds and restocks.
    put_back: u128,
    /// The same by those without an answer.
    maybe_taken: u128,
    maybe_put_back: u128,
    /// Whether somebody moved nobody knows how many.
    is_open: bool,
}

/// What is wrong by counting alone; at most one violation of each kind, with the smallest
/// counterexample that counting knows.
pub(super) fn violations(requests: &Requests<'_>) -> Vec<Violation> {
    let moved = moved(requests);
    let mut violations = Vec::new();
    violations.extend(duplicate_ticket(requests));
    violations.extend(same_revision(requests));
    violations.extend(beyond_the_end(requests));
    if moved.is_open {
        return violations;
    }
    violations.extend(oversell(requests, &moved));
    if let Some((last_read, left)) = last_read(requests) {
        violations.extend(conservation(requests, &moved, (last_read, left)));
        violations.extend(false_sold_out(requests, (last_read, left)));
    }
    violations
}

/// The read at the end: the one in the header, or a search that was called after all answers.
pub(super) fn last_read(requests: &Requests<'_>) -> Option<(u32, u64)> {
    if let Some(left) = requests.known.left {
        return Some((FINAL, left));
    }
    let answered = || requests.list.iter().filter(|one| one.role != Role::Unknown);
    let last = answered().max_by_key(|one| one.call)?;
    let left = requests.told(last).remaining.filter(|_| last.role == Role::Read)?;
    let is_last = answered().all(|one| one.place == last.place || one.ret < last.call);
    is_last.then_some((last.place, left))
}

fn moved(requests: &Requests<'_>) -> Moved {
    let mut moved = Moved::default();
    for request in &requests.list {
        let told = requests.told(request);
        let (taken, put_back) = match request.role {
            _ if is_over(requests, request) => (&mut moved.taken, &mut moved.put_back),
            Role::Change => (&mut moved.taken, &mut moved.put_back),
            Role::Unknown => (&mut moved.maybe_taken, &mut moved.maybe_put_back),
            Role::Read | Role::SoldOut => continue,
        };
        let quantity = told.quantity.map(u128::from);
        match told.op {
            OperationKind::Buy | OperationKind::Hold => *taken += quantity.unwrap_or(0),
            OperationKind::Release | OperationKind::Refund | OperationKind::Restock => {
                *put_back += quantity.unwrap_or(0);
                moved.is_open |= quantity.is_none();
            }
            OperationKind::Confirm | OperationKind::Search => {}
        }
    }
    moved
}

/// Whether `request` gives back what was put aside, and must have by the end.
fn is_over(requests: &Requests<'_>, request: &Request) -> bool {
    if request.role != Role::Unknown || requests.known.left.is_none() {
        return false;
    }
    let tie = requests.ties.tie(request.place, request.is_lapse);
    tie.is_due && tie.rivals.is_none()
}

fn oversell(requests: &Requests<'_>, moved: &Moved) -> Option<Violation> {
    let initial = requests.known.initial?;
    let most = u128::from(initial) + moved.put_back + moved.maybe_put_back;
    if moved.taken <= most {
        return None;
    }
    let operations = largest_sales(requests, most);
    let story = Teller::new(requests).oversell(most, &operations);
    let message = format!("{} sold of {most}", moved.taken);
    Some(Violation {
        kind: ViolationKind::Oversell,
        message,
        operations,
        story,
        needs_whole: false,
    })
}

fn duplicate_ticket(requests: &Requests<'_>) -> Option<Violation> {
    let Given { again, clearest_pair } = Given::of(requests);
    let (ticket, places) = clearest_pair?;
    let mut message = format!("ticket `{ticket}` was sold twice");
    if again > 1 {
        message = format!("{again} sold tickets had been sold before, as `{ticket}`");
    }
    let story = Teller::new(requests).duplicate(&ticket, places);
    let operations = places.map(|place| place as usize).to_vec();
    Some(Violation {
        kind: ViolationKind::DuplicateTicket,
        message,
        operations,
        story,
        needs_whole: false,
    })
}

/// Two changes cannot be one and the same record: one of them is not there any more.
pub(super) fn same_revision(requests: &Requests<'_>) -> Option<Violation> {
    let changes = requests.list.iter().filter(|one| one.role == Role::Change);
    let mut revisions: Vec<(u64, u32)> =
        changes.filter_map(|one| Some((requests.told(one).revision?, one.place))).collect();
    revisions.sort_unstable();
    let same = |pair: &&[(u64, u32)]| pair[0].0 == pair[1].0;
    let again = revisions.windows(2).filter(same).count();
    let pair = revisions.windows(2).find(same)?;
    let (revision, places) = (pair[0].0, [pair[0].1, pair[1].1]);
    let mut message = format!("revision `{revision}` was given to two answers");
    if again > 1 {
        message = format!("{again} answers have a revision that another has, as `{revision}`");
    }
    Some(Violation {
        kind: ViolationKind::LostSale,
        message,
        operations: places.map(|place| place as usize).to_vec(),
        story: Teller::new(requests).same_revision(revision, places),
        needs_whole: false,
    })
}

/// An answered change with a revision above the one at the end.
pub(super) fn beyond_the_end(requests: &Requests<'_>) -> Option<Violation> {
    let end = requests.left_revision()?;
    let changes = requests.list.iter().filter(|one| one.role == Role::Change);
    let beyond = changes
        .filter_map(|one| Some((requests.told(one).revision?, one.place)))
        .filter(|(revision, _)| *revision > end);
    let count = beyond.clone().count();
    let (revision, place) = beyond.max()?;
    Some(Violation {
        kind: ViolationKind::LostSale,
        message: format!("{count} answered with a revision above `{end}`, the one at the end"),
        operations: vec![place as usize],
        story: Teller::new(requests).beyond_the_end(place, revision, end),
        needs_whole: false,
    })
}

fn conservation(
    requests: &Requests<'_>,
    moved: &Moved,
    (last_read, left): (u32, u64),
) -> Option<Violation> {
    let initial = requests.known.initial?;
    let before = u128::from(initial) + moved.put_back;
    let most = (before + moved.maybe_put_back).saturating_sub(moved.taken);
    let least = before.saturating_sub(moved.taken + moved.maybe_taken);
    let teller = Teller::new(requests);
    let found = u128::from(left);
    if found > most {
        let stock = before + moved.maybe_put_back;
        let mut operations = largest_sales(requests, stock.saturating_sub(found));
        let story = teller.lost_update(stock, found, &operations);
        operations.extend((last_read != FINAL).then_some(last_read as usize));
        let taken = moved.taken;
        return Some(Violation {
            kind: ViolationKind::LostUpdate,
            message: format!("{taken} sold, but the count went from {initial} to {left}"),
            operations,
            story,
            needs_whole: false,
        });
    }
    let over: u128 = over(requests).map(|(_, quantity)| u128::from(quantity)).sum();
    if found < least && found + over >= least {
        return Some(kept(requests, (found, least)));
    }
    (found < least).then(|| Violation {
        kind: ViolationKind::Undersell,
        message: format!(
            "the count went from {initial} to {left}, but no more than {} can be sold",
            moved.taken + moved.maybe_taken
        ),
        operations: Vec::from_iter((last_read != FINAL).then_some(last_read as usize)),
        story: vec![
            format!("All that is known to have been taken leaves {least} at least."),
            format!(
                "But {}, so somebody took tickets whom this history does not know.",
                were(left, "left")
            ),
        ],
        needs_whole: false,
    })
}

/// The holds that must have lapsed by the end, each with its tickets.
fn over<'a>(requests: &'a Requests<'_>) -> impl Iterator<Item = (u32, u64)> + 'a {
    let over = requests.list.iter().filter(|one| is_over(requests, one));
    over.map(|one| {
        let hold = requests.ties.tie(one.place, one.is_lapse).after.unwrap_or(one.place);
        (hold, requests.told(one).quantity.unwrap_or(0))
    })
}

/// Fewer are left than there must be, by no more than was put aside and must have come back.
fn kept(requests: &Requests<'_>, (found, least): (u128, u128)) -> Violation {
    let missing = least - found;
    let mut operations: Vec<usize> = over(requests).map(|(hold, _)| hold as usize).collect();
    let holds = operations.len();
    operations.truncate(1);
    Violation {
        kind: ViolationKind::Undersell,
        message: format!("{missing} of the tickets whose holds were over did not come back"),
        operations,
        story: vec![
            format!(
                "{} neither confirmed nor released, and must have lapsed by the end.",
                if holds == 1 { "1 hold was".to_owned() } else { format!("{holds} holds were") }
            ),
            format!(
                "Then {} at least. But {}, so {} can be sold to nobody.",
                were(least, "left"),
                were(found, "there"),
                count(missing, "ticket")
            ),
        ],
        needs_whole: false,
    }
}

/// Where nothing but purchases changed the count it only falls: what is left was there all the time.
fn false_sold_out(requests: &Requests<'_>, (last_read, left): (u32, u64)) -> Option<Violation> {
    if !requests.is_sales_only {
        return None;
    }
    let refused = |one: &&Request| {
        one.role == Role::SoldOut
            && requests.told(one).quantity.is_some_and(|quantity| quantity <= left)
    };
    let told = requests.list.iter().filter(refused).count();
    let first = requests.list.iter().filter(refused).min_by_key(|one| one.call)?;
    let mut operations = vec![first.place as usize];
    operations.extend((last_read != FINAL).then_some(last_read as usize));
    Some(Violation {
        kind: ViolationKind::FalseSoldOut,
        message: format!("{told} told sold out, but {} all the time", were(left, "left")),
        operations,
        story: Teller::new(requests).false_sold_out(first.place, left),
        needs_whole: false,
    })
}

/// The fewest sales that are more than `limit` together.
fn largest_sales(requests: &Requests<'_>, limit: u128) -> Vec<usize> {
    let taking = |one: &&Request| {
        one.role == Role::Change
            && matches!(requests.told(one).op, OperationKind::Buy | OperationKind::Hold)
    };
    let mut sales: Vec<(u64, u32)> = requests
        .list
        .iter()
        .filter(taking)
        .map(|one| (u64::MAX - requests.told(one).quantity.unwrap_or(0), one.place))
        .collect();
    sales.sort_unstable_by_key(|(complement, place)| {
        // Of sales that are alike the first that were called.
        (*complement, requests.evidence.operations[*place as usize].call_ns, *place)
    });
    let mut sum = 0;
    let mut operations = Vec::new();
    for (complement, place) in sales {
        if sum > limit {
            break;
        }
        sum += u128::from(u64::MAX - complement);
        operations.push(place as usize);
    }
    // What is told of many begins where the limit was passed.
    let call = |place: &usize| requests.evidence.operations[*place].call_ns;
    operations.sort_by_key(|place| std::cmp::Reverse(call(place)));
    operations
}
