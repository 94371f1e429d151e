//! Sales of one ticket each where not every answer names its place: decided exactly in O(n log n).
//!
//! The k-th sale has a window. It lies not before the call of any answer that saw fewer than `k`
//! sold, and not after the return of any that saw `k` or more. Both ends rise with `k`, so each place
//! in turn goes to the sale with the earliest return of all that were called before its window ends:
//! whatever could stand there instead can as well stand later (the exchange argument of scheduling by
//! the earliest deadline). A sale that names its place, by a count or by a number, has that place, and
//! narrows the windows as a search does; "sold out" is a search that saw none left, or too few; a sale of unknown
//! outcome fills a place that nobody else can fill. There are as many places as there were tickets.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    finding::{Contradiction, Finding},
    model::{Misfit, State},
    request::{FINAL, Known, NEVER, Request, Requests, Role},
    told::Told,
};
use crate::history::OperationKind;

/// What somebody saw: so many sold, at the instant of a call or of a return.
#[derive(Clone, Copy, Debug)]
struct Seen {
    sold: u64,
    at: u64,
    place: u32,
}

/// A history in which every sale is of one ticket.
pub(super) struct Windows<'a> {
    requests: &'a Requests<'a>,
    list: &'a [Request],
    initial: u64,
    /// Who saw so many sold cannot have looked before its call: by what was seen.
    calls: Vec<Seen>,
    /// The same with returns: for each, the earliest return of all that saw as many or more.
    returns: Vec<Seen>,
    /// Sales with a place, by that place; each as its index in the list.
    pinned: Vec<(u64, u32)>,
    /// Sales without, in the order of their calls; as their indices in the list.
    free: Vec<u32>,
    /// Calls of those that may have sold, in order.
    unknown: Vec<u64>,
}

/// The window of one place.
struct Window {
    /// Its begin, and who says so.
    begin: Option<Seen>,
    /// Its end, and who says so.
    end: Option<Seen>,
}

impl<'a> Windows<'a> {
    /// `None` where `list`, which is all of `requests`, has other changes than sales of one ticket,
    /// where the start is not known, or where other tickets are put aside at the end than at the start.
    pub(super) fn find(requests: &'a Requests<'a>, list: &'a [Request]) -> Option<Self> {
        let initial = requests.known.initial?;
        let held = State::at_start(&requests.known).held.zip(requests.left_held());
        if held.is_some_and(|(held, left)| held != left) {
            return None;
        }
        let mut windows = Self {
            requests,
            list,
            initial,
            calls: Vec::new(),
            returns: Vec::new(),
            pinned: Vec::new(),
            free: Vec::new(),
            unknown: Vec::new(),
        };
        for (index, request) in (0..).zip(list) {
            windows.take_in(index, request)?;
        }
        windows.calls.sort_unstable_by_key(|seen| seen.sold);
        windows.returns.sort_unstable_by_key(|seen| seen.sold);
        let mut earliest: Option<Seen> = None;
        for seen in windows.returns.iter_mut().rev() {
            let first = earliest.filter(|first| first.at <= seen.at).unwrap_or(*seen);
            earliest = Some(first);
            (seen.at, seen.place) = (first.at, first.place);
        }
        windows.pinned.sort_unstable_by_key(|(place, _)| *place);
        windows.free.sort_unstable_by_key(|index| list[*index as usize].call);
        windows.unknown.sort_unstable();
        Some(windows)
    }

    fn take_in(&mut self, index: u32, request: &Request) -> Option<()> {
        let told = self.requests.told(request);
        let is_known_kind = match told.op {
            OperationKind::Buy if request.role == Role::SoldOut => told.quantity > Some(0),
            OperationKind::Buy => told.quantity == Some(1),
            OperationKind::Search => true,
            _ => false,
        };
        if !is_known_kind || told.revision.is_some() {
            return None;
        }
        match request.role {
            Role::Unknown => self.unknown.push(request.call),
            Role::Change => match self.place_of(&told)? {
                Some(place) => {
                    self.calls.push(Seen {
                        sold: place - 1,
                        at: request.call,
                        place: request.place,
                    });
                    self.returns.push(Seen { sold: place, at: request.ret, place: request.place });
                    self.pinned.push((place, index));
                }
                None => self.free.push(index),
            },
            Role::Read | Role::SoldOut => {
                let place = request.place;
                let sold = match (told.remaining, request.role, told.quantity) {
                    (Some(remaining), ..) => self.initial.checked_sub(remaining)?,
                    (None, Role::SoldOut, Some(1)) => self.initial,
                    (None, Role::SoldOut, Some(asked)) => {
                        // At least so many; how many more nobody knows.
                        let sold = self.initial.saturating_add(1).saturating_sub(asked);
                        self.returns.push(Seen { sold, at: request.ret, place });
                        return Some(());
                    }
                    (None, ..) => return Some(()),
                };
                self.calls.push(Seen { sold, at: request.call, place });
                self.returns.push(Seen { sold, at: request.ret, place });
            }
        }
        Some(())
    }

    /// Which sale it is, counted from 1, as far as its answer says.
    #[expect(clippy::option_option, reason = "the outer one ends the reading")]
    fn place_of(&self, told: &Told<'_>) -> Option<Option<u64>> {
        let Known { sold, .. } = self.requests.known;
        let by_count = match told.remaining {
            Some(remaining) => Some(self.initial.checked_sub(remaining)?),
            None => None,
        };
        let by_number = match told.tickets.run().filter(|_| self.requests.is_consecutive()) {
            Some((_, last)) => Some(last.checked_sub(sold?)?),
            None => None,
        };
        match (by_count, by_number) {
            (Some(one), Some(other)) if one != other => None,
            (Some(0), _) | (_, Some(0)) => None,
            (one, other) => Some(one.or(other)),
        }
    }

