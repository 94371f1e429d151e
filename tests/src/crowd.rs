//! Many clients that do something at once.

use std::{sync::Barrier, thread};

/// Runs `client` on `number` threads, none of which begins before all are there, and returns what
/// each returned, in the order of their numbers from 0 on.
///
/// # Panics
/// When one of them panics.
#[track_caller]
pub fn crowd<T: Send>(number: usize, client: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(number);
    thread::scope(|scope| {
        let client = &client;
        let barrier = &barrier;
        let threads = (0..number)
            .map(|at| {
                scope.spawn(move || {
                    barrier.wait();
                    client(at)
                })
            })
            .collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().expect("the client is through")).collect()
    })
}
