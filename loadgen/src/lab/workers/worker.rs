//! A worker from within: the lesson's program in a process of its own, on real files and real
//! locks, which stops before each line until it is told to go on.
//!
//! It is told so by a line on stdin, and says on stdout, as one line of JSON, where it is then and
//! what it knows.
//!
//! # Invariants
//! - It ends with the process that started it: by the kernel's signal, or when its stdin closes.
//! - A line that waits for a lock waits in the kernel, and is not answered before it has the lock.

use std::{
    fs::{self, File},
    io::{self, BufRead, Read, Seek, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::lab::model::{
    content,
    program::{Lock, Step, Variant},
    setup::Setup,
};
use crate::lifeline;

/// What is sold, in the lab's folder.
pub(crate) const DB: &str = "db.txt";
/// What is locked in its stead where it is replaced.
pub(crate) const BESIDE: &str = "db.lock";
/// What is locked beside it where two locks are taken.
pub(crate) const SALES: &str = "sales.txt";

/// What a worker is told first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) folder: PathBuf,
    pub(crate) number: u8,
    pub(crate) setup: Setup,
}

/// What a worker says behind each line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The line that comes next; `None`: it has ended.
    pub(crate) next: Option<usize>,
    pub(crate) count: Option<u32>,
    /// The ticket that it has sold.
    pub(crate) ticket: Option<u32>,
    /// Bytes that were no count, which ended it.
    pub(crate) broke: Option<String>,
    /// Whether its swap has just failed.
    pub(crate) swap_failed: bool,
    /// Whether it holds the mutex in its memory.
    pub(crate) has_mutex: bool,
}

/// The mutex of the process: as good as any, and nobody else's.
static MUTEX: Mutex<()> = Mutex::new(());

/// What the program has in its variables.
struct Program {
    plan: Plan,
    told: Told,
    db: Option<File>,
    beside: Option<File>,
    sales: Option<File>,
    guard: Option<MutexGuard<'static, ()>>,
    seen: Vec<u8>,
}

/// Runs the program in this process, which `parent` started.
///
/// # Errors
/// The parent is gone, or the system refuses what the program does.
pub(crate) fn run_worker(parent: u32) -> io::Result<()> {
    lifeline::follow(parent).map_err(io::Error::other)?;
    let mut orders = io::stdin().lock().lines();
    let Some(plan) = orders.next().transpose()? else { return Ok(()) };
    let mut program = Program::new(serde_json::from_str(&plan)?);
    tell(&program.told)?;
    while let Some(line) = program.told.next {
        if orders.next().transpose()?.is_none() {
            return Ok(());
        }
        program.step(line)?;
        tell(&program.told)?;
    }
    Ok(())
}

fn tell(told: &Told) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(format!("{}\n", serde_json::to_string(told)?).as_bytes())?;
    stdout.flush()
}

impl Program {
    fn new(plan: Plan) -> Self {
        let told = Told { next: Some(0), ..Told::default() };
        let (db, beside, sales, guard) = (None, None, None, None);
        Self { plan, told, db, beside, sales, guard, seen: Vec::new() }
    }

    fn variant(&self) -> Variant {
        self.plan.setup.variant
    }

    /// Does `line`, and finds out which comes next.
    fn step(&mut self, line: usize) -> io::Result<()> {
        self.told.swap_failed = false;
        self.told.next = Some(line + 1).filter(|next| *next < self.variant().lines().len());
        match self.variant().lines()[line].step {
            Step::Open => self.open()?,
            Step::Lock(lock) => self.lock(lock)?,
            Step::Read => self.read()?,
            Step::Check => {
                if self.told.count == Some(0) {
                    self.told.next = Some(self.variant().behind_the_sale());
                }
            }
            Step::Subtract => self.told.count = self.told.count.map(|count| count - 1),
            Step::Empty => self.file(Lock::Opened)?.set_len(0)?,
            Step::Write => {
                self.file(Lock::Opened)?.write_all_at(self.text().as_bytes(), 0)?;
                self.sell();
            }
            Step::Swap => self.swap()?,
            Step::WriteNew => fs::write(self.new_file(), self.text())?,
            Step::Rename => {
                fs::rename(self.new_file(), self.plan.folder.join(DB))?;
                self.sell();
            }
            Step::Unlock(Lock::Memory) => self.unlock_memory(),
            Step::Unlock(lock) => self.file(lock)?.unlock()?,
            Step::Close => (self.db, self.sales) = (None, None),
        }
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        self.db = Some(open(&self.plan.folder, DB)?);
        if self.variant() == Variant::TwoLocks {
            self.sales = Some(open(&self.plan.folder, SALES)?);
        }
        Ok(())
    }

    fn lock(&mut self, lock: Lock) -> io::Result<()> {
        match lock {
            Lock::Memory => {
                // Nobody panics while it is held: a process ends with its program.
                self.guard = Some(MUTEX.lock().unwrap_or_else(PoisonError::into_inner));
                self.told.has_mutex = true;
                Ok(())
            }
            Lock::Beside => {
                let file = self.beside.insert(open(&self.plan.folder, BESIDE)?);
                file.lock()
            }
            lock => self.file(lock)?.lock(),
        }
    }

    fn unlock_memory(&mut self) {
        self.guard = None;
        self.told.has_mutex = false;
    }

    fn read(&mut self) -> io::Result<()> {
        let mut file = self.file(Lock::Opened)?;
        let mut seen = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut seen)?;
        self.told.count = content::count(&seen);
        if self.told.count.is_none() {
            self.told.next = None;
            self.told.broke = Some(String::from_utf8_lossy(&seen).into_owned());
            // IMPORTANT: before anybody is told: whoever waits for its locks has them by then.
            (self.db, self.beside, self.sales) = (None, None, None);
            self.unlock_memory();
        }
        self.seen = seen;
        Ok(())
    }

    /// One step for everybody else: they all stand still meanwhile, and the lock keeps out whoever
    /// is not of this lab.
    fn swap(&mut self) -> io::Result<()> {
        let mut file = self.file(Lock::Opened)?;
        file.lock()?;
        let mut now = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut now)?;
        let is_unchanged = now == self.seen;
        if is_unchanged {
            file.set_len(0)?;
            file.write_all_at(self.text().as_bytes(), 0)?;
        }
        file.unlock()?;
        if is_unchanged {
            self.sell();
        } else {
            self.told.next = Some(self.variant().reading());
            self.told.swap_failed = true;
        }
        Ok(())
    }

    fn sell(&mut self) {
        let tickets = self.plan.setup.tickets;
        self.told.ticket = self.told.count.map(|count| tickets - count);
    }

    fn text(&self) -> String {
        content::text(self.told.count.unwrap_or_default())
    }

    fn new_file(&self) -> PathBuf {
        self.plan.folder.join(format!("db.new.{}", self.plan.number))
    }

    /// The file that `lock` is on.
    fn file(&self, lock: Lock) -> io::Result<&File> {
        let is_odd = self.plan.number % 2 == 1;
        let file = match lock {
            Lock::Beside => &self.beside,
            Lock::First if !is_odd => &self.sales,
            Lock::Second if is_odd => &self.sales,
            Lock::Memory | Lock::Opened | Lock::First | Lock::Second => &self.db,
        };
        file.as_ref().ok_or_else(|| io::Error::other("a file is used that is not open"))
    }
}

fn open(folder: &Path, name: &str) -> io::Result<File> {
    File::options().read(true).write(true).open(folder.join(name))
}
