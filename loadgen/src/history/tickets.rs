//! The ticket numbers of one sale.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};

/// The ticket numbers of one sale, in the order of the answer. Numbers that follow each other, as
/// they do in almost every sale, take no memory of their own: a history can have millions of sales.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tickets(Shape);

/// One shape for each list, so that equal lists compare equal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// `first`, `first + 1`, …: `count` numbers, none where `count` is 0 (and `first` too).
    Run { first: u64, count: u32 },
    /// Any others, at least two.
    Listed(Box<[u64]>),
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

    /// How many numbers.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Shape::Run { count, .. } => *count as usize,
            Shape::Listed(numbers) => numbers.len(),
        }
    }

    /// How many are held one by one; the others take no memory of their own.
    pub(super) fn listed(&self) -> usize {
        match &self.0 {
            Shape::Run { .. } => 0,
            Shape::Listed(numbers) => numbers.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let (run, listed) = match &self.0 {
            Shape::Run { first, count } => ((*first, *count), &[][..]),
            Shape::Listed(numbers) => ((0, 0), &numbers[..]),
        };
        (0..u64::from(run.1)).map(move |step| run.0 + step).chain(listed.iter().copied())
    }

    /// The first and the last number where each follows the one before; `None` for no number and
    /// for numbers that jump.
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
    /// All numbers, from the first that does not follow; empty before.
    listed: Vec<u64>,
}

impl Gathered {
    /// Adds one number.
    pub(super) fn push(&mut self, number: u64) {
        if !self.listed.is_empty() {
            self.listed.push(number);
        } else if self.count == 0 {
            (self.first, self.count) = (number, 1);
        } else if self.first.checked_add(u64::from(self.count)) == Some(number)
            && self.count < u32::MAX
        {
            self.count += 1;
        } else {
            self.listed.extend((0..u64::from(self.count)).map(|step| self.first + step));
            self.listed.push(number);
        }
    }
}

impl From<Gathered> for Tickets {
    fn from(gathered: Gathered) -> Self {
        let Gathered { first, count, listed } = gathered;
        Self(if listed.is_empty() {
            Shape::Run { first, count }
        } else {
            Shape::Listed(listed.into())
        })
    }
}

impl FromIterator<u64> for Tickets {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut gathered = Gathered::default();
        numbers.into_iter().for_each(|number| gathered.push(number));
        gathered.into()
    }
}

impl Serialize for Tickets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tickets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;

        impl<'de> Visitor<'de> for Numbers {
            type Value = Tickets;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of ticket numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tickets, A::Error> {
                let mut gathered = Gathered::default();
                while let Some(number) = list.next_element()? {
                    gathered.push(number);
                }
                Ok(gathered.into())
            }
        }

        deserializer.deserialize_seq(Numbers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sale_of_one_takes_no_heap_and_knows_its_run() {
        assert_eq!(Tickets::one(7).run(), Some((7, 7)));
        assert_eq!([3, 4, 5].into_iter().collect::<Tickets>().run(), Some((3, 5)));
        assert_eq!(Tickets::default().run(), None);
        assert_eq!([3, 5].into_iter().collect::<Tickets>().run(), None);
        assert!(size_of::<Tickets>() <= 24);
    }

    proptest! {
        #[test]
        fn numbers_survive_in_their_order(numbers in prop::collection::vec(0_u64..6, 0..6)) {
            let tickets: Tickets = numbers.iter().copied().collect();
            prop_assert_eq!(tickets.iter().collect::<Vec<_>>(), numbers.clone());
            prop_assert_eq!(tickets.len(), numbers.len());
            let text = serde_json::to_string(&tickets).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&numbers).unwrap());
            prop_assert_eq!(serde_json::from_str::<Tickets>(&text).unwrap(), tickets);
        }

        #[test]
        fn no_number_overflows(first in u64::MAX - 3..=u64::MAX, more in prop::collection::vec(any::<u64>(), 0..4)) {
            let numbers: Vec<u64> = std::iter::once(first).chain(more).collect();
            let tickets: Tickets = numbers.iter().copied().collect();
            prop_assert_eq!(tickets.iter().collect::<Vec<_>>(), numbers);
        }
    }
}
