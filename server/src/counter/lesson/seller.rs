//! One buy as the lesson does it, under one of three locks.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fd_lock::RwLock;
use rustix::time::{ClockId, clock_gettime};
use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};

use crate::{
    domain::COUNT_MAX,
    ledger::{
        Summary,
        file::{
            disk::RealDisk,
            format::head::Head,
            reader::{self, HeadError, HeadReader},
        },
    },
};

/// How long a waiting buyer rests between two tries at the file's lock.
const LOCK_RETRY: Duration = Duration::from_millis(2);

/// What keeps two buyers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// Nothing: the race.
    None,
    /// A lock in this process's memory; another process does not see it.
    Mutex,
    /// The advisory lock on `db.txt`.
    File,
}

impl Exclusion {
    /// The name on the command line and in the answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mutex => "mutex",
            Self::File => "file",
        }
    }

    /// What a user must know before relying on it.
    pub fn warning(self) -> &'static str {
        match self {
            Self::None => "unsafe: nothing keeps two buyers apart, it will oversell",
            Self::Mutex => "unsafe with a second server on this counter, and not durable",
            Self::File => "sells one at a time and is not durable: a lesson, not a shop",
        }
    }
}

/// How long a buyer dawdles, so that a race can be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// Between reading the count and checking it.
    pub check: Duration,
    /// Between checking the count and writing it.
    pub write: Duration,
}

/// From the read of the count to the write of it, in nanoseconds of the machine's monotonic clock:
/// where two of these overlap and nothing keeps them apart, an update is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Right before the count was read.
    pub read_ns: u64,
    /// Right after it was written, or found to be too low.
    pub write_ns: u64,
}

/// The answer to one buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonSale {
    /// Sold, as far as this buyer saw.
    Sold {
        /// The first ticket number: one more than were sold when this buyer read.
        first_ticket: u64,
        /// How many tickets.
        quantity: u64,
        /// What this buyer wrote as left.
        remaining: u64,
        /// When this buyer read and wrote.
        section: Section,
    },
    /// Fewer were left than were asked for.
    SoldOut {
        /// How many were asked for.
        requested: u64,
        /// What this buyer read as left.
        remaining: u64,
        /// When this buyer read and checked.
        section: Section,
    },
}

/// Why a buy came to no answer.
#[derive(Debug, thiserror::Error)]
pub enum LessonError {
    /// `db.txt` cannot be read; nothing was sold.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The write failed; the ticket may or may not be gone.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The lock was not free in time; nothing was sold.
    #[error("the lock was not free within {} ms", waited.as_millis())]
    LockTimeout {
        /// How long this buyer waited.
        waited: Duration,
    },
    /// A ticket number would pass [`COUNT_MAX`]; nothing was sold.
    #[error("a ticket number would pass {COUNT_MAX}")]
    OverLimit,
    /// The buyer's thread ended early; the ticket may or may not be gone.
    #[error("the seller stopped in the middle of a sale")]
    Stopped,
}

/// Sells from `db.txt` as the lesson does.
#[derive(Clone, Debug)]
pub struct LessonSeller {
    path: Arc<Path>,
    exclusion: Exclusion,
    delays: Delays,
    lock_timeout: Duration,
    mutex: Arc<Mutex<()>>,
}

impl LessonSeller {
    /// A seller from the file at `path`; nobody waits longer than `lock_timeout` for the lock.
    pub fn new(path: &Path, exclusion: Exclusion, delays: Delays, lock_timeout: Duration) -> Self {
        let mutex = Arc::new(Mutex::new(()));
        Self { path: path.into(), exclusion, delays, lock_timeout, mutex }
    }

    /// Which lock this seller takes.
    pub fn exclusion(&self) -> Exclusion {
        self.exclusion
    }

    /// What is left, as `db.txt` says.
    ///
    /// # Errors
    /// [`LessonError::Head`], also while somebody is writing: a later try succeeds.
    pub fn summary(&self) -> Result<Summary, LessonError> {
        let mut reader = HeadReader::new(RealDisk, &self.path);
        let head = reader.read()?;
        Ok(Summary { remaining: head.count, sold: head.sold })
    }

    /// Sells `quantity` tickets, or finds that too few are left.
    ///
    /// A sale that has begun is finished even if nobody waits for it any more.
    ///
    /// # Errors
    /// [`LessonError`].
    pub async fn buy(&self, quantity: u64) -> Result<LessonSale, LessonError> {
        let guard = match self.exclusion {
            Exclusion::Mutex => Some(self.take_mutex().await?),
            Exclusion::None | Exclusion::File => None,
        };
        let seller = self.clone();
        let sale = spawn_blocking(move || {
            let _guard = guard;
            match seller.exclusion {
                Exclusion::File => seller.sell_under_file_lock(quantity),
                Exclusion::None | Exclusion::Mutex => seller.sell(&open(&seller.path)?, quantity),
            }
        });
        sale.await.map_err(|_| LessonError::Stopped)?
    }

    async fn take_mutex(&self) -> Result<tokio::sync::OwnedMutexGuard<()>, LessonError> {
        let waited = self.lock_timeout;
        let lock = timeout(waited, Arc::clone(&self.mutex).lock_owned()).await;
        lock.map_err(|_| LessonError::LockTimeout { waited })
    }

    fn sell_under_file_lock(&self, quantity: u64) -> Result<LessonSale, LessonError> {
        let start = Instant::now();
        let mut lock = RwLock::new(open(&self.path)?);
        loop {
            let replaced = match lock.try_write() {
                Ok(file) if self.is_in_place(&file)? => return self.sell(&file, quantity),
                // An editor put another file under the name: that one is to be locked.
                Ok(_) => true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
                Err(error) => return Err(HeadError::io(&self.path, error).into()),
            };
            if replaced {
                lock = RwLock::new(open(&self.path)?);
                continue;
            }
            let waited = start.elapsed();
            if waited >= self.lock_timeout {
                return Err(LessonError::LockTimeout { waited });
            }
            thread::sleep(LOCK_RETRY);
        }
    }

