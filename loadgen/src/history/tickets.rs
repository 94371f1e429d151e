//! The tickets of one sale.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use super::{json::reason, numbers::spelt};

/// A ticket: a number, or a name.
///
/// A name that is spelt as a number is (`7`) is that number; `07` and `+7` are names of their own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ticket {
    /// A number.
    Number(u64),
    /// A name.
    Name(Box<str>),
}

impl Ticket {
    /// The ticket that is called so.
    #[must_use]
    pub fn named(text: &str) -> Self {
        let is_spelt_as_numbers_are = text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        match text.parse() {
            Ok(number) if is_spelt_as_numbers_are => Self::Number(number),
            _ => Self::Name(text.into()),
        }
    }

    /// The ticket whose number is written so in JSON: 7.0 is 7, and one that 64 bits do not hold has all of its digits
    /// for its name.
    pub(crate) fn numbered(text: &str) -> Self {
        Self::named(&spelt(text))
    }

    /// The ticket that `json` is.
    fn of_json(json: &RawValue) -> Result<Self, String> {
        match json.get().as_bytes() {
            [b'"', ..] => {
                let name: Result<Cow<'_, str>, _> = serde_json::from_str(json.get());
                let name = name.map_err(|error| {
                    format!("`{}` is no ticket: {}", json.get(), reason(&error))
                })?;
                Ok(Self::named(&name))
            }
            [b'-' | b'0'..=b'9', ..] => Ok(Self::numbered(json.get())),
            _ => Err(format!("`{json}` is no ticket: expected a number or a name")),
        }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// The tickets of one sale, in the order of the answer; none where one of them has no name. Numbers that follow each other, as
/// they do in almost every sale, take no memory of their own: a history can have millions of sales.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tickets(Shape);

/// One shape for each list, so that equal lists compare equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Shape {
    /// `first`, `first + 1`, …: `count` numbers, none where `count` is 0 (and `first` too).
    Run { first: u64, count: u32 },
    /// Any others.
    Listed(Box<[Ticket]>),
}

impl Default for Shape {
    fn default() -> Self {
        Self::Run { first: 0, count: 0 }
    }
}

impl Tickets {
    /// One number.
    #[must_use]
    pub fn one(number: u64) -> Self {
        Self(Shape::Run { first: number, count: 1 })
    }

    /// How many tickets.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Shape::Run { count, .. } => *count as usize,
            Shape::Listed(tickets) => tickets.len(),
        }
    }

    /// How many bytes they take beside their own size.
    pub(super) fn bytes(&self) -> usize {
        match &self.0 {
            Shape::Run { .. } => 0,
            Shape::Listed(tickets) => {
                let name = |ticket: &Ticket| match ticket {
                    Ticket::Number(_) => 0,
                    Ticket::Name(name) => name.len(),
                };
                size_of_val(&**tickets) + tickets.iter().map(name).sum::<usize>()
            }
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tickets, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = Ticket> + '_ {
        let (run, listed) = match &self.0 {
            Shape::Run { first, count } => ((*first, *count), &[][..]),
            Shape::Listed(tickets) => ((0, 0), &tickets[..]),
        };
        let run = (0..u64::from(run.1)).map(move |step| Ticket::Number(run.0 + step));
        run.chain(listed.iter().cloned())
    }

    /// The names among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let listed = match &self.0 {
            Shape::Run { .. } => &[][..],
            Shape::Listed(tickets) => &tickets[..],
        };
        listed.iter().filter_map(|ticket| match ticket {
            Ticket::Number(_) => None,
            Ticket::Name(name) => Some(&**name),
        })
    }

    /// The first and the last number where each follows the one before; `None` for no ticket, for
    /// numbers that jump, and for names.
    #[must_use]
    pub fn run(&self) -> Option<(u64, u64)> {
        match self.0 {
            Shape::Run { first, count: count @ 1.. } => Some((first, first + u64::from(count - 1))),
            Shape::Run { .. } | Shape::Listed(_) => None,
        }
    }
}

/// Tickets that come one by one: a run as long as each number follows the one before.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    first: u64,
    count: u32,
    /// All tickets, from the first that does not follow; empty before.
    listed: Vec<Ticket>,
    /// Whether one of them has a name that says nothing.
    has_blank: bool,
}

impl Gathered {
    /// Adds one ticket.
    pub(super) fn push(&mut self, ticket: Ticket) {
        self.has_blank |= matches!(&ticket, Ticket::Name(name) if name.trim().is_empty());
        match ticket {
            Ticket::Number(number) if self.listed.is_empty() && self.follows(number) => {
                if self.count == 0 {
                    self.first = number;
                }
                self.count += 1;
            }
            ticket => {
                if self.listed.is_empty() {
                    let run = (0..u64::from(self.count)).map(|step| self.first + step);
                    self.listed.extend(run.map(Ticket::Number));
                }
                self.listed.push(ticket);
            }
        }
    }

    fn follows(&self, number: u64) -> bool {
        self.count == 0
            || (self.first.checked_add(u64::from(self.count)) == Some(number)
                && self.count < u32::MAX)
    }
}

impl From<Gathered> for Tickets {
    fn from(gathered: Gathered) -> Self {
        let Gathered { first, count, listed, has_blank } = gathered;
        // Who is told nothing has no ticket that somebody else can have too, and how many there are is not known.
        Self(if has_blank {
            Shape::default()
        } else if listed.is_empty() {
            Shape::Run { first, count }
        } else {
            Shape::Listed(listed.into())
        })
    }
}

