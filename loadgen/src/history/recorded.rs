//! A history as it was read: what it says, where it says so, and what it lacks.

use std::fmt;

use super::{
    CountTiming, Header, Numbering, Operation, Places, Revisions,
    repeats::{Repeat, repeats},
};

/// How many lines that are left out are named one by one.
const NAMED_MAX: usize = 20;

/// Members of a header that parts can disagree on.
const INITIAL: &str = "initial";
const LEFT: &str = "left";
const LEFT_REVISION: &str = "left_revision";
const SOLD: &str = "sold";
const REVISION: &str = "revision";
const HELD: &str = "held";
const LEFT_HELD: &str = "left_held";
const ENDED: &str = "ended_ns";
const NUMBERING: &str = "numbering";
const COUNTS: &str = "counts";
const REVISIONS: &str = "revisions";

/// A member that parts disagree on, and how, for people.
type Conflict = (&'static str, String);

/// One history, put together from its parts.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What is known beside the operations.
    pub header: Header,
    /// What the clients saw, in the order of the files.
    pub operations: Vec<Operation>,
    /// Where each of the operations stands.
    pub places: Places,
    /// What it is known to lack, or why its parts do not fit together: lower-case fragments.
    pub lacks: Vec<String>,
    /// Whether times of different clocks are in it, which cannot be compared.
    pub mixes_clocks: bool,
    /// Whether the parts disagree on what had been before the start, so that nobody can say how many
    /// tickets there were by then.
    pub disputes_start: bool,
    /// What the parts disagree on.
    disputed: Vec<&'static str>,
    /// How many lines were left out beside those that `lacks` names.
    unnamed: u64,
    /// Whether a header was read.
    pub(super) has_header: bool,
}

impl History {
    /// One that comes from no file.
    #[must_use]
    pub fn new(header: Header, operations: Vec<Operation>) -> Self {
        Self { header, operations, has_header: true, ..Self::default() }
    }

    /// Adds something that it lacks; only the first few are named one by one.
    pub(super) fn lack(&mut self, text: String) {
        if self.lacks.len() < NAMED_MAX {
            self.lacks.push(text);
        } else {
            self.unnamed += 1;
        }
    }

    /// Takes over the header of one more part, read at `place`.
    pub(super) fn join(&mut self, header: Header, place: &str) {
        if header.unrecorded > 0 {
            self.lack(match header.unrecorded {
                1 => format!("{place}: 1 operation was not recorded"),
                operations => format!("{place}: {operations} operations were not recorded"),
            });
        }
        if !self.has_header {
            self.has_header = true;
            self.header = header;
            return;
        }
        if self.header.clock != header.clock {
            self.mixes_clocks = true;
            let name = |clock: &Option<String>| {
                clock.as_ref().map_or_else(|| "none".to_owned(), |clock| format!("`{clock}`"))
            };
            let (one, other) = (name(&self.header.clock), name(&header.clock));
            self.lack(format!("{place}: the parts are of different clocks, {one} and {other}"));
        }
        let mut conflicts = Vec::new();
        let known = &mut self.header;
        conflicts.extend(settle(INITIAL, &mut known.initial, header.initial));
        conflicts.extend(settle(LEFT, &mut known.left, header.left));
        conflicts.extend(settle(LEFT_REVISION, &mut known.left_revision, header.left_revision));
        conflicts.extend(settle(SOLD, &mut known.sold, header.sold));
        conflicts.extend(settle(REVISION, &mut known.revision, header.revision));
        conflicts.extend(settle(HELD, &mut known.held, header.held));
        conflicts.extend(settle(LEFT_HELD, &mut known.left_held, header.left_held));
        conflicts.extend(settle(ENDED, &mut known.ended_ns, header.ended_ns));
        if known.numbering != header.numbering {
            conflicts.push((NUMBERING, "disagree on `numbering`".to_owned()));
        }
        if known.counts_are_exact() != header.counts_are_exact() {
            conflicts.push((COUNTS, "disagree on `counts`".to_owned()));
        }
        if known.revisions_are_consecutive() != header.revisions_are_consecutive() {
            conflicts.push((REVISIONS, "disagree on `revisions`".to_owned()));
        }
        for (name, conflict) in conflicts {
            self.disputed.push(name);
            self.lack(format!("{place}: the parts {conflict}"));
        }
    }

    /// Takes over a part whose header cannot be read, as `text` says: nothing may rest on what it may have promised.
    pub(super) fn join_unread(&mut self, text: String) {
        self.disputed.extend([NUMBERING, COUNTS, REVISIONS]);
        self.lack(text);
    }

    /// Names of tickets are no order of sale: they promise what a numbering that is no order does.
    fn weigh_names(&mut self) {
        let names_any = |one: &Operation| one.tickets.names().next().is_some();
        if self.header.numbering == Numbering::Consecutive && self.operations.iter().any(names_any)
        {
            self.header.numbering = Numbering::Unique;
        }
    }

    /// Nothing may rest on what the parts disagree on. That waits for all parts, since a third one
    /// must not settle what two have said.
    fn forget_disputed(&mut self) {
        for name in std::mem::take(&mut self.disputed) {
            match name {
                INITIAL => self.header.initial = None,
                LEFT => self.header.left = None,
                LEFT_REVISION => self.header.left_revision = None,
                HELD => self.header.held = None,
                LEFT_HELD => self.header.left_held = None,
                ENDED => self.header.ended_ns = None,
                NUMBERING => self.header.numbering = Numbering::Seats,
                COUNTS => self.header.counts = Some(CountTiming::Late),
                REVISIONS => self.header.revisions = Some(Revisions::Increasing),
                _ => self.disputes_start = true,
            }
        }
        if self.disputes_start {
            self.header =
                Header { initial: None, sold: None, revision: None, ..self.header.clone() };
        }
    }

    /// Leaves out what is there twice or disputed, and says how much could not be named.
    pub(super) fn finish(&mut self) {
        self.forget_disputed();
        self.weigh_names();
        let repeats = repeats(&self.operations);
        for Repeat { place, of, is_same } in &repeats {
            let name = |place| {
                let (file, line) = self.places.of(place).unwrap_or(("", 0));
                format!("{file}:{line}")
            };
            let process = self.operations[*place].process;
            let (place, of) = (name(*place), name(*of));
            self.lack(if *is_same {
                format!("{place}: the operation of {of} again, left out")
            } else {
                format!("{place}: process `{process}` had called at that time in {of}, left out")
            });
        }
        if !repeats.is_empty() {
            let left_out: Vec<usize> = repeats.iter().map(|repeat| repeat.place).collect();
            self.places = self.places.without(&left_out, self.operations.len());
            let mut gone = left_out.iter().copied().peekable();
            let mut place = 0..;
            self.operations.retain(|_| gone.next_if_eq(&place.next().unwrap_or(0)).is_none());
        }
        if self.unnamed > 0 {
            self.lacks.push(match self.unnamed {
                1 => "and 1 more line that could not be used".to_owned(),
                more => format!("and {more} more lines that could not be used"),
            });
            self.unnamed = 0;
        }
    }
}

/// Where only one part knows a number, it is taken; says where two differ.
fn settle<T: Copy + PartialEq + fmt::Display>(
    name: &'static str,
    known: &mut Option<T>,
    said: Option<T>,
) -> Option<Conflict> {
    match (*known, said) {
        (Some(known), Some(said)) => {
            (known != said).then(|| (name, format!("disagree on `{name}`: {known} and {said}")))
        }
        (None, said) => {
            *known = said;
            None
        }
        (Some(_), None) => None,
    }
}
