//! The counter behind the routes: opened where it is kept, and served by its committer.

use std::{
    io,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

#[cfg(feature = "etcd")]
use crate::run::etcd_counter;
#[cfg(feature = "postgres")]
use crate::run::postgres_counter;
use crate::{
    config::{Config, Durability, Locking},
    counter::{
        Counter, EndedHolds, GroupCommit, Meters, Refusal, ReplyChannel, Seller,
        lesson::{Delays, Exclusion, LessonSeller},
    },
    db::Db,
    domain::Inventory,
    ledger::{Archive, Cause, End, Engine, Fault, Summary, file::layout::Layout},
    run::{
        RunError,
        file_counter::{locate, open_ledger, read_head},
        machine::now_ms,
    },
};

/// How long the committer may take to finish once nobody can ask any more.
const COMMITTER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to rest between two looks at whether it has.
const COMMITTER_POLL: Duration = Duration::from_millis(5);

/// How long a start looks for where a counter has moved that nobody can buy from.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// How long the greeting waits for what is left, where that is not on this machine.
const GREETING_PATIENCE: Duration = Duration::from_secs(1);

/// What the greeting says where that is not known by then.
const NOT_REACHED: &str = "not reached yet";

/// Why nothing can be sold ahead of the first turn at a ledger that only its turns tell of.
const UNREACHED: &str = "the ledger has not been reached yet";

/// A counter that is open for sale.
pub(super) struct Opened {
    /// One face of it for each channel.
    pub(super) faces: Vec<Counter>,
    /// What it does is counted by these.
    pub(super) meters: Arc<Meters>,
    /// Which counter it is, and how many are left and sold as it was opened, for people.
    pub(super) greeting: String,
    group: Option<(GroupCommit, JoinHandle<()>)>,
}

/// A ledger that was opened.
struct OpenLedger<E, A> {
    engine: E,
    /// All that it has come to; `None` where only its turns tell.
    inventory: Option<Inventory>,
    /// What is read beside its turns: one for the committer, and one for each channel.
    archives: Vec<Arc<A>>,
    /// Where it is kept, for people.
    place: String,
}

impl Opened {
    /// Opens the counter of `config`; the answers to requests come through `channels`.
    pub(super) async fn open(
        config: &Config,
        channels: Vec<ReplyChannel>,
    ) -> Result<Self, RunError> {
        match (&config.db, config.locking) {
            (Db::File(db), locking) => {
                let path = locate(db, config.init)?;
                match locking {
                    Locking::Group => Self::open_file(config, &path, channels).await,
                    Locking::Lesson(exclusion, delays) => {
                        Self::open_lesson(config, &path, (exclusion, delays), &channels)
                    }
                }
            }
            (db, Locking::Lesson(exclusion, _)) => {
                Err(RunError::LessonWithoutFile { locking: exclusion.name(), db: db.clone() })
            }
            #[cfg(feature = "etcd")]
            (Db::Etcd(address), Locking::Group) => {
                let (engine, place) = etcd_counter::open(address, config.init, config.names_max)?;
                let archives = (0..=channels.len()).map(|_| engine.archive()).collect();
                let ledger = OpenLedger { engine, inventory: None, archives, place };
                Self::open_ledger(config, Path::new(""), ledger, channels).await
            }
            #[cfg(feature = "postgres")]
            (Db::Postgres(address), Locking::Group) => {
                let engine = postgres_counter::engine(address, config.init, config.names_max)?;
                let archive = engine.archive();
                let archives = (0..=channels.len()).map(|_| Arc::new(archive.another())).collect();
                let place = config.db.to_string();
                let ledger = OpenLedger { engine, inventory: None, archives, place };
                Self::open_ledger(config, Path::new(""), ledger, channels).await
            }
            #[cfg(not(all(feature = "etcd", feature = "postgres")))]
            (db, Locking::Group) => Err(RunError::NotBuiltIn { db: db.clone() }),
        }
    }

    fn open_lesson(
        config: &Config,
        path: &Path,
        (exclusion, delays): (Exclusion, Delays),
        channels: &[ReplyChannel],
    ) -> Result<Self, RunError> {
        let (locking, folder) = (exclusion.name(), Layout::around(path).folder);
        if folder.exists() {
            return Err(RunError::LessonBesideLedger { locking, folder });
        }
        tracing::warn!("--locking {locking}: {}", exclusion.warning());
        let head = read_head(path)?;
        let greeting = format!("{}: {} left, locking {locking}", path.display(), head.count);
        let seller = LessonSeller::new(path, exclusion, delays, config.lock_timeout);
        let meters = Arc::<Meters>::default();
        let face = |_| Counter::new(Seller::Lesson(seller.clone()), path, Arc::clone(&meters));
        let faces = channels.iter().map(face).collect();
        Ok(Self { faces, meters, greeting, group: None })
    }

    async fn open_file(
        config: &Config,
        path: &Path,
        channels: Vec<ReplyChannel>,
    ) -> Result<Self, RunError> {
        let synced = config.durability == Durability::Synced;
        let (patience, names_max) = (config.lock_timeout, config.names_max);
        let (engine, inventory) = open_ledger(path, synced, patience, names_max).await?;
        let archive = engine.archive(&inventory);
        if inventory.stock().is_closed {
            tell_of_a_move(path, Arc::new(archive.another()), inventory.stock().revision).await;
        }
        // Each event loop reads by itself: none waits for another's reading.
        let archives = (0..=channels.len()).map(|_| Arc::new(archive.another())).collect();
        let (inventory, place) = (Some(inventory), path.display().to_string());
        Self::open_ledger(config, path, OpenLedger { engine, inventory, archives, place }, channels)
            .await
    }

    /// Opens a counter on any engine.
    ///
    /// # Errors
    /// [`RunError::Engine`] where the engine says for good that nothing can be sold from it; one that cannot be
    /// reached just now is waited for while buyers are told so.
    async fn open_ledger<E: Engine + 'static, A: Archive + 'static>(
        config: &Config,
        path: &Path,
        ledger: OpenLedger<E, A>,
        channels: Vec<ReplyChannel>,
    ) -> Result<Self, RunError> {
        let OpenLedger { mut engine, inventory, mut archives, place } = ledger;
        let archive = archives.pop().expect("there is one archive more than channels");
        let stock = inventory.as_ref().map(Inventory::stock);
        let mut is_reached = true;
        let inventory = match inventory {
            Some(inventory) => Ok(inventory),
            None => {
                let reached;
                (engine, reached) = reach(engine).await?.map_err(|cause| {
                    let place = place.clone();
                    RunError::Engine { place, cause }
                })?;
                is_reached = reached.is_ok();
                Err(reached.err().map_or_else(
                    || UNREACHED.into(),
                    |cause| {
                        tracing::warn!("{place}: {cause}");
                        cause.to_string().into()
                    },
                ))
            }
        };
        let (timeout, meters) = (config.lock_timeout, Arc::new(Meters::of(config.db.engine())));
        let (group, committer) = GroupCommit::new(
            engine,
            inventory,
            archive,
            timeout,
            channels.clone(),
            meters.clone(),
            now_ms,
        );
        let ended_holds: Arc<EndedHolds> = Arc::default();
        let told_by = archives.first().map(Arc::clone);
        let faces = channels.into_iter().zip(archives).map(|(channel, archive)| {
            let (group, ended_holds) = (group.clone(), Arc::clone(&ended_holds));
            let seller = Seller::Group { group, channel, archive, ended_holds };
            Counter::new(seller, path, Arc::clone(&meters))
        });
        let faces = faces.collect();
        let thread = thread::Builder::new().name("committer".to_owned());
        let thread = thread.spawn(|| committer.run())?;
        let left = match (stock, told_by) {
            (Some(stock), _) => format!("{} left, {} sold", stock.remaining, stock.sold()),
            (None, Some(archive)) if is_reached => left_in(&*archive).await,
            _ => NOT_REACHED.to_owned(),
        };
        let greeting = format!("{place}: {left}, locking group");
        Ok(Self { faces, meters, greeting, group: Some((group, thread)) })
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

/// Tells whoever starts a server on a counter that has moved elsewhere, which is at the revision `last`, that nothing is
/// sold there any more.
async fn tell_of_a_move(path: &Path, archive: Arc<dyn Archive>, last: u64) {
    let place = path.display();
    match timeout(END_PATIENCE, End::of(&archive, last)).await {
        Ok(Ok(Some(end))) => {
            let (to, revision) = (end.to(), end.revision);
            tracing::warn!(
                "{place}: it was moved to {to} at revision `{revision}`: here nothing is sold any more"
            );
        }
        Ok(Ok(None)) => {}
        Ok(Err(cause)) => tracing::warn!("{place}: it may have moved elsewhere: {cause}"),
        // Its end, if it has one, is far behind: nobody waits for that.
        Err(_) => tracing::warn!("{place}: the sale is closed, and it may have moved elsewhere"),
    }
}

/// What is left, once the first turn has learnt it: a long ledger is not waited for.
async fn left_in(archive: &dyn Archive) -> String {
    let start = Instant::now();
    while start.elapsed() < GREETING_PATIENCE {
        if let Ok(Summary { remaining, .. }) = archive.summary() {
            return format!("{remaining} left");
        }
        sleep(COMMITTER_POLL).await;
    }
    NOT_REACHED.to_owned()
}

/// Takes a first turn at `engine`, in which nothing is done, and gives it back with why it cannot be reached just
/// now, if so.
///
/// # Errors
/// Why nothing can ever be sold from it, within what the system says.
async fn reach<E: Engine + 'static>(
    mut engine: E,
) -> io::Result<Result<(E, Result<(), Cause>), Cause>> {
    // On a thread that may wait, and on which an engine may end that waits for its own.
    let reaching = spawn_blocking(move || {
        let reached = engine.begin().map(drop);
        match reached {
            Ok(()) => Ok((engine, Ok(()))),
            Err(Fault::Passing(cause)) => Ok((engine, Err(cause))),
            Err(Fault::Lasting(cause)) => Err(cause),
        }
    });
    reaching.await.map_err(io::Error::other)
}