impl FromIterator<Ticket> for Tickets {
    fn from_iter<I: IntoIterator<Item = Ticket>>(tickets: I) -> Self {
        let mut gathered = Gathered::default();
        tickets.into_iter().for_each(|ticket| gathered.push(ticket));
        gathered.into()
    }
}

impl FromIterator<u64> for Tickets {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        numbers.into_iter().map(Ticket::Number).collect()
    }
}

impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) if serializer.is_human_readable() => {
                serializer.serialize_u64(*number)
            }
            // A format that does not say what comes gets texts only.
            ticket => serializer.collect_str(ticket),
        }
    }
}

impl<'de> Deserialize<'de> for Ticket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            // As it is written: a float has not all the digits.
            let json = Box::<RawValue>::deserialize(deserializer)?;
            Self::of_json(&json).map_err(de::Error::custom)
        } else {
            Cow::<'_, str>::deserialize(deserializer).map(|name| Self::named(&name))
        }
    }
}

impl Serialize for Tickets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Some formats want the length ahead.
        let tickets: Vec<Ticket> = self.iter().collect();
        tickets.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tickets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return Vec::<Ticket>::deserialize(deserializer).map(Self::from_iter);
        }
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let tickets = match json.get().as_bytes() {
            [b'[', ..] => serde_json::from_str::<Vec<&RawValue>>(json.get())
                .map_err(de::Error::custom)?
                .into_iter()
                .map(Ticket::of_json)
                .collect(),
            // One that is not in a list.
            _ => Ticket::of_json(&json).map(|ticket| Self::from_iter([ticket])),
        };
        tickets.map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sale_of_one_takes_no_heap_and_knows_its_run() {
        let numbers = |list: &[u64]| list.iter().copied().collect::<Tickets>();
        assert_eq!(Tickets::one(7).run(), Some((7, 7)));
        assert_eq!(numbers(&[3, 4, 5]).run(), Some((3, 5)));
        assert_eq!(Tickets::default().run(), None);
        assert_eq!(numbers(&[3, 5]).run(), None);
        assert!(size_of::<Tickets>() <= 24);
    }

    #[test]
    fn a_name_is_a_text() {
        let names = ["7", "07", "+7", "A-17", "18446744073709551616"].map(Ticket::named);
        assert_eq!(names[0], Ticket::Number(7));
        assert!(names[1..].iter().all(|name| matches!(name, Ticket::Name(_))), "{names:?}");
        let tickets: Tickets = names.iter().cloned().collect();
        let text = serde_json::to_string(&tickets).unwrap();
        assert_eq!(text, r#"[7,"07","+7","A-17","18446744073709551616"]"#);
        assert_eq!(serde_json::from_str::<Tickets>(&text).unwrap(), tickets);
        let bytes = postcard::to_stdvec(&tickets).unwrap();
        assert_eq!(postcard::from_bytes::<Tickets>(&bytes).unwrap(), tickets);
    }

    #[test]
    fn tickets_are_read_however_they_are_written() {
        for (json, names) in [
            ("7", &["7"][..]),
            ("[7.0, 7e0, \"7\"]", &["7", "7", "7"]),
            ("[-1, -1.0, \"-1\"]", &["-1", "-1", "-1"]),
            ("[1.5, 1.50]", &["1.5", "1.5"]),
            ("\"A \\u00e9\"", &["A é"]),
            ("[20000000000000000001, 20000000000000000001.0]", &["20000000000000000001"; 2]),
            (
                "[2e19, 20000000000000000000, \"20000000000000000000\"]",
                &["20000000000000000000"; 3],
            ),
            ("\"\"", &[]),
            ("[\"\"]", &[]),
            ("[\"A\", \" \"]", &[]),
            ("[9007199254740993.0]", &["9007199254740993"]),
            ("[-9223372036854775808]", &["-9223372036854775808"]),
            ("[\"A\", \"A \"]", &["A", "A "]),
        ] {
            let tickets: Tickets = serde_json::from_str(json).unwrap();
            let named: Tickets = names.iter().copied().map(Ticket::named).collect();
            assert_eq!(tickets, named, "{json}");
            let written = serde_json::to_string(&tickets).unwrap();
            assert_eq!(serde_json::from_str::<Tickets>(&written).unwrap(), tickets, "{json}");
        }
        for json in ["[null]", "[[7]]", "true", "{\"a\": 1}", "[01]"] {
            let error = serde_json::from_str::<Tickets>(json).unwrap_err().to_string();
            assert!(json == "[01]" || error.contains("no ticket"), "{json}: {error}");
        }
    }

    proptest! {
        #[test]
        fn numbers_survive_in_their_order(numbers in prop::collection::vec(0_u64..6, 0..6)) {
            let tickets: Tickets = numbers.iter().copied().collect();
            prop_assert!(tickets.iter().eq(numbers.iter().copied().map(Ticket::Number)));
            prop_assert_eq!(tickets.len(), numbers.len());
            let text = serde_json::to_string(&tickets).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&numbers).unwrap());
            prop_assert_eq!(serde_json::from_str::<Tickets>(&text).unwrap(), tickets);
        }

        #[test]
        fn no_number_overflows(first in u64::MAX - 3..=u64::MAX, more in prop::collection::vec(any::<u64>(), 0..4)) {
            let numbers: Vec<u64> = std::iter::once(first).chain(more).collect();
            let tickets: Tickets = numbers.iter().copied().collect();
            prop_assert!(tickets.iter().eq(numbers.into_iter().map(Ticket::Number)));
        }
    }
}
