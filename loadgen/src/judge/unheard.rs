//! What may have happened unheard, alike with alike: requests without an answer, and lapses of holds.
//!
//! Of those that are alike only the number that took effect matters, since each can stand wherever one that
//! was free later can. What excludes another, or comes of another, says so.
//!
//! What became of a hold in one of two ways, as it lapsed or was confirmed, is a class of its own. But holds of as many
//! tickets can change places: of the ways that are free, alike, of several holds, one need be tried only, that of the
//! hold whose other way is free last, for any other hold can do later whatever that one could have done.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    request::{NOBODY, Request, Requests},
    ties::Tie,
    told::Told,
};
use crate::history::{OperationKind, Tickets};

/// One that may have happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// It cannot have before this, in nanoseconds of the run's clock.
    pub(super) call: u64,
    /// The operation, or [`NOBODY`].
    pub(super) place: u32,
    /// The place of the answered request that must have taken effect before.
    pub(super) after: Option<u32>,
}

/// Those that are alike.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) op: OperationKind,
    pub(super) quantity: Option<u64>,
    /// Whether it may have taken a revision without a change, as a remembered refusal.
    pub(super) may_be_blank: bool,
    /// In the order of their calls.
    pub(super) members: Vec<Member>,
    /// Whether any of them needs something before it.
    pub(super) is_bound: bool,
    /// The class that excludes this one, each being of one member.
    pub(super) rival: Option<usize>,
    /// The class of which this one comes: no more of this one than of that.
    pub(super) source: Option<usize>,
    /// The class that is alike but for having to happen by the end: where one of that is free, one of this need
    /// not be tried, for they can change places.
    pub(super) twin: Option<usize>,
    /// Those that can change places with this one, all alike, each one of two ways of a hold.
    pub(super) group: Option<usize>,
    /// Whether all of it, or its rival, must have happened by the end.
    is_due: bool,
}

/// All that may have happened unheard.
#[derive(Debug)]
pub(super) struct Unheard {
    pub(super) classes: Vec<Class>,
    /// The classes in the order in which they are tried: of a group the first that is free stands for all.
    pub(super) order: Vec<usize>,
    no_tickets: Tickets,
}

/// How many of each class took effect: as what they are, and as a remembered refusal.
pub(super) type Used = [[u32; 2]];

/// What those in a class have in common.
type Alike = (OperationKind, Option<u64>, bool, Tie);

impl Unheard {
    /// Those of `unknown`, which are requests without an answer.
    pub(super) fn of(requests: &Requests<'_>, unknown: &[Request]) -> Self {
        let mut all: Vec<(Alike, Member)> = unknown
            .iter()
            .map(|one| {
                let told = requests.told(one);
                let tie = requests.ties.tie(one.place, one.is_lapse);
                let may_be_blank = one.is_keyed
                    && !one.is_lapse
                    && matches!(told.op, OperationKind::Buy | OperationKind::Hold);
                let place = if one.is_lapse { NOBODY } else { one.place };
                let alike = (told.op, told.quantity, may_be_blank, Tie { after: None, ..tie });
                (alike, Member { call: one.call, place, after: tie.after })
            })
            .collect();
        all.sort_unstable_by_key(|(alike, member)| (*alike, member.call, member.place));
        let mut keys: Vec<Alike> = Vec::new();
        let mut classes = Vec::new();
        for group in all.chunk_by(|one, other| one.0 == other.0) {
            let (alike @ (op, quantity, may_be_blank, tie), _) = group[0];
            let members: Vec<Member> = group.iter().map(|one| one.1).collect();
            let is_bound = members.iter().any(|member| member.after.is_some());
            keys.push(alike);
            classes.push(Class {
                op,
                quantity,
                may_be_blank,
                members,
                is_bound,
                rival: None,
                source: None,
                twin: None,
                group: None,
                is_due: tie.is_due,
            });
        }
        tie_together(&keys, &mut classes);
        let order = in_order(&keys, &mut classes);
        Self { classes, order, no_tickets: Tickets::default() }
    }