    fn is_in_place(&self, file: &File) -> Result<bool, HeadError> {
        let named = fs::metadata(&self.path).map_err(|source| HeadError::io(&self.path, source))?;
        let open = file.metadata().map_err(|source| HeadError::io(&self.path, source))?;
        Ok((named.dev(), named.ino()) == (open.dev(), open.ino()))
    }

    /// Read, wait, check, wait, write: the lesson's `get()`.
    fn sell(&self, file: &File, quantity: u64) -> Result<LessonSale, LessonError> {
        let read_ns = monotonic_ns();
        let bytes = fs::read(&self.path).map_err(|source| HeadError::io(&self.path, source))?;
        let seen = reader::parse(&self.path, &bytes)?;
        thread::sleep(self.delays.check);
        let Some(remaining) = seen.count.checked_sub(quantity) else {
            let section = Section { read_ns, write_ns: monotonic_ns() };
            return Ok(LessonSale::SoldOut { requested: quantity, remaining: seen.count, section });
        };
        thread::sleep(self.delays.write);
        let sold = seen.sold.unwrap_or(0);
        if sold.saturating_add(quantity) > COUNT_MAX {
            return Err(LessonError::OverLimit);
        }
        let head = Head { count: remaining, sold: Some(sold + quantity), ..seen };
        let path = &self.path;
        let full = || io::Error::other("the keys of other programs leave no room");
        let image = head.image(bytes.len()).ok_or_else(full);
        image
            .and_then(|image| file.write_all_at(&image, 0))
            .map_err(|source| LessonError::Write { path: path.to_path_buf(), source })?;
        let section = Section { read_ns, write_ns: monotonic_ns() };
        Ok(LessonSale::Sold { first_ticket: sold + 1, quantity, remaining, section })
    }
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The kernel counts from its own start, so neither part is negative.
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

fn open(path: &Path) -> Result<File, HeadError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.map_err(|source| HeadError::io(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUYERS: u64 = 8;
    const TICKETS: u64 = 3;

    /// Lets [`BUYERS`] buy at once and gives the numbers of the tickets that they got.
    async fn tickets_sold(exclusion: Exclusion) -> (Vec<u64>, Head) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.txt");
        fs::write(&path, format!("{{\"count\": {TICKETS}}}\n")).unwrap();
        let delays = Delays { check: Duration::from_millis(20), write: Duration::from_millis(20) };
        let seller = LessonSeller::new(&path, exclusion, delays, Duration::from_secs(60));
        let buyers: Vec<_> = (0..BUYERS)
            .map(|_| {
                let seller = seller.clone();
                tokio::spawn(async move { seller.buy(1).await.unwrap() })
            })
            .collect();
        let mut tickets = Vec::new();
        for buyer in buyers {
            if let LessonSale::Sold { first_ticket, .. } = buyer.await.unwrap() {
                tickets.push(first_ticket);
            }
        }
        tickets.sort_unstable();
        (tickets, Head::parse(&fs::read(&path).unwrap()).unwrap())
    }

    #[tokio::test]
    async fn without_a_lock_more_is_sold_than_there_was() {
        let (tickets, head) = tickets_sold(Exclusion::None).await;
        assert!(tickets.len() as u64 > TICKETS, "{tickets:?}");
        assert!(TICKETS - head.count < tickets.len() as u64, "{head:?}");
    }

    #[tokio::test]
    async fn a_mutex_and_the_file_lock_sell_each_ticket_once() {
        for exclusion in [Exclusion::Mutex, Exclusion::File] {
            let (tickets, head) = tickets_sold(exclusion).await;
            assert_eq!(tickets, [1, 2, 3], "{exclusion:?}");
            assert_eq!((head.count, head.sold), (0, Some(3)), "{exclusion:?}");
        }
    }

    #[tokio::test]
    async fn sections_overlap_only_where_nothing_keeps_them_apart() {
        for (exclusion, overlap) in [(Exclusion::None, true), (Exclusion::File, false)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("db.txt");
            fs::write(&path, "{\"count\": 2}\n").unwrap();
            let wait = Duration::from_millis(50);
            let delays = Delays { check: wait, write: wait };
            let seller = LessonSeller::new(&path, exclusion, delays, Duration::from_secs(60));
            let (one, other) = tokio::join!(seller.buy(1), seller.buy(1));
            let section = |sale: Result<LessonSale, LessonError>| match sale.unwrap() {
                LessonSale::Sold { section, .. } | LessonSale::SoldOut { section, .. } => section,
            };
            let (one, other) = (section(one), section(other));
            assert!(one.write_ns - one.read_ns >= 100_000_000, "{one:?}");
            let overlaps = one.read_ns < other.write_ns && other.read_ns < one.write_ns;
            assert_eq!(overlaps, overlap, "{exclusion:?}: {one:?} {other:?}");
        }
    }

    #[tokio::test]
    async fn a_lock_that_is_not_free_in_time_sells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.txt");
        fs::write(&path, "{\"count\": 3}\n").unwrap();
        let mut outsider = RwLock::new(open(&path).unwrap());
        let _held = outsider.write().unwrap();
        let delays = Delays::default();
        let seller = LessonSeller::new(&path, Exclusion::File, delays, Duration::from_millis(5));
        let refused = seller.buy(1).await.unwrap_err();
        assert!(matches!(refused, LessonError::LockTimeout { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"count\": 3}\n");
    }
}
