//! Reading a ledger in etcd beside its turns.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    domain::{Identity, Record, Stock},
    ledger::{
        Archive, Cause, Found, Holder, Summary,
        etcd::{
            cluster::Cluster, error::EtcdError, hint::Hint, keys::Keys, room::Room, store, text,
        },
    },
};

/// How many look records up at once: each may read a page.
const LOOKUPS_MAX: usize = 8;

/// How many of the pieces that were read last are kept.
const KEPT: usize = 8;

/// What is read of a ledger in etcd.
pub struct EtcdArchive {
    keys: Keys,
    cluster: tokio::sync::Mutex<Cluster>,
    handle: Handle,
    hint: Arc<Hint>,
    room: Arc<Room>,
    identity: Arc<OnceLock<Identity>>,
    looking: Arc<Semaphore>,
    /// Records that were read last, each piece in order and without gaps.
    kept: Mutex<VecDeque<Arc<[Record]>>>,
}

impl EtcdArchive {
    pub(super) fn new(
        keys: Keys,
        cluster: Cluster,
        handle: Handle,
        (hint, room): (Arc<Hint>, Arc<Room>),
        identity: Arc<OnceLock<Identity>>,
    ) -> Self {
        let cluster = tokio::sync::Mutex::new(cluster);
        let looking = Arc::new(Semaphore::new(LOOKUPS_MAX));
        Self { keys, cluster, handle, hint, room, identity, looking, kept: Mutex::default() }
    }

    async fn read(&self, first: u64, last: u64) -> Result<Vec<Record>, EtcdError> {
        let mut records: Vec<Record> = Vec::new();
        let mut next = first;
        while next <= last {
            let Some(piece) = self.piece_with(next).await? else { break };
            let from = piece.partition_point(|record| record.revision < next);
            let to = piece.partition_point(|record| record.revision <= last);
            records.extend_from_slice(&piece[from..to]);
            let Some(end) = piece.last() else { break };
            next = end.revision + 1;
        }
        Ok(records)
    }

    /// The piece of the ledger that has the record `revision`; `None` where none has.
    async fn piece_with(&self, revision: u64) -> Result<Option<Arc<[Record]>>, EtcdError> {
        let has_it = |piece: &[Record]| {
            let ends = piece.first().zip(piece.last());
            ends.is_some_and(|(first, last)| (first.revision..=last.revision).contains(&revision))
        };
        if let Some(piece) = self.kept().iter().find(|piece| has_it(piece)) {
            return Ok(Some(Arc::clone(piece)));
        }
        let text = self.read_around(revision).await?;
        let Some(text) = text else { return Ok(None) };
        let stored = text::batches(&text);
        let stored = stored.map_err(|fault| store::damaged(&self.keys.batch(revision), &fault))?;
        let records = stored.into_iter().flat_map(|batch| batch.records);
        let piece: Arc<[Record]> = records.map(|(record, _)| record).collect();
        if !has_it(&piece) {
            return Ok(None);
        }
        let mut kept = self.kept();
        kept.push_front(Arc::clone(&piece));
        kept.truncate(KEPT);
        Ok(Some(piece))
    }

    /// Asks again where the member that was asked before is gone: a reading changes nothing.
    async fn read_around(&self, revision: u64) -> Result<Option<Vec<u8>>, EtcdError> {
        match self.try_to_read_around(revision).await {
            Err(error) if !error.is_lasting() => self.try_to_read_around(revision).await,
            read => read,
        }
    }

    async fn try_to_read_around(&self, revision: u64) -> Result<Option<Vec<u8>>, EtcdError> {
        let mut link = self.cluster.lock().await.link().await?;
        let read = store::read_around(&mut link, &self.keys, revision).await;
        if read.is_err() {
            self.cluster.lock().await.forget();
        }
        read
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<[Record]>>> {
        // Nobody panics with half a piece.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive for EtcdArchive {
    fn is_current(&self, _known: Stock) -> bool {
        // What is there now, only the cluster can tell.
        false
    }

    fn may_have_news(&self, known: Stock) -> bool {
        self.hint.heard().head.is_some_and(|head| head.revision > known.revision)
    }

    fn room_taken(&self) -> Option<f64> {
        self.room.taken()
    }

    fn is_read_anew(&self) -> bool {
        false
    }

    fn identity(&self) -> Option<Identity> {
        self.identity.get().cloned()
    }

    fn summary(&self) -> Result<Summary, Cause> {
        // A head may be there ahead of its counter, while that is being imported.
        let head = self.hint.heard().head.filter(|_| self.identity.get().is_some());
        let head = head.ok_or_else(|| Cause::of("nothing was heard of the counter yet"))?;
        Ok(Summary { remaining: head.count, sold: Some(head.sold) })
    }

    fn records(self: Arc<Self>, first: u64, last: u64) -> Found {
        Box::pin(async move {
            let handle = self.handle.clone();
            let reading = async move {
                let _permit = self.looking.acquire().await.map_err(Cause::of)?;
                self.read(first, last).await.map_err(Cause::of)
            };
            handle.spawn(reading).await.map_err(Cause::of)?
        })
    }

    fn holders(&self) -> Vec<Holder> {
        Vec::new()
    }
}
