//! The durable yardstick: what a durable answer costs whoever gives one.
//!
//! It holds each batch of requests for one write and one `fdatasync` on a thread of its own, and
//! does nothing else: no counter, no lock, no record. One batch is in flight, and the next one
//! gathers meanwhile. The thread waits for half of the clients, at most as long as the last sync
//! took, so that one half is synced while the other is answered and asks again.
//!
//! # Invariants
//! - `AckAfterSync`: nobody is answered before the sync of the batch has succeeded; once a write
//!   or a sync has failed, nobody is answered any more.

use std::{
    convert::Infallible,
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::Path,
    pin::Pin,
    process,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

/// What is written for a request, in bytes: as much as a short record.
const REQUEST_BYTES: usize = 64;

/// The length of the scratch file in bytes; it is overwritten from its start again and again.
const SCRATCH_BYTES: usize = 16 * 1024 * 1024;

/// How many requests to look through, at least, before a client that does not return is given up.
const RETURN_MIN: usize = 64;

/// Where the requests of one event loop wait for their batch.
pub struct Waiting {
    batches: Arc<Batches>,
    event_loop: usize,
}

/// Wakes those who wait on one event loop, and runs there: a wake from another thread takes a
/// system call, so the loop gets one message a batch.
pub struct Waking(mpsc::UnboundedReceiver<Vec<Waker>>);

/// The wait of one request; over once its batch is durable.
pub struct Durable {
    batches: Arc<Batches>,
    event_loop: usize,
    batch: Option<u64>,
}

/// The yardstick as it was started.
pub struct Yardstick {
    /// One for each event loop.
    pub event_loops: Vec<(Waiting, Waking)>,
    /// Why nothing can be made durable any more.
    pub failed: oneshot::Receiver<io::Error>,
}

/// What the event loops and the thread share.
struct Batches {
    gathering: Mutex<Gathering>,
    due: Condvar,
    /// The number of the last batch that is durable.
    durable: AtomicU64,
}

/// The batch that is not written yet.
struct Gathering {
    batch: u64,
    /// For each event loop, whom to wake.
    wakers: Vec<Vec<Waker>>,
    count: usize,
    /// How many the thread sleeps for; 0 while it does not.
    wake_at: usize,
    clients: Clients,
}

/// How many clients there are: as many requests as come from one of a client to its next.
#[derive(Default)]
struct Clients {
    count: usize,
    watched: Option<Waker>,
    requests: usize,
}

/// Starts the yardstick for `event_loops` on a scratch file in `folder`, which nobody sees.
///
/// # Errors
/// Where the file cannot be written, or there is no room for a thread.
pub fn start(folder: &Path, event_loops: usize) -> io::Result<Yardstick> {
    start_on(scratch(folder)?, event_loops)
}

fn start_on(scratch: File, event_loops: usize) -> io::Result<Yardstick> {
    let batches = Arc::new(Batches::new(event_loops));
    let (wakers, waking): (Vec<_>, Vec<_>) =
        (0..event_loops).map(|_| mpsc::unbounded_channel()).unzip();
    let (on_failure, failed) = oneshot::channel();
    let shared = Arc::clone(&batches);
    thread::Builder::new().name("yardstick".to_owned()).spawn(move || {
        let Err(error) = shared.sync_all(&scratch, &wakers);
        // Nobody receives it where the server has been told to end.
        let _ = on_failure.send(error);
    })?;
    let waiting =
        (0..event_loops).map(|event_loop| Waiting { batches: Arc::clone(&batches), event_loop });
    Ok(Yardstick { event_loops: waiting.zip(waking.into_iter().map(Waking)).collect(), failed })
}

/// A file of zeros that are on the disk, without a name.
fn scratch(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!(".noop.scratch.{}", process::id()));
    let file = File::create_new(&path)?;
    fs::remove_file(&path)?;
    file.write_all_at(&vec![0; SCRATCH_BYTES], 0)?;
    file.sync_all()?;
    Ok(file)
}

impl Waiting {
    /// Waits, from its first poll, until the batch of that moment is durable.
    pub fn durable(&self) -> Durable {
        let Self { batches, event_loop } = self;
        Durable { batches: Arc::clone(batches), event_loop: *event_loop, batch: None }
    }
}

impl Waking {
    /// Wakes whoever is due, for as long as the yardstick works.
    pub async fn run(mut self) {
        while let Some(wakers) = self.0.recv().await {
            wakers.into_iter().for_each(Waker::wake);
        }
    }
}

impl Future for Durable {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.batch {
            Some(batch) if self.batches.durable.load(Ordering::Acquire) >= batch => Poll::Ready(()),
            // The waker of a task stays the same.
            Some(_) => Poll::Pending,
            None => {
                self.batch = Some(self.batches.join(self.event_loop, context.waker()));
                Poll::Pending
            }
        }
    }
}

impl Batches {
    fn new(event_loops: usize) -> Self {
        let wakers = vec![Vec::new(); event_loops];
        let clients = Clients::default();
        let gathering = Gathering { batch: 1, wakers, count: 0, wake_at: 0, clients };
        Self { gathering: Mutex::new(gathering), due: Condvar::new(), durable: AtomicU64::new(0) }
    }

