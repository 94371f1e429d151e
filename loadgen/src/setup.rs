//! What a run of a show is made of: which lock, which kind of worker, which delays.

use std::{fmt, time::Duration};

/// What keeps two purchases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Locking {
    /// Nothing.
    None,
    /// A mutex in the server process.
    Mutex,
    /// The advisory lock on `db.txt`, taken for one purchase.
    File,
    /// The advisory lock on `db.txt`, taken once for all who wait.
    Group,
}

impl Locking {
    /// Every locking, from the least to the most safe.
    pub(crate) const ALL: [Self; 4] = [Self::None, Self::Mutex, Self::File, Self::Group];

    /// The ones that workers can use on `db.txt` themselves.
    pub(crate) const DIRECT: [Self; 2] = [Self::None, Self::File];

    /// The name on the command line and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mutex => "mutex",
            Self::File => "file",
            Self::Group => "group",
        }
    }

    /// Whether it keeps all purchases apart when so many server processes share one counter.
    pub(crate) fn is_safe(self, servers: u32) -> bool {
        match self {
            Self::None => false,
            Self::Mutex => servers <= 1,
            Self::File | Self::Group => true,
        }
    }
}

impl fmt::Display for Locking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// A process of its own, as in the lesson.
    Process,
    /// An operating system thread of this process.
    Thread,
    /// A task on this process's event loop.
    Task,
}

impl Mode {
    /// The name on the command line and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Thread => "thread",
            Self::Task => "task",
        }
    }
}

/// How long a purchase that goes one by one waits between its steps, to give a race its chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delays {
    /// Between reading the count and checking it.
    pub(crate) check: Duration,
    /// Between checking the count and writing it back.
    pub(crate) write: Duration,
}

impl Delays {
    /// The lesson's own: 0.1 s and 0.2 s.
    pub(crate) const LESSON: Self =
        Self { check: Duration::from_millis(100), write: Duration::from_millis(200) };
}
