//! The counter behind the routes: found or created, recovered, and served by its committer.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process,
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{sync::oneshot, time::timeout};

use crate::{
    config::{Config, Durability, Locking},
    counter::{Counter, GroupCommit, Refusal, ReplyChannel, Seller, lesson::LessonSeller},
    domain::{Inventory, Stock},
    http::receipt::Seal,
    ledger::file::{
        disk::{Disk, DiskFile, RealDisk},
        engine::FileEngine,
        error::OpenError,
        format::head::Head,
        layout::Layout,
        locks::holders,
        log::preallocation::{Job, Sizes},
        options::Options,
        reader::{self, HeadError},
    },
    run::RunError,
};

/// How long the committer may take to finish once nobody can ask any more.
const COMMITTER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to rest between two looks at whether it has.
const COMMITTER_POLL: Duration = Duration::from_millis(5);

/// A counter that is open for sale.
pub(super) struct Opened {
    /// One face of it for each channel.
    pub(super) faces: Vec<Counter>,
    pub(super) seal: Option<Seal>,
    group: Option<(GroupCommit, JoinHandle<()>)>,
}

impl Opened {
    /// Opens the counter at `path`; the answers to requests come through `channels`.
    pub(super) async fn open(
        config: &Config,
        path: &Path,
        channels: Vec<ReplyChannel>,
    ) -> Result<Self, RunError> {
        let Locking::Lesson(exclusion, delays) = config.locking else {
            return Self::open_group(config, path, channels).await;
        };
        refuse_a_bad_head(path)?;
        let seller = LessonSeller::new(path, exclusion, delays, config.lock_timeout);
        let face = |_| Counter::new(Seller::Lesson(seller.clone()), path);
        Ok(Self { faces: channels.iter().map(face).collect(), seal: None, group: None })
    }

    async fn open_group(
        config: &Config,
        path: &Path,
        channels: Vec<ReplyChannel>,
    ) -> Result<Self, RunError> {
        let synced = config.durability == Durability::Synced;
        let (engine, inventory) = open_ledger(path, synced, config.lock_timeout).await?;
        // Each event loop reads by itself: none waits for another's reading.
        let archives: Vec<_> = channels.iter().map(|_| engine.archive()).collect();
        let (archive, seal) = (engine.archive(), Some(Seal::new(&engine.key())));
        let timeout = config.lock_timeout;
        let (group, committer) =
            GroupCommit::new(engine, inventory, archive, timeout, channels.clone(), now_ms);
        let faces = channels.into_iter().zip(archives).map(|(channel, archive)| {
            Counter::new(Seller::Group { group: group.clone(), channel, archive }, path)
        });
        let faces = faces.collect();
        let thread = thread::Builder::new().name("committer".to_owned());
        let thread = thread.spawn(|| committer.run())?;
        Ok(Self { faces, seal, group: Some((group, thread)) })
    }

    /// Withdraws late requests for as long as the server runs.
    pub(super) async fn watch(&self) {
        if let Some((group, _)) = &self.group {
            group.watch().await;
        }
    }

    /// Lets the committer finish; whoever still waits after that is turned away.
    pub(super) fn close(self) {
        let Some((group, committer)) = self.group else { return };
        group.close();
        let start = Instant::now();
        while !committer.is_finished() && start.elapsed() < COMMITTER_TIMEOUT {
            thread::sleep(COMMITTER_POLL);
        }
        group.turn_away(&Refusal::ShuttingDown);
        if committer.is_finished() && committer.join().is_err() {
            tracing::error!("the committer panicked");
        }
    }
}

/// Finds the counter's file, or creates it; gives its path without symbolic links.
pub(super) fn locate(config: &Config) -> Result<PathBuf, RunError> {
    let path = &config.db;
    let error = |source| RunError::from(OpenError::from(HeadError::io(path, source)));
    match (fs::canonicalize(path), config.init) {
        (Err(missing), _) if missing.kind() == io::ErrorKind::NotFound && path.is_symlink() => {
            Err(error(io::Error::other("a symbolic link that leads nowhere")))
        }
        (Err(missing), Some(count))
            if missing.kind() == io::ErrorKind::NotFound
                && !Layout::around(path).folder.exists() =>
        {
            create(path, count).map_err(|source| RunError::Init { path: path.clone(), source })?;
            fs::canonicalize(path).map_err(error)
        }
        (found, _) => found.map_err(error),
    }
}

/// Creates a counter with `count` tickets; one that appears meanwhile is left as it is.
fn create(path: &Path, count: u64) -> io::Result<()> {
    let stock = Stock { remaining: count, ..Stock::default() };
    let head = Head { sold: None, revision: None, ..Head::of(stock, Vec::new()) };
    let image = head.image(0).unwrap_or_default();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let draft = parent.join(format!(".db.draft.{}", process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&draft)?;
    let written = file.write_all(&image).and_then(|()| file.sync_all());
    // A link, unlike a rename, does not take the place of a file that is there.
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    });
    fs::remove_file(&draft)?;
    linked?;
    RealDisk.sync_dir(parent)
}

fn refuse_a_bad_head(path: &Path) -> Result<(), OpenError> {
    let file = RealDisk.open(path).map_err(|source| HeadError::io(path, source))?;
    let size = file.size().map_err(|source| HeadError::io(path, source))?;
    reader::parse(path, &reader::read_bytes(path, &file, size)?)?;
    Ok(())
}

/// Opens and recovers the ledger, unless somebody holds the locks for longer than `patience`.
async fn open_ledger(
    path: &Path,
    synced: bool,
    patience: Duration,
) -> Result<(FileEngine<RealDisk>, Inventory), RunError> {
    let (on_locked, locked) = oneshot::channel();
    let (on_opened, opened) = oneshot::channel();
    let head = path.to_owned();
    let (process, sizes) = (process::id(), Sizes::default());
    let options = Options { synced, process, sizes, now_ms, random, in_background };
    // The kernel's queue for a lock has no time limit: so another thread waits in it.
    thread::Builder::new().name("opening".to_owned()).spawn(move || {
        // Nobody receives either any more where the server was told to end.
        let _ = on_opened.send(FileEngine::open(&RealDisk, &head, options, || {
            let _ = on_locked.send(());
        }));
    })?;
    // An opening that failed before it had the locks drops the sender: that is no time-out.
    if timeout(patience, locked).await.is_err() {
        let holders = holders(&RealDisk, &Layout::around(path));
        let path = path.to_owned();
        return Err(OpenError::Locked { path, waited: patience, holders }.into());
    }
    // A long ledger takes its time to be read.
    let opened = opened.await;
    Ok(opened
        .map_err(|_| io::Error::other("the thread that opens the ledger stopped"))?
        .map_err(OpenError::from)?)
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let length = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    // Up to 256 bytes come whole once the system has gathered randomness (getrandom(2)).
    assert_eq!(length, bytes.len(), "the system gave too few random bytes");
    Ok(bytes)
}

fn in_background(job: Job) -> io::Result<()> {
    thread::Builder::new().name("spare".to_owned()).spawn(job).map(|_| ())
}
