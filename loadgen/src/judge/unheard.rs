//! What may have happened unheard, alike with alike: requests without an answer, and lapses of holds.
//!
//! Of those that are alike only the number that took effect matters, since each can stand wherever one that
//! was free later can. What excludes another, or comes of another, says so.

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
    /// Whether all of it, or its rival, must have happened by the end.
    is_due: bool,
}

/// All that may have happened unheard.
#[derive(Debug)]
pub(super) struct Unheard {
    pub(super) classes: Vec<Class>,
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
            let (rival, source, twin, is_due) = (None, None, None, tie.is_due);
            keys.push(alike);
            classes.push(Class {
                op,
                quantity,
                may_be_blank,
                members,
                is_bound,
                rival,
                source,
                twin,
                is_due,
            });
        }
        for (index, (op, quantity, _, tie)) in keys.iter().enumerate() {
            let other = |is: &dyn Fn(&Alike) -> bool| keys.iter().position(is);
            if tie.span.is_some() {
                if *op == OperationKind::Release {
                    classes[index].source = other(&|(op, asked, _, source)| {
                        *op == OperationKind::Hold && asked == quantity && source == tie
                    });
                }
            } else if tie.rivals.is_some() {
                classes[index].rival = other(&|(other, _, _, rival)| {
                    other != op && rival.rivals == tie.rivals && rival.span.is_none()
                });
            }
        }
        let free = |tie: &Tie| tie.rivals.is_none() && tie.span.is_none();
        for (index, (op, quantity, _, tie)) in keys.iter().enumerate() {
            if !tie.is_due && free(tie) {
                classes[index].twin = keys.iter().position(|(other, asked, _, due)| {
                    (other, asked) == (op, quantity) && due.is_due && free(due)
                });
            }
        }
        Self { classes, no_tickets: Tickets::default() }
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
