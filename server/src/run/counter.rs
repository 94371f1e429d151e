//! The counter behind the routes: found or created, recovered, and served by its committer.

use std::{
    io,
    path::{Path, PathBuf},
    process,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{sync::oneshot, time::timeout};

use crate::{
    config::{Config, Durability, Locking},
    counter::{Counter, GroupCommit, Meters, Refusal, ReplyChannel, Seller, lesson::LessonSeller},
    domain::{Inventory, Stock},
    http::message::token::Seal,
    ledger::file::{
        creation,
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
    run::{RunError, real_path::real_path_of},
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
    /// What it does is counted by these.
    pub(super) meters: Arc<Meters>,
    /// How many were left and sold as it was opened, and how it is locked, for people.
    pub(super) greeting: String,
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
        let head = read_head(path)?;
        let greeting = format!("{} left, locking {}", head.count, exclusion.name());
        let seller = LessonSeller::new(path, exclusion, delays, config.lock_timeout);
        let meters = Arc::<Meters>::default();
        let face = |_| Counter::new(Seller::Lesson(seller.clone()), path, Arc::clone(&meters));
        let faces = channels.iter().map(face).collect();
        Ok(Self { faces, seal: None, meters, greeting, group: None })
    }

    async fn open_group(
        config: &Config,
        path: &Path,
        channels: Vec<ReplyChannel>,
    ) -> Result<Self, RunError> {
        let synced = config.durability == Durability::Synced;
        let (patience, names_max) = (config.lock_timeout, config.names_max);
        let (engine, inventory) = open_ledger(path, synced, patience, names_max).await?;
        let (archive, seal) =
            (engine.archive(), Some(Seal::new(&engine.key(), inventory.epochs())));
        // Each event loop reads by itself: none waits for another's reading.
        let archives: Vec<_> = channels.iter().map(|_| Arc::new(archive.another())).collect();
        let Stock { remaining, .. } = inventory.stock();
        let greeting =
            format!("{remaining} left, {} sold, locking group", inventory.stock().sold());
        let (timeout, meters) = (config.lock_timeout, Arc::<Meters>::default());
        let (group, committer) = GroupCommit::new(
            engine,
            inventory,
            archive,
            timeout,
            channels.clone(),
            meters.clone(),
            now_ms,
        );
        let faces = channels.into_iter().zip(archives).map(|(channel, archive)| {
            let seller = Seller::Group { group: group.clone(), channel, archive };
            Counter::new(seller, path, Arc::clone(&meters))
        });
        let faces = faces.collect();
        let thread = thread::Builder::new().name("committer".to_owned());
        let thread = thread.spawn(|| committer.run())?;
        Ok(Self { faces, seal, meters, greeting, group: Some((group, thread)) })
    }

    /// Withdraws late requests for as long as the server runs.
    pub(super) async fn watch(&self) {
        if let Some((group, _)) = &self.group {
            group.watch().await;
        }
    }

    /// Tells those who still wait that they were not sold anything, while they can be told.
    pub(super) fn turn_away(&self) {
        if let Some((group, _)) = &self.group {
            group.turn_away(&Refusal::ShuttingDown);
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
    let path = real_path_of(&config.db)?;
    if let Some(count) = config.init {
        let layout = Layout::around(&path);
        creation::clean(&RealDisk, &layout, process::id());
        if [&layout.head, &layout.folder].iter().all(|path| is_missing(path)) {
            create(&layout, count)
                .map_err(|source| RunError::Init { path: config.db.clone(), source })?;
        }
    }
    let found = RealDisk.stat(&path).map_err(|source| HeadError::io(&config.db, source));
    found.map_err(OpenError::from)?;
    Ok(path)
}

fn is_missing(path: &Path) -> bool {
    RealDisk.stat(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn create(layout: &Layout, count: u64) -> io::Result<()> {
    let nonce = random()?.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    creation::create(&RealDisk, layout, count, (process::id(), nonce))
}

fn read_head(path: &Path) -> Result<Head, OpenError> {
    let file = RealDisk.open(path).map_err(|source| HeadError::io(path, source))?;
    let size = file.size().map_err(|source| HeadError::io(path, source))?;
    Ok(reader::parse(path, &reader::read_bytes(path, &file, size)?)?)
}

/// Opens and recovers the ledger, unless somebody holds the locks for longer than `patience`.
pub(super) async fn open_ledger(
    path: &Path,
    synced: bool,
    patience: Duration,
    names_max: usize,
) -> Result<(FileEngine<RealDisk>, Inventory), RunError> {
    let (on_locked, locked) = oneshot::channel();
    let (on_opened, opened) = oneshot::channel();
    let head = path.to_owned();
    let (process, sizes) = (process::id(), Sizes::default());
    let pause = thread::sleep;
    let options =
        Options { synced, process, names_max, sizes, now_ms, random, in_background, pause };
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

pub(super) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Bytes that nobody can guess.
///
/// # Errors
/// What the system says.
pub(super) fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let length = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    // Up to 256 bytes come whole once the system has gathered randomness (getrandom(2)).
    assert_eq!(length, bytes.len(), "the system gave too few random bytes");
    Ok(bytes)
}

fn in_background(job: Job) -> io::Result<()> {
    thread::Builder::new().name("preallocation".to_owned()).spawn(job).map(|_| ())
}
