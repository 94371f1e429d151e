//! The workers of a lab from without, the folder that they work in, and one step of one of them.
//!
//! # Invariants
//! - Between two steps every worker is before a line, in the kernel waiting for a lock, or over.
//! - Dropped, it leaves no process and no file.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{ChildStdin, ChildStdout},
    time::sleep,
};

use crate::lab::{
    error::LabError,
    model::{content, setup::Setup},
    workers::{
        kernel::locks_of,
        worker::{BESIDE, DB, Plan, SALES, Told},
    },
};
use crate::lifeline::{self, OwnedChild};

/// The hidden subcommand that a worker carries out.
const SUBCOMMAND: &str = "lab-worker";

/// How often the kernel is asked whether a silent worker waits for a lock.
const LOOK_PERIOD: Duration = Duration::from_millis(1);

/// How long a worker may neither answer nor wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a worker in a step, its own or another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It did its line.
    Did(Told),
    /// It waits in its line for a lock.
    Waits,
    /// It waited, and has the lock now.
    Granted(Told),
}

/// What happened to one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) worker: u8,
    /// The line that it was in.
    pub(crate) line: usize,
    pub(crate) how: How,
}

impl Event {
    /// Whether somebody took a step: a lock is granted in the step in which another gives it back.
    pub(crate) fn is_step(&self) -> bool {
        !matches!(self.how, How::Granted(_))
    }
}

/// A file's lock, as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldLock {
    pub(crate) worker: u8,
    /// The file, by its name, or a `db.txt` that has been replaced.
    pub(crate) on: &'static str,
    pub(crate) waits: bool,
}

/// A `db.txt` that is one no longer.
pub(crate) const REPLACED: &str = "the old db.txt";

/// Workers and their folder.
#[derive(Debug)]
pub(crate) struct Stage {
    // Dropped first: a worker that still writes keeps a folder from being removed.
    workers: Vec<Worker>,
    folder: TempDir,
}

/// One worker.
#[derive(Debug)]
struct Worker {
    number: u8,
    process: u32,
    child: OwnedChild,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    told: Told,
    /// The line in which it waits for a lock.
    waits_in: Option<usize>,
}

impl Stage {
    /// Makes the files in a folder below `folder` and starts the workers; each is before its first line then.
    ///
    /// # Errors
    /// The system refuses a file or a process.
    pub(crate) async fn set_up(folder: &Path, setup: Setup) -> Result<Self, LabError> {
        let folder = tempfile::Builder::new().prefix("shop-").tempdir_in(folder);
        let folder = folder.map_err(LabError::io("make a folder"))?;
        let text = content::text(setup.tickets);
        for (name, text) in [(DB, &*text), (BESIDE, ""), (SALES, "")] {
            let written = fs::write(folder.path().join(name), text);
            written.map_err(LabError::io("write the files of the lab"))?;
        }
        let workers: io::Result<Vec<Worker>> = setup.numbers().map(Worker::start).collect();
        let workers = workers.map_err(LabError::io("start a worker"))?;
        let mut stage = Self { workers, folder };
        for worker in &mut stage.workers {
            let folder = stage.folder.path().to_owned();
            let plan = Plan { folder, number: worker.number, setup };
            let plan = serde_json::to_string(&plan).map_err(io::Error::from);
            worker.order(&plan.map_err(LabError::io("name the folder"))?).await?;
        }
        for worker in &mut stage.workers {
            worker.hear().await?;
        }
        Ok(stage)
    }

