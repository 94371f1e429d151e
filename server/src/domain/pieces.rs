//! A queue in pieces of one size: it grows and shrinks without moving what is in it.
//!
//! A copy of it shares the pieces until either side changes one: so it is made in no time.

use std::{collections::VecDeque, sync::Arc};

/// How many items a piece has.
const PIECE_ITEMS: usize = 1024;

/// A queue in pieces.
#[derive(Clone)]
pub(super) struct Pieces<T> {
    pieces: VecDeque<Arc<Vec<T>>>,
    /// How many items of the first piece are gone.
    gone: usize,
    len: usize,
}

impl<T: Copy> Pieces<T> {
    pub(super) const fn new() -> Self {
        Self { pieces: VecDeque::new(), gone: 0, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let place = self.gone + index;
        self.pieces.get(place / PIECE_ITEMS)?.get(place % PIECE_ITEMS)
    }

    /// The items, the first one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flat_map(|piece| piece.iter()).skip(self.gone)
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pieces.iter_mut().flat_map(Arc::make_mut).skip(self.gone)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let place = self.gone + index;
        Arc::make_mut(self.pieces.get_mut(place / PIECE_ITEMS)?).get_mut(place % PIECE_ITEMS)
    }

    pub(super) fn push_back(&mut self, item: T) {
        match self.pieces.back_mut().filter(|last| last.len() < PIECE_ITEMS) {
            Some(last) => Arc::make_mut(last).push(item),
            None => {
                let mut piece = Vec::with_capacity(PIECE_ITEMS);
                piece.push(item);
                self.pieces.push_back(Arc::new(piece));
            }
        }
        self.len += 1;
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        let item = *self.get(0)?;
        self.gone += 1;
        self.len -= 1;
        if self.gone == PIECE_ITEMS {
            self.pieces.pop_front();
            self.gone = 0;
        }
        Some(item)
    }

    /// How many bytes of memory it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let lists = self.pieces.capacity() * size_of::<Arc<Vec<T>>>();
        lists + self.pieces.len() * PIECE_ITEMS * size_of::<T>()
    }
}

impl<T: Copy> FromIterator<T> for Pieces<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut pieces = Self::new();
        items.into_iter().for_each(|item| pieces.push_back(item));
        pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_queue(steps in prop::collection::vec((0..3000_usize, 0..3000_usize), 0..8)) {
            let mut pieces = Pieces::new();
            let mut queue = VecDeque::new();
            let mut next = 0..;
            for (pushed, popped) in steps {
                for item in next.by_ref().take(pushed) {
                    pieces.push_back(item);
                    queue.push_back(item);
                }
                for _ in 0..popped {
                    prop_assert_eq!(pieces.pop_front(), queue.pop_front());
                }
                prop_assert_eq!(pieces.len(), queue.len());
                prop_assert!(pieces.iter().eq(&queue));
                prop_assert!(pieces.iter_mut().map(|item| *item).eq(queue.iter().copied()));
                for index in [0, 1, queue.len() / 2, queue.len().saturating_sub(1), queue.len()] {
                    prop_assert_eq!(pieces.get(index), queue.get(index));
                }
            }
        }
    }

    #[test]
    fn a_copy_stays_what_it_was() {
        let mut pieces: Pieces<_> = (0..3000).collect();
        let copy = pieces.clone();
        pieces.pop_front();
        (0..3000).for_each(|item| pieces.push_back(item));
        *pieces.get_mut(7).unwrap() = 0;
        assert!(copy.iter().copied().eq(0..3000));
    }
}
