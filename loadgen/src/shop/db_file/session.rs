//! One client's way to `db.txt`: an open file of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{runtime::Builder, sync::oneshot, time::sleep};

use super::counter::{Counter, CounterError, io_error, malformed, read_text, write};
use crate::{
    history::{Answer, CriticalSection, Outcome, Tickets, monotonic_ns, signed},
    setup::Delays,
};

/// How often, and how long apart, a read without the lock is tried while somebody is writing.
const READ_TRIES: u32 = 50;
const READ_PAUSE: Duration = Duration::from_millis(1);

/// An open file of the worker's own: `flock` belongs to the open file, so that two workers of one
/// process exclude each other as two processes do.
#[derive(Clone, Debug)]
pub(crate) struct FileSession {
    file: Arc<File>,
    path: PathBuf,
    locked: bool,
    delays: Delays,
}

impl FileSession {
    pub(in crate::shop) fn open(
        path: &Path,
        locked: bool,
        delays: Delays,
    ) -> Result<Self, CounterError> {
        let file = File::options()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| io_error("open", path, error))?;
        Ok(Self { file: Arc::new(file), path: path.to_owned(), locked, delays })
    }

    pub(in crate::shop) async fn search(&self) -> Answer {
        match self.read().await {
            Ok(counter) => {
                Answer { remaining: Some(signed(counter.count())), ..Answer::new(Outcome::Found) }
            }
            Err(error) => Answer::refused(error.to_string()),
        }
    }

    pub(in crate::shop) async fn buy(&self) -> Answer {
        if self.locked { self.buy_under_lock().await } else { self.read_check_write().await }
    }

    /// Waiting for `flock` blocks a thread, which must not be the one that other tasks run on.
    async fn buy_under_lock(&self) -> Answer {
        let (answer, answered) = oneshot::channel();
        let session = self.clone();
        let thread = thread::Builder::new().spawn(move || session.answer_under_lock(answer));
        match thread {
            Ok(_) => answered
                .await
                .unwrap_or_else(|_| Answer::unknown("the thread that held the lock panicked")),
            Err(error) => Answer::refused(format!("no thread to wait for the lock on: {error}")),
        }
    }

    fn answer_under_lock(&self, answer: oneshot::Sender<Answer>) {
        // Clocks of its own: the buyer may give up and take its event loop down in mid-sale.
        let clocks = match Builder::new_current_thread().enable_time().build() {
            Ok(clocks) => clocks,
            Err(error) => {
                let _ = answer.send(Answer::refused(error.to_string()));
                return;
            }
        };
        let mut lock = fd_lock::RwLock::new(Arc::clone(&self.file));
        let bought = match lock.write() {
            // A buyer who is gone must not be sold to.
            Ok(_held) if answer.is_closed() => return,
            Ok(_held) => clocks.block_on(self.read_check_write()),
            Err(error) => Answer::refused(io_error("lock", &self.path, error).to_string()),
        };
        // A buyer who left in the meantime counts as unknown already.
        let _ = answer.send(bought);
    }

    /// The lesson's `get()`: safe only where the lock is held from its first step to its last.
    async fn read_check_write(&self) -> Answer {
        let read_ns = monotonic_ns();
        let section = || Some(CriticalSection { read_ns, write_ns: monotonic_ns() });
        let mut counter = match self.read().await {
            Ok(counter) => counter,
            Err(error) => return Answer::refused(error.to_string()),
        };
        sleep(self.delays.check).await;
        if counter.count() == 0 {
            let sold_out = Answer::new(Outcome::SoldOut);
            return Answer { remaining: Some(0), section: section(), ..sold_out };
        }
        sleep(self.delays.write).await;
        let ticket = counter.sell_one();
        match write(&self.file, &self.path, &counter) {
            Ok(()) => Answer {
                tickets: Tickets::one(ticket),
                remaining: Some(signed(counter.count())),
                section: section(),
                ..Answer::new(Outcome::Sold)
            },
            Err(error) => Answer::unknown(error.to_string()),
        }
    }

    /// Reads until two reads agree and parse: somebody may be in the middle of a write.
    async fn read(&self) -> Result<Counter, CounterError> {
        let mut last = read_text(&self.file, &self.path)?;
        for _ in 0..READ_TRIES {
            let text = read_text(&self.file, &self.path)?;
            if text == last
                && let Ok(counter) = Counter::parse(&text)
            {
                return Ok(counter);
            }
            last = text;
            sleep(READ_PAUSE).await;
        }
        Counter::parse(&last).map_err(|reason| malformed(&self.path, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::db_file::{create_counter, read_ending};

    const DELAYS: Delays =
        Delays { check: Duration::from_millis(1), write: Duration::from_millis(2) };

    async fn buy_at_once(buyers: usize, locked: bool) -> (i64, Vec<Answer>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.txt");
        create_counter(&path, 3).unwrap();
        let purchases: Vec<_> = (0..buyers)
            .map(|_| {
                let session = FileSession::open(&path, locked, DELAYS).unwrap();
                tokio::spawn(async move { session.buy().await })
            })
            .collect();
        let mut answers = Vec::new();
        for purchase in purchases {
            answers.push(purchase.await.unwrap());
        }
        (read_ending(&path).unwrap().left, answers)
    }

    fn sold_tickets(answers: &[Answer]) -> Vec<u64> {
        let mut tickets: Vec<u64> =
            answers.iter().filter_map(|answer| answer.tickets.run()).map(|run| run.0).collect();
        tickets.sort_unstable();
        tickets
    }

    #[tokio::test]
    async fn under_the_lock_three_buyers_get_three_tickets() {
        let (left, answers) = buy_at_once(8, true).await;
        assert_eq!(left, 0);
        assert_eq!(sold_tickets(&answers), [1, 2, 3]);
    }

    #[tokio::test]
    async fn without_the_lock_all_buyers_get_the_same_ticket() {
        let (left, answers) = buy_at_once(8, false).await;
        assert_eq!(left, 2);
        assert_eq!(sold_tickets(&answers), [1; 8]);
    }
}