    /// Lets worker `number` take its next step, and waits until all are at rest again; `None` where
    /// it has none. Tells what happened, to it first.
    ///
    /// # Errors
    /// A worker is gone, or neither goes on nor waits for a lock.
    pub(crate) async fn step(&mut self, number: u8) -> Result<Option<Vec<Event>>, LabError> {
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.number == number) else {
            return Ok(None);
        };
        let (Some(line), None) = (worker.told.next, worker.waits_in) else { return Ok(None) };
        worker.order("go").await?;
        let how = worker.come_to_rest(line).await?.map_or(How::Waits, How::Did);
        let mut events = vec![Event { worker: number, line, how }];
        // Whoever waited may have the lock now that was given back.
        for worker in self.workers.iter_mut().filter(|worker| worker.number != number) {
            let Some(line) = worker.waits_in else { continue };
            if let Some(told) = worker.come_to_rest(line).await? {
                events.push(Event { worker: worker.number, line, how: How::Granted(told) });
            }
        }
        Ok(Some(events))
    }

    /// What each worker said last, whether it waits, and its process.
    pub(crate) fn workers(&self) -> impl Iterator<Item = (u8, u32, &Told, Option<usize>)> {
        self.workers
            .iter()
            .map(|worker| (worker.number, worker.process, &worker.told, worker.waits_in))
    }

    /// The bytes of `db.txt` as they are now.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn file(&self) -> Result<Vec<u8>, LabError> {
        fs::read(self.folder.path().join(DB)).map_err(LabError::io("read `db.txt`"))
    }

    /// The locks on files that workers hold and wait for, as the kernel has them now.
    pub(crate) fn locks(&self) -> Vec<HeldLock> {
        let by_process: BTreeMap<u32, u8> =
            self.workers.iter().map(|worker| (worker.process, worker.number)).collect();
        let processes: Vec<u32> = by_process.keys().copied().collect();
        let inode = |name| fs::metadata(self.folder.path().join(name)).map(|file| file.ino()).ok();
        let names = [DB, BESIDE, SALES].map(|name| (inode(name), name));
        let lines = locks_of(&processes).into_iter();
        let mut locks: Vec<HeldLock> = lines
            .map(|line| {
                let named = names.iter().find(|(inode, _)| *inode == Some(line.inode));
                let on = named.map_or(REPLACED, |(_, name)| name);
                HeldLock { worker: by_process[&line.process], on, waits: line.waits }
            })
            .collect();
        locks.sort_by_key(|lock| (lock.on, lock.waits, lock.worker));
        locks
    }
}

impl Worker {
    fn start(number: u8) -> io::Result<Self> {
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = OwnedChild::spawn(&mut command)?;
        let pipes = child.pipes();
        let process = pipes.id();
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let orders = ChildStdin::from_std(pipes.stdin.take().ok_or_else(missing)?)?;
        let answers = ChildStdout::from_std(pipes.stdout.take().ok_or_else(missing)?)?;
        let answers = BufReader::new(answers).lines();
        let (told, waits_in) = (Told::default(), None);
        Ok(Self { number, process, child, orders, answers, told, waits_in })
    }

    async fn order(&mut self, text: &str) -> Result<(), LabError> {
        let written = self.orders.write_all(format!("{text}\n").as_bytes()).await;
        written.map_err(|_| self.gone())
    }

    /// Waits until it has answered or waits for a lock in `line`; `None`: it waits.
    async fn come_to_rest(&mut self, line: usize) -> Result<Option<Told>, LabError> {
        let began = Instant::now();
        loop {
            tokio::select! {
                biased;
                heard = self.hear() => {
                    heard?;
                    self.waits_in = None;
                    return Ok(Some(self.told.clone()));
                }
                () = sleep(LOOK_PERIOD) => {}
            }
            if locks_of(&[self.process]).iter().any(|lock| lock.waits) {
                self.waits_in = Some(line);
                return Ok(None);
            }
            if began.elapsed() > PATIENCE {
                let how = "neither goes on nor waits for a lock";
                return Err(LabError::Worker { worker: self.number, how });
            }
        }
    }

    /// Waits for what it says next, and for its end where that is its last word.
    async fn hear(&mut self) -> Result<(), LabError> {
        let line = self.answers.next_line().await.ok().flatten();
        let told = line.and_then(|line| serde_json::from_str(&line).ok());
        self.told = told.ok_or_else(|| self.gone())?;
        if self.told.next.is_none() {
            self.child.wait().map_err(LabError::io("wait for a worker"))?;
        }
        Ok(())
    }

    fn gone(&self) -> LabError {
        LabError::Worker { worker: self.number, how: "ended in the middle" }
    }
}