    /// Joins the batch that gathers, and gives its number.
    fn join(&self, event_loop: usize, waker: &Waker) -> u64 {
        let (batch, is_due) = {
            let mut gathering = self.gathering();
            gathering.clients.note(waker);
            gathering.wakers[event_loop].push(waker.clone());
            gathering.count += 1;
            let is_due = gathering.count == gathering.wake_at;
            (gathering.batch, is_due)
        };
        if is_due {
            // Behind the guard, so that the thread does not wake to a taken mutex.
            self.due.notify_one();
        }
        batch
    }

    /// Makes one batch after the other durable, until a write or a sync fails.
    fn sync_all(
        &self,
        scratch: &File,
        event_loops: &[mpsc::UnboundedSender<Vec<Waker>>],
    ) -> io::Result<Infallible> {
        let (mut offset, mut took) = (0, Duration::ZERO);
        let bytes = vec![b'x'; SCRATCH_BYTES];
        loop {
            let (batch, count, wakers) = self.take(took);
            let bytes = &bytes[..(count * REQUEST_BYTES).min(SCRATCH_BYTES)];
            if offset + bytes.len() > SCRATCH_BYTES {
                offset = 0;
            }
            scratch.write_all_at(bytes, offset as u64)?;
            offset += bytes.len();
            let begun = Instant::now();
            scratch.sync_data()?;
            took = begun.elapsed();
            self.durable.store(batch, Ordering::Release);
            for (event_loop, wakers) in event_loops.iter().zip(wakers) {
                if !wakers.is_empty() {
                    // An event loop that has ended has nobody waiting any more.
                    let _ = event_loop.send(wakers);
                }
            }
        }
    }

    /// Takes the batch that has gathered once half of the clients are in it, or somebody is and
    /// `patience` is over: its number, how many are in it, and whom to wake on each event loop.
    fn take(&self, patience: Duration) -> (u64, usize, Vec<Vec<Waker>>) {
        let mut gathering = self.gathering();
        gathering.wake_at = gathering.clients.count.div_ceil(2).max(1);
        if gathering.count < gathering.wake_at {
            let woken = self.due.wait_timeout(gathering, patience);
            gathering = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        while gathering.count == 0 {
            gathering.wake_at = 1;
            gathering = self.due.wait(gathering).unwrap_or_else(PoisonError::into_inner);
        }
        gathering.wake_at = 0;
        let batch = gathering.batch;
        gathering.batch += 1;
        let count = std::mem::take(&mut gathering.count);
        let fresh = |wakers: &mut Vec<Waker>| {
            let room = Vec::with_capacity(wakers.len());
            std::mem::replace(wakers, room)
        };
        (batch, count, gathering.wakers.iter_mut().map(fresh).collect())
    }

    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        // Nothing in this file panics between two changes that belong together.
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    /// Notes a request of the client that `waker` wakes.
    fn note(&mut self, waker: &Waker) {
        self.requests += 1;
        let has_returned = self.watched.as_ref().is_none_or(|watched| watched.will_wake(waker));
        if has_returned || self.requests > (2 * self.count).max(RETURN_MIN) {
            *self = Self { count: self.requests, watched: Some(waker.clone()), requests: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use tokio::runtime::{self, Runtime};

    use super::*;

    struct Client;

    impl Wake for Client {
        fn wake(self: Arc<Self>) {}
    }

    fn runtime() -> Runtime {
        runtime::Builder::new_current_thread().build().unwrap()
    }

    fn only_loop(yardstick: Yardstick) -> (Waiting, Waking, oneshot::Receiver<io::Error>) {
        let Yardstick { mut event_loops, failed } = yardstick;
        let (waiting, waking) = event_loops.remove(0);
        (waiting, waking, failed)
    }

    #[test]
    fn all_are_woken_once_their_batches_are_durable() {
        let folder = tempfile::tempdir().unwrap();
        let (waiting, waking, _failed) = only_loop(start(folder.path(), 1).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        runtime().block_on(async {
            tokio::spawn(waking.run());
            for _ in 0..3 {
                let clients = (0..10).map(|_| tokio::spawn(waiting.durable())).collect::<Vec<_>>();
                for client in clients {
                    client.await.unwrap();
                }
            }
        });
        let synced = waiting.batches.durable.load(Ordering::Relaxed);
        assert!((3..=30).contains(&synced), "{synced}");
    }

    #[test]
    fn failed_write_is_told_and_answers_nobody() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read_only = File::open(file.path()).unwrap();
        let (waiting, _waking, failed) = only_loop(start_on(read_only, 1).unwrap());
        let mut durable = waiting.durable();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut durable).poll(&mut context).is_pending());
        runtime().block_on(failed).expect("it is told");
        assert!(Pin::new(&mut durable).poll(&mut context).is_pending());
    }

    #[test]
    fn clients_are_counted_by_the_return_of_one() {
        let wakers = (0..1000).map(|_| Waker::from(Arc::new(Client))).collect::<Vec<_>>();
        let mut clients = Clients::default();
        for expected in [1000, 3, 1] {
            // Twice as many are looked through each time until one returns.
            for waker in wakers[..expected].iter().cycle().take(10 * wakers.len()) {
                clients.note(waker);
            }
            assert_eq!(clients.count, expected);
        }
    }
}
