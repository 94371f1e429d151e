//! The ledger in etcd as an engine.

use std::{
    io,
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::Instant,
};

use tokio::runtime::{self, Runtime};

use crate::{
    domain::Identity,
    ledger::{
        Cause, Engine, Fault,
        etcd::{
            archive::EtcdArchive,
            batch::EtcdBatch,
            cluster::{Access, Cluster},
            error::EtcdError,
            hint::{self, Hint},
            keys::Keys,
            lead::{Lead, Next},
            options::{New, Options},
            progress::Progress,
            room::{self, Room},
            snapshots::Snapshots,
            turn::EtcdTurn,
        },
        format::base::Base,
    },
};

/// A ledger in etcd, which is read as its first turn begins.
pub struct EtcdEngine {
    pub(super) progress: Progress,
    /// Whether no turn was begun yet.
    is_new: bool,
    archive: Arc<EtcdArchive>,
    /// What goes on between the turns: connections, hints, snapshots, reading.
    runtime: Option<Runtime>,
}

impl EtcdEngine {
    /// The ledger of the counter `name` in the cluster behind `access`; nobody is asked yet.
    ///
    /// # Errors
    /// What the system says where it has no room for a thread.
    pub fn new(access: Access, name: &str, options: Options) -> io::Result<Self> {
        let new = options.new.map(New::base);
        Self::with(access, name, Keys::of(name), new, &options)
    }

    /// The ledger behind `keys`, which is made to begin with `new` where it is missing.
    pub(super) fn with(
        access: Access,
        name: &str,
        keys: Keys,
        new: Option<Base>,
        options: &Options,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("etcd")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (cluster, hint) = (Cluster::new(access.clone()), Arc::<Hint>::default());
        let writer = format!("{:032x}", options.writer);
        handle.spawn(hint::watch(Arc::clone(&hint), cluster.another(), keys.clone()));
        let room = Arc::<Room>::default();
        let place = format!("etcd://{}/{name}", access.members.join(","));
        handle.spawn(room::watch(Arc::clone(&room), access, cluster.another(), place));
        let (for_archive, for_snapshots) = (cluster.another(), cluster.another());
        let identity = Arc::<OnceLock<Identity>>::default();
        let archive = EtcdArchive::new(
            keys.clone(),
            for_archive,
            handle.clone(),
            (Arc::clone(&hint), room),
            Arc::clone(&identity),
        );
        let snapshots = Snapshots::new(keys.clone(), for_snapshots, handle.clone(), options.sizes);
        let dice = u64::try_from(options.writer & u128::from(u64::MAX)).unwrap_or_default();
        let progress = Progress {
            name: name.to_owned(),
            keys,
            cluster,
            handle,
            lead: Lead::new(&writer, dice),
            names_max: options.names_max,
            new,
            hint,
            snapshots,
            writer,
            numbers: Arc::new(AtomicU64::new(1)),
            found: None,
            opened: None,
            identity,
            in_doubt: None,
            refused: None,
        };
        Ok(Self { progress, is_new: true, archive: Arc::new(archive), runtime: Some(runtime) })
    }

    /// What is read beside the turns.
    pub fn archive(&self) -> Arc<EtcdArchive> {
        Arc::clone(&self.archive)
    }
}

impl Engine for EtcdEngine {
    type Batch = EtcdBatch;
    type Turn<'a> = EtcdTurn<'a>;

    fn begin(&mut self) -> Result<EtcdTurn<'_>, Fault> {
        let progress = &mut self.progress;
        if let Some(refused) = progress.refused.take() {
            return Err(Fault::Passing(Cause::of(refused)));
        }
        loop {
            let heard = progress.hint.heard();
            match progress.lead.next(Instant::now(), &heard) {
                Next::Go => break,
                Next::Wait(patience) => progress.hint.wait_for_newer(heard.head_at, patience),
            };
        }
        let is_first = std::mem::replace(&mut self.is_new, false);
        match progress.connect() {
            Ok(()) => Ok(EtcdTurn(progress)),
            // Who starts a server on a counter that there is not has mistyped it; later on somebody may
            // put it back.
            Err(missing @ EtcdError::Missing(_)) if is_first => {
                Err(Fault::Lasting(Cause::of(missing)))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn rest(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Nothing that still goes on is waited for: what it had not finished, another does.
impl Drop for EtcdEngine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
