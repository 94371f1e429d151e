//! What takes long to start, shared by all tests that run at the same time, and ended with the last of them.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak, mpsc},
    thread::{self, JoinHandle},
};

/// One thing for many tests.
pub struct Shared<T> {
    start: fn() -> T,
    running: Mutex<Weak<Running<T>>>,
}

/// A share of it.
pub struct Running<T> {
    // Dropped in this order: the other one is gone once the thread hears that nobody waits for its word.
    thing: Option<Arc<T>>,
    is_used: Option<mpsc::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl<T: Send + Sync + 'static> Shared<T> {
    /// What `start` makes.
    pub const fn new(start: fn() -> T) -> Shared<T> {
        Shared { start, running: Mutex::new(Weak::new()) }
    }

    /// The one that is running, or a new one.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn get(&'static self) -> Arc<Running<T>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.upgrade() {
            return running;
        }
        let (thing, started) = mpsc::channel();
        let (is_used, ended) = mpsc::channel::<()>();
        // On a thread of its own: a process of the harness ends with the thread that has started it.
        let keeper = thread::spawn(move || {
            let mine = Arc::new((self.start)());
            let given = thing.send(Arc::clone(&mine));
            if given.is_ok() {
                let _ = ended.recv();
            }
        });
        let thing = started.recv().expect("it comes up");
        let (thing, is_used, keeper) = (Some(thing), Some(is_used), Some(keeper));
        let new = Arc::new(Running { thing, is_used, keeper });
        *running = Arc::downgrade(&new);
        new
    }
}

impl<T> std::ops::Deref for Running<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_ref().expect("it is there until the last share is dropped")
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        drop((self.thing.take(), self.is_used.take()));
        // What the thread panicked with it has told already.
        let _ = self.keeper.take().map(JoinHandle::join);
    }
}
