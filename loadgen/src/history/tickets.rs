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

    fn push(self, number: u64) -> Self {
        match self.0 {
            Shape::Run { count: 0, .. } => Self::one(number),
            Shape::Run { first, count }
                if first.checked_add(u64::from(count)) == Some(number) && count < u32::MAX =>
            {
                Self(Shape::Run { first, count: count + 1 })
            }
            Shape::Run { first, count } => {
                let numbers = (0..u64::from(count)).map(|step| first + step);
                Self(Shape::Listed(numbers.chain([number]).collect()))
            }
            Shape::Listed(numbers) => {
                let mut numbers = Vec::from(numbers);
                numbers.push(number);
                Self(Shape::Listed(numbers.into()))
            }
        }
    }
}

impl FromIterator<u64> for Tickets {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        numbers.into_iter().fold(Self::default(), Self::push)
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
                let mut tickets = Tickets::default();
                while let Some(number) = list.next_element()? {
                    tickets = tickets.push(number);
                }
                Ok(tickets)
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
