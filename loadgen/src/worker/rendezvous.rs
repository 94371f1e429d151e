//! Where the clients of one worker meet: a wave of them begins together, and the next one only when all of
//! that wave have ended and everybody who is still there waits.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
};

use parking_lot::Mutex;

use crate::plan::Waves;

/// Where the clients of one worker meet.
#[derive(Debug)]
pub(super) struct Rendezvous(Mutex<State>);

#[derive(Debug)]
struct State {
    waves: Waves,
    /// How many have not left.
    present: usize,
    /// Who waits, in the order in which they came.
    queue: VecDeque<usize>,
    wakers: BTreeMap<usize, Waker>,
    under_way: usize,
    is_closed: bool,
}

/// One client there; where it goes, in whatever way, nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Member {
    rendezvous: Arc<Rendezvous>,
    slot: usize,
    /// Whether it waits, or is under way.
    has_come: bool,
}

impl Rendezvous {
    /// Where nobody is yet.
    pub(super) fn new(waves: Waves) -> Self {
        Self(Mutex::new(State {
            waves,
            present: 0,
            queue: VecDeque::new(),
            wakers: BTreeMap::new(),
            under_way: 0,
            is_closed: false,
        }))
    }

    /// The client at `slot` comes to stay; all do before the first of them waits.
    pub(super) fn join(self: &Arc<Self>, slot: usize) -> Member {
        self.0.lock().present += 1;
        Member { rendezvous: Arc::clone(self), slot, has_come: false }
    }

    /// Lets everybody go on, and nobody wait any more.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        state.wakers.values().for_each(Waker::wake_by_ref);
    }
}

impl Member {
    /// Waits until its wave begins.
    pub(super) async fn meet(&mut self) {
        let slot = self.slot;
        self.has_come = true;
        let state = &self.rendezvous.0;
        state.lock().come(slot);
        poll_fn(|context| {
            let mut state = state.lock();
            if state.is_closed || !state.queue.contains(&slot) {
                return Poll::Ready(());
            }
            state.wakers.insert(slot, context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Its operation has ended, in a sale or not.
    pub(super) fn part(&mut self, has_bought: bool) {
        if std::mem::take(&mut self.has_come) {
            self.rendezvous.0.lock().part(self.slot, has_bought);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.rendezvous.0.lock();
        state.present -= 1;
        if self.has_come { state.part(self.slot, false) } else { state.begin() }
    }
}

impl State {
    fn come(&mut self, slot: usize) {
        self.queue.push_back(slot);
        self.begin();
    }

    /// The client at `slot` waits no longer, or is no longer under way.
    fn part(&mut self, slot: usize, has_bought: bool) {
        match self.queue.iter().position(|waiting| *waiting == slot) {
            Some(place) => drop(self.queue.remove(place)),
            None => self.under_way -= 1,
        }
        self.wakers.remove(&slot);
        self.waves.alone -= u64::from(has_bought && self.waves.alone > 0);
        self.begin();
    }

    /// Lets the next wave go, where it is time for it.
    fn begin(&mut self) {
        if self.under_way > 0 || self.queue.is_empty() || self.queue.len() < self.present {
            return;
        }
        let width = if self.waves.alone > 0 { 1 } else { self.waves.width };
        let width = usize::try_from(width).unwrap_or(usize::MAX).min(self.queue.len());
        self.under_way = width;
        for slot in self.queue.drain(..width) {
            if let Some(waker) = self.wakers.remove(&slot) {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is under way, one wave after the other, where each of five clients has three operations that are
    /// sales.
    fn waves(width: u32, alone: u64) -> Vec<Vec<usize>> {
        let rendezvous = Rendezvous::new(Waves { width, alone });
        let mut state = rendezvous.0.lock();
        state.present = 5;
        let mut left = [3; 5];
        (0..5).for_each(|slot| state.come(slot));
        let mut waves = Vec::new();
        while state.present > 0 {
            let wave: Vec<usize> =
                (0..5).filter(|slot| left[*slot] > 0 && !state.queue.contains(slot)).collect();
            for slot in &wave {
                left[*slot] -= 1;
                state.present -= usize::from(left[*slot] == 0);
                state.part(*slot, true);
                if left[*slot] > 0 {
                    state.come(*slot);
                }
            }
            waves.push(wave);
        }
        waves
    }

    #[test]
    fn all_begin_at_once() {
        assert_eq!(waves(5, 0), vec![vec![0, 1, 2, 3, 4]; 3]);
    }

    #[test]
    fn two_begin_at_once_and_everybody_comes_round() {
        let waves = waves(2, 0);
        assert_eq!(waves[..3], [vec![0, 1], vec![2, 3], vec![0, 4]]);
        assert_eq!(waves.iter().map(Vec::len).sum::<usize>(), 15);
    }

    #[test]
    fn some_go_alone_and_the_last_ticket_is_for_all() {
        assert_eq!(waves(5, 3)[..4], [vec![0], vec![1], vec![2], vec![0, 1, 2, 3, 4]]);
    }

    #[tokio::test]
    async fn nobody_waits_for_who_has_left_in_whatever_way() {
        let rendezvous = Arc::new(Rendezvous::new(Waves { width: 2, alone: 0 }));
        let mut members: Vec<Member> = (0..3).map(|slot| rendezvous.join(slot)).collect();
        let mut third = members.pop().unwrap();
        let mut second = members.pop().unwrap();
        let mut first = members.pop().unwrap();
        tokio::select! {
            biased;
            () = third.meet() => unreachable!("the others have not come"),
            () = std::future::ready(()) => {}
        }
        let others = async {
            second.meet().await;
            // The third was let go with it, and goes before it has noticed.
            assert_eq!(rendezvous.0.lock().under_way, 2);
            drop(third);
            drop(second);
        };
        tokio::join!(others, first.meet());
        let state = rendezvous.0.lock();
        assert_eq!((state.under_way, state.present), (1, 1));
    }

    #[tokio::test]
    async fn who_is_closed_lets_everybody_go() {
        let rendezvous = Arc::new(Rendezvous::new(Waves { width: 2, alone: 0 }));
        let (mut first, _second) = (rendezvous.join(0), rendezvous.join(1));
        tokio::join!(first.meet(), async { rendezvous.close() });
        first.part(false);
        first.meet().await;
    }
}