    /// Whether each sale finds a place in its window.
    pub(super) fn check(&self) -> Finding {
        match self.places(|_, _| {}) {
            Ok(()) => Finding::Linearizable,
            Err(contradiction) => Finding::Contradiction(contradiction),
        }
    }

    /// For each operation of the history the earliest instant at which it can have taken effect, up to
    /// the first contradiction.
    pub(super) fn instants(&self, operations: usize) -> Vec<Option<u64>> {
        let mut instants = vec![None; operations];
        // The instant of each place, from the first on.
        let mut reached = vec![0];
        let _ = self.places(|place, instant| {
            reached.push(instant);
            if let Some(slot) = place.and_then(|place| instants.get_mut(place as usize)) {
                *slot = Some(instant);
            }
        });
        for seen in &self.calls {
            let at = usize::try_from(seen.sold).ok().and_then(|sold| reached.get(sold));
            if let (Some(at), Some(slot)) = (at, instants.get_mut(seen.place as usize))
                && slot.is_none()
            {
                *slot = Some(seen.at.max(*at));
            }
        }
        instants
    }

    /// Gives each place in turn to a sale, and hands the sale and its instant to `found`.
    fn places(&self, mut found: impl FnMut(Option<u32>, u64)) -> Result<(), Contradiction> {
        let last_seen = self.returns.last().map_or(0, |seen| seen.sold);
        let mut open: BinaryHeap<Reverse<(u64, u64, u32)>> = BinaryHeap::new();
        let sale = |index: &u32| &self.list[*index as usize];
        let mut free = self.free.iter().map(sale).peekable();
        let mut pinned = self.pinned.iter().map(|(at, index)| (*at, sale(index))).peekable();
        let mut unknown = self.unknown.iter().peekable();
        let (mut calls, mut returns) =
            (self.calls.iter().peekable(), self.returns.iter().peekable());
        let mut window = Window { begin: None, end: None };
        // Who saw so many sold that somebody who was not heard of must have bought.
        let mut saw_unheard = None;
        let mut now = 0;
        let mut place = 0;
        while place < last_seen
            || !open.is_empty()
            || free.peek().is_some()
            || pinned.peek().is_some()
        {
            place += 1;
            while let Some(seen) = calls.next_if(|seen| seen.sold < place) {
                if window.begin.is_none_or(|begin| begin.at < seen.at) {
                    window.begin = Some(*seen);
                }
            }
            while returns.next_if(|seen| seen.sold < place).is_some() {}
            window.end = returns.peek().map(|seen| **seen);
            let end = window.end.map_or(NEVER, |seen| seen.at);
            now = now.max(window.begin.map_or(0, |seen| seen.at));
            while let Some(sale) = free.next_if(|sale| sale.call <= end) {
                open.push(Reverse((sale.ret, sale.call, sale.place)));
            }
            let (sale, call, ret) = if let Some((_, sale)) = pinned.next_if(|(at, _)| *at == place)
            {
                if let Some((_, second)) = pinned.next_if(|(at, _)| *at == place) {
                    let (first, second) = (sale.place, second.place);
                    return Err(Contradiction::SameStep { first, second });
                }
                (Some(sale.place), sale.call, sale.ret)
            } else if let Some(Reverse((ret, call, sale))) = open.pop() {
                if place > self.initial {
                    let misfit = Misfit::TooFew { remaining: 0, quantity: 1 };
                    return Err(Contradiction::Misfit { before: saw_unheard, place: sale, misfit });
                }
                (Some(sale), call, ret)
            } else if let Some(call) = unknown.next_if(|call| **call <= end) {
                saw_unheard = window.end.map(|seen| seen.place);
                (None, *call, NEVER)
            } else {
                return Err(self.too_few(place, &window));
            };
            now = now.max(call);
            if now > ret.min(end) {
                return Err(self.too_many(place, sale, &window));
            }
            found(sale, now);
        }
        Ok(())
    }

    /// More were seen sold than can have been by then.
    fn too_few(&self, place: u64, window: &Window) -> Contradiction {
        let before = window.begin.map(|seen| seen.place).filter(|before| *before != FINAL);
        let Some(witness) = window.end else {
            unreachable!("without an end every sale that is left is open")
        };
        let left = self.initial.saturating_sub(place - 1);
        let by = self.requests.list.iter().find(|one| one.place == witness.place);
        let told = by.map(|one| (one.role, self.requests.told(one)));
        let misfit = match told {
            Some((Role::SoldOut, told)) => {
                Misfit::Enough { remaining: left, quantity: told.quantity.unwrap_or(1) }
            }
            _ => {
                let told = told.and_then(|(_, told)| told.remaining).unwrap_or(0);
                Misfit::Remaining { told: told.min(self.initial), expected: left }
            }
        };
        Contradiction::Misfit { before, place: witness.place, misfit }
    }

    /// Fewer were seen sold than must have been by then.
    fn too_many(&self, place: u64, sale: Option<u32>, window: &Window) -> Contradiction {
        let Some(witness) = window.begin else {
            let window = sale.into_iter().collect();
            return Contradiction::Stuck { window };
        };
        let misfit = Misfit::Remaining {
            told: self.initial.saturating_sub(witness.sold),
            expected: self.initial.saturating_sub(place),
        };
        Contradiction::Misfit { before: sale, place: witness.place, misfit }
    }
}