    /// Whether what others have come to leaves `class` free to take effect once more.
    pub(super) fn is_open(&self, class: usize, used: &Used) -> bool {
        let Class { rival, source, .. } = &self.classes[class];
        rival.is_none_or(|rival| used[rival] == [0, 0])
            && source.is_none_or(|source| used[class][0] < used[source][0])
    }

    /// The hold of the first lapse that must have happened by the end and has not.
    pub(super) fn overdue(&self, used: &Used) -> Option<u32> {
        let is_overdue = |(index, class): &(usize, &Class)| {
            let rival = class.rival.map_or(0, |rival| used[rival][0]);
            class.is_due && ((used[*index][0] + rival) as usize) < class.members.len()
        };
        let (index, class) = self.classes.iter().enumerate().find(is_overdue)?;
        class.members.get(used[index][0] as usize)?.after
    }

    /// What one of `class` asked for; nobody was told anything.
    pub(super) fn told(&self, class: usize) -> Told<'_> {
        let Class { op, quantity, .. } = self.classes[class];
        Told {
            op,
            quantity,
            tickets: &self.no_tickets,
            remaining: None,
            held: None,
            revision: None,
        }
    }
}

/// Says of each of `classes`, alike as `keys` say in their order, which others it has to do with.
fn tie_together(keys: &[Alike], classes: &mut [Class]) {
    let ways = keys.iter().enumerate().filter(|(_, (_, _, _, tie))| is_one_of_two(tie));
    let ways: HashMap<_, _> =
        ways.map(|(index, (op, _, _, tie))| ((tie.rivals, *op), index)).collect();
    let find = |op: OperationKind, quantity: Option<u64>, tie: Tie| {
        [false, true].iter().find_map(|blank| keys.binary_search(&(op, quantity, *blank, tie)).ok())
    };
    let is_free = |tie: &Tie| tie.rivals.is_none() && tie.span.is_none();
    for (class, (op, quantity, _, tie)) in classes.iter_mut().zip(keys) {
        if tie.span.is_some() {
            if *op == OperationKind::Release {
                class.source = find(OperationKind::Hold, *quantity, *tie);
            }
        } else if is_one_of_two(tie) {
            let ends = [OperationKind::Confirm, OperationKind::Release];
            let other = ends.into_iter().filter(|end| end != op);
            class.rival = other.filter_map(|end| ways.get(&(tie.rivals, end)).copied()).next();
        } else if !tie.is_due && is_free(tie) {
            class.twin = find(*op, *quantity, Tie { is_due: true, ..*tie });
        }
    }
}

/// Groups `classes`, alike as `keys` say, and gives the order in which they are tried.
fn in_order(keys: &[Alike], classes: &mut [Class]) -> Vec<usize> {
    let rank = |index: usize| {
        let Class { op, quantity, is_due, rival, ref members, .. } = classes[index];
        let is_way =
            is_one_of_two(&keys[index].3) && matches!(members[..], [Member { after: Some(_), .. }]);
        let other_from = rival.map_or(u64::MAX, |rival| classes[rival].members[0].call);
        let other = rival.map(|rival| classes[rival].quantity);
        (is_way.then_some((op, quantity, other, is_due)), Reverse(other_from), index)
    };
    let mut ranks: Vec<_> = (0..classes.len()).map(rank).collect();
    ranks.sort_unstable();
    for (number, alike) in ranks.chunk_by(|one, other| one.0 == other.0).enumerate() {
        for (way, _, index) in alike {
            classes[*index].group = way.map(|_| number);
        }
    }
    ranks.into_iter().map(|(_, _, index)| index).collect()
}

/// Whether what is tied so is one of the ways in which a hold can end.
fn is_one_of_two(tie: &Tie) -> bool {
    tie.rivals.is_some() && tie.span.is_none()
}
