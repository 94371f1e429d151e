//! A history as it was read: what it says, where it says so, and what it lacks.

use super::{
    Header, Operation, Places,
    repeats::{Repeat, repeats},
};

/// How many lines that are left out are named one by one.
const NAMED_MAX: usize = 20;

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
        conflicts.extend(settle("initial", &mut known.initial, header.initial));
        conflicts.extend(settle("left", &mut known.left, header.left));
        conflicts.extend(settle("left_revision", &mut known.left_revision, header.left_revision));
        conflicts.extend(differ("sold", known.sold, header.sold));
        conflicts.extend(differ("revision", known.revision, header.revision));
        if known.numbering != header.numbering {
            conflicts.push("disagree on `numbering`".to_owned());
        }
        for conflict in conflicts {
            self.lack(format!("{place}: the parts {conflict}"));
        }
    }

    /// Leaves out what is there twice, and says how much could not be named.
    pub(super) fn finish(&mut self) {
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
            let more = self.unnamed;
            self.lacks.push(format!("and {more} more lines that could not be used"));
            self.unnamed = 0;
        }
    }
}

/// Where only one part knows a number, it is taken; says where two differ.
fn settle(name: &str, known: &mut Option<u64>, said: Option<u64>) -> Option<String> {
    match (*known, said) {
        (Some(known), Some(said)) => differ(name, known, said),
        (None, said) => {
            *known = said;
            None
        }
        (Some(_), None) => None,
    }
}

fn differ(name: &str, known: u64, said: u64) -> Option<String> {
    (known != said).then(|| format!("disagree on `{name}`: {known} and {said}"))
}
