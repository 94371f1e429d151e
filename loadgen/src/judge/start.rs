//! What a history does not say of its start, and its answers do: the last ticket number and the
//! revision before it, as of a shop that had sold before or that counts from 1001.

use super::{
    request::{FINAL, Known, Request, Requests, Role},
    witness::names_revisions,
};

/// How many sales of unknown outcome may have been the first of all.
const UNHEARD_MAX: u64 = 8;

/// The starts that the answers leave open.
pub(super) struct Starts {
    /// The likeliest first.
    pub(super) likely: Vec<Known>,
    /// Whether there are no others.
    pub(super) are_all: bool,
}

/// What can have been before the start of `requests`; as it is known, where nothing rests on it.
pub(super) fn starts(requests: &Requests<'_>) -> Starts {
    let known = requests.known;
    let as_known = Starts { likely: vec![known], are_all: true };
    if names_revisions(requests) {
        let Some(base) = first_revision(requests).filter(|_| known.revision.is_none()) else {
            return as_known;
        };
        let unheard = requests.list.iter().filter(|one| may_be_first(requests, one)).count() as u64;
        return each(base, unheard, |revision| Known { revision: Some(revision), ..known });
    }
    if known.sold.is_some() || !requests.is_consecutive() {
        return as_known;
    }
    let with = |sold| Known { sold: Some(sold), ..known };
    if requests.is_sales_only
        && let Some(sold) = told_with_its_count(requests)
    {
        return Starts { likely: vec![with(sold)], are_all: true };
    }
    let Some(base) = first_number(requests) else {
        return Starts { likely: vec![with(0)], are_all: true };
    };
    let unheard = requests.list.iter().filter(|one| may_be_first(requests, one));
    let unheard = unheard.map(|one| requests.told(one).quantity.unwrap_or(u64::MAX));
    each(base, unheard.fold(0, u64::saturating_add), with)
}

/// Whether `request` is one that nobody heard of and that needs none before it.
fn may_be_first(requests: &Requests<'_>, request: &Request) -> bool {
    request.role == Role::Unknown
        && !request.is_lapse
        && requests.ties.tie(request.place, false).after.is_none()
}

/// From `base` down, as far as those who were not heard of may have come first.
fn each(base: u64, unheard: u64, with: impl Fn(u64) -> Known) -> Starts {
    let reach = unheard.min(base);
    let likely = (0..=reach.min(UNHEARD_MAX)).map(|before| with(base - before)).collect();
    Starts { likely, are_all: reach <= UNHEARD_MAX }
}

/// The revision before the first that anybody was told.
fn first_revision(requests: &Requests<'_>) -> Option<u64> {
    let before = requests.list.iter().filter_map(|one| {
        let revision = requests.told(one).revision?;
        Some(if one.role == Role::Change { revision.saturating_sub(1) } else { revision })
    });
    before.min()
}

/// What was sold before, where an answer says both its number and what it left, and nothing but sales changed the
/// count: what a hold puts aside or a restock adds has no number.
fn told_with_its_count(requests: &Requests<'_>) -> Option<u64> {
    let initial = requests.known.initial?;
    let sold_before = |one: &Request| {
        let told = requests.told(one);
        let (_, last) = told.tickets.run()?;
        last.checked_sub(initial.checked_sub(told.remaining?)?)
    };
    let sales = requests.list.iter().filter(|one| one.role == Role::Change && one.place != FINAL);
    // The least of them, so that one answer that is wrong does not make all others so.
    sales.filter_map(sold_before).min()
}

/// The number before the first that was given out.
fn first_number(requests: &Requests<'_>) -> Option<u64> {
    let sales = requests.list.iter().filter(|one| one.role == Role::Change);
    sales
        .filter_map(|one| requests.told(one).tickets.run())
        .map(|(first, _)| first.saturating_sub(1))
        .min()
}
