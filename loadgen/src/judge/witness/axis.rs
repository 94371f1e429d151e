//! What names the places in the order.

use crate::{
    history::OperationKind,
    judge::request::{FINAL, Known, Request, Requests, Role},
    judge::told::Told,
};

/// What names the places in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// A change with revision `v` goes from `v - 1` to `v`.
    Revision,
    /// A sale goes from the number of tickets that were sold before it to the number after it.
    /// Purchases and searches only: then what is left tells the same number.
    Tickets,
}

/// The requests of a history, by what they are to the walk.
pub(in crate::judge) struct Witness<'a> {
    pub(super) requests: &'a Requests<'a>,
    pub(super) axis: Axis,
    /// Whether the start is known; without it a gap says nothing.
    pub(super) is_closed: bool,
    /// Those with a place, in the order of it: at each place the change first, then its readers.
    pub(super) fixed: Vec<Request>,
    /// "Sold out" that does not say how many were left.
    pub(super) refusals: Vec<Request>,
    /// Those without an answer.
    pub(super) unknown: Vec<Request>,
    /// The read at the end where it has no place of its own.
    pub(super) last_read: Option<Request>,
}

/// What becomes of a request on an axis.
enum Lot {
    At(u64),
    Refusal,
    Unknown,
    Last,
    /// It constrains nothing.
    Nothing,
    /// It should have a place and has none.
    Lost,
}

impl<'a> Witness<'a> {
    /// The witness in `list`, which is all of `requests`; without one, the list again.
    pub(in crate::judge) fn find(
        requests: &'a Requests<'a>,
        mut list: Vec<Request>,
    ) -> Result<Self, Vec<Request>> {
        let Some(axis) = [Axis::Revision, Axis::Tickets]
            .into_iter()
            .find(|axis| is_witness(*axis, requests, &list))
        else {
            return Err(list);
        };
        let (mut refusals, mut unknown, mut last_read) = (Vec::new(), Vec::new(), None);
        list.retain_mut(|request| {
            match lot(axis, requests, request) {
                Lot::At(at) => {
                    request.at = at;
                    return true;
                }
                Lot::Refusal => refusals.push(*request),
                Lot::Unknown => unknown.push(*request),
                Lot::Last => last_read = Some(*request),
                Lot::Nothing | Lot::Lost => {}
            }
            false
        });
        list.sort_unstable_by_key(|one| (one.at, one.role != Role::Change, one.call));
        let is_closed = requests.known.initial.is_some();
        Ok(Self { requests, axis, is_closed, fixed: list, refusals, unknown, last_read })
    }

    /// Where `request`, which has a place, begins: for a change the place before it.
    pub(super) fn begin(&self, request: &Request) -> u64 {
        match (request.role, self.axis) {
            (Role::Change, Axis::Revision) => request.at - 1,
            (Role::Change, Axis::Tickets) => {
                request.at - self.requests.told(request).quantity.unwrap_or(0)
            }
            _ => request.at,
        }
    }
}

/// Whether the answers of `requests` name revisions, by which they are put in order.
pub(in crate::judge) fn names_revisions(requests: &Requests<'_>) -> bool {
    is_witness(Axis::Revision, requests, &requests.list)
}

fn is_witness(axis: Axis, requests: &Requests<'_>, list: &[Request]) -> bool {
    let no_lost = |request: &Request| !matches!(lot(axis, requests, request), Lot::Lost);
    match axis {
        Axis::Revision => {
            requests.has_revisions && some_revision(requests, list) && list.iter().all(no_lost)
        }
        Axis::Tickets => {
            list.iter().all(no_lost) && !(some_revision(requests, list) && some_blank(list))
        }
    }
}

fn some_revision(requests: &Requests<'_>, list: &[Request]) -> bool {
    list.iter().any(|request| requests.told(request).revision.is_some())
}

/// Whether somebody may have taken a revision without a ticket.
fn some_blank(list: &[Request]) -> bool {
    list.iter().any(|one| one.is_keyed && matches!(one.role, Role::SoldOut | Role::Unknown))
}

fn lot(axis: Axis, requests: &Requests<'_>, request: &Request) -> Lot {
    let told = requests.told(request);
    match axis {
        Axis::Revision => revision_lot(request, &told),
        Axis::Tickets => tickets_lot(requests, request, &told),
    }
}

fn revision_lot(request: &Request, told: &Told<'_>) -> Lot {
    match (request.role, told.revision) {
        (Role::Unknown, _) if told.quantity.is_some() => Lot::Unknown,
        (Role::Change, Some(revision)) if revision > 0 => Lot::At(revision),
        (Role::Read | Role::SoldOut, Some(revision)) => Lot::At(revision),
        (Role::Read, None) if request.place == FINAL => Lot::Last,
        (Role::Read, None) if told.remaining.is_none() => Lot::Nothing,
        _ => Lot::Lost,
    }
}

fn tickets_lot(requests: &Requests<'_>, request: &Request, told: &Told<'_>) -> Lot {
    if !matches!(told.op, OperationKind::Buy | OperationKind::Search) {
        return Lot::Lost;
    }
    let Known { initial, sold, .. } = requests.known;
    // Where nobody knows, whoever judges says from where it counts.
    let sold = sold.unwrap_or(0);
    // What is left says how many were sold, where it is known how many there were.
    let by_count = |remaining: u64| initial?.checked_sub(remaining)?.checked_add(sold);
    let at = told.remaining.and_then(by_count);
    let quantity = told.quantity.unwrap_or(0);
    match request.role {
        Role::Unknown | Role::Change | Role::SoldOut if quantity == 0 => Lot::Lost,
        Role::Unknown => Lot::Unknown,
        Role::Change => {
            let last = told.tickets.run().map(|(_, last)| last);
            let last = last.filter(|_| requests.is_consecutive());
            let begins = |at: &u64| at.checked_sub(quantity).is_some_and(|at| at >= sold);
            last.or(at).filter(begins).map_or(Lot::Lost, Lot::At)
        }
        Role::Read | Role::SoldOut if told.remaining.is_some() && initial.is_some() => {
            at.map_or(Lot::Lost, Lot::At)
        }
        // Without a start a count has no place, and proves nothing.
        Role::SoldOut if told.revision.is_none() || initial.is_none() => Lot::Refusal,
        Role::Read if told.revision.is_none() || initial.is_none() => Lot::Nothing,
        Role::SoldOut | Role::Read => Lot::Lost,
    }
}
