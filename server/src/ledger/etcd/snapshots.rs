//! Snapshots, and the pages into which the batches behind one are merged: made beside the sales.
//!
//! A snapshot is written part by part, and is there once the key `snapshot` says so.
//! Then what is left of others is removed, and the batches up to it are merged: one
//! transaction puts a page and removes its batches. Each of these transactions compares
//! the key that it moves on, so that several servers do no harm to each other, and a
//! server that dies in the middle leaves parts that the next snapshot removes.

use std::{
    io::{self, BufReader, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use etcd_client::{Compare, CompareOp, DeleteOptions, GetOptions, Txn, TxnOp};
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, sync::mpsc, time::sleep};

use crate::{
    domain::Inventory,
    ledger::{
        etcd::{
            cluster::{ANSWER, Cluster, LONG_ANSWER, Link},
            error::EtcdError,
            keys::Keys,
            options::Sizes,
            store::{Incarnation, changing, damaged, reading},
            text::{self, FoldedLine, SnapshotLine},
        },
        format::{base::Base, snapshot},
    },
};

/// How long a part is, in bytes.
const PART_BYTES: usize = 512 << 10;

/// How long the cluster is left to others behind a part or a page.
const PAUSE: Duration = Duration::from_millis(10);

/// How often a snapshot is read that is replaced meanwhile.
const TRIES: usize = 3;

/// How many batches are read at once to be merged.
const PAGE_READS: i64 = 64;

/// The longest page, compressed, in bytes; what does not fit goes into the next.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Makes the snapshots of one process.
pub(super) struct Snapshots {
    keys: Keys,
    cluster: Cluster,
    handle: Handle,
    sizes: Sizes,
    /// How much was appended, by whomever, since one was due, in bytes.
    written: usize,
    shared: Arc<Shared>,
}

/// What is shared with the task that writes one.
#[derive(Debug, Default)]
struct Shared {
    is_running: AtomicBool,
    /// How long the last one is, in bytes.
    size: AtomicUsize,
}

impl Snapshots {
    pub(super) fn new(keys: Keys, cluster: Cluster, handle: Handle, sizes: Sizes) -> Self {
        Self { keys, cluster, handle, sizes, written: 0, shared: Arc::default() }
    }

    /// So many bytes were appended.
    pub(super) fn written(&mut self, bytes: usize) {
        self.written += bytes;
    }

    /// Whether one is worth its while: more was appended than will be written.
    pub(super) fn is_due(&self) -> bool {
        self.written >= self.sizes.snapshot.max(self.shared.size.load(Ordering::Relaxed))
            && !self.shared.is_running.load(Ordering::Acquire)
    }

    /// Writes `inventory`, which stands at `at`, while others sell, and merges the batches behind it.
    pub(super) fn keep(&mut self, inventory: Inventory, at: Base, incarnation: Incarnation) {
        self.written = 0;
        self.shared.is_running.store(true, Ordering::Release);
        let job = Job {
            keys: self.keys.clone(),
            cluster: self.cluster.another(),
            sizes: self.sizes,
            incarnation,
        };
        let shared = Arc::clone(&self.shared);
        self.handle.spawn(async move {
            match job.run(inventory, at).await {
                Ok(Some(size)) => shared.size.store(size, Ordering::Relaxed),
                Ok(None) => tracing::debug!("another server has made a snapshot"),
                Err(error) => tracing::warn!("no snapshot of the ledger: {error}"),
            }
            shared.is_running.store(false, Ordering::Release);
        });
    }
}

/// One snapshot, and the pages behind it.
struct Job {
    keys: Keys,
    cluster: Cluster,
    sizes: Sizes,
    incarnation: Incarnation,
}

impl Job {
    /// Gives the size of the snapshot in bytes; `None` where another server was faster.
    async fn run(mut self, inventory: Inventory, at: Base) -> Result<Option<usize>, EtcdError> {
        let mut link = self.cluster.link().await?;
        let (last, marked_at) = marked::<SnapshotLine>(&mut link, &self.keys.snapshot()).await?;
        if last.is_some_and(|last| last.at.revision >= at.revision) {
            return Ok(None);
        }
        let revision = at.revision;
        let (parts, bytes) = self.write_parts(&mut link, inventory, &at, marked_at).await?;
        let line = text::line(&SnapshotLine { at, parts });
        let puts = [TxnOp::put(self.keys.snapshot(), line, None)];
        let txn = Txn::new().when(self.unmoved(self.keys.snapshot(), marked_at)).and_then(puts);
        let marked = changing(ANSWER, link.kv.txn(txn)).await?;
        let Some(marked_at) = marked.header().filter(|_| marked.succeeded()) else {
            return Ok(None);
        };
        self.remove_others(&mut link, revision, marked_at.revision()).await?;
        while self.merge(&mut link, revision).await? {
            sleep(PAUSE).await;
        }
        Ok(Some(bytes))
    }

    /// Writes the parts; gives how many there are, and how many bytes.
    async fn write_parts(
        &self,
        link: &mut Link,
        inventory: Inventory,
        at: &Base,
        marked_at: i64,
    ) -> Result<(u64, usize), EtcdError> {
        let (to, mut parts) = mpsc::channel(1);
        let base = at.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let mut out = Parts { part: Vec::with_capacity(PART_BYTES), to };
            snapshot::write(&inventory, &base, &mut out).and_then(|()| out.flush())
        });
        let (mut number, mut bytes) = (0, 0);
        while let Some(part) = parts.recv().await {
            bytes += part.len();
            let puts = [TxnOp::put(self.keys.snapshot_part(at.revision, number), part, None)];
            let txn = Txn::new().when(self.unmoved(self.keys.snapshot(), marked_at)).and_then(puts);
            if !changing(ANSWER, link.kv.txn(txn)).await?.succeeded() {
                return Err(EtcdError::Unknown("another server has made one meanwhile".to_owned()));
            }
            number += 1;
            sleep(PAUSE).await;
        }
        let written = writing.await.map_err(|error| EtcdError::Unknown(error.to_string()))?;
        written.map_err(|error| EtcdError::Unknown(error.to_string()))?;
        Ok((number, bytes))
    }

    /// Removes the parts of all snapshots but the one at `revision`, while that is the one to be read.
    async fn remove_others(
        &self,
        link: &mut Link,
        revision: u64,
        marked_at: i64,
    ) -> Result<(), EtcdError> {
        let part = |revision| self.keys.snapshot_part(revision, 0);
        let remove = |first, end| TxnOp::delete(first, Some(DeleteOptions::new().with_range(end)));
        let removes = [
            remove(part(0), part(revision)),
            remove(part(revision + 1), self.keys.snapshots_end()),
        ];
        let txn = Txn::new().when(self.unmoved(self.keys.snapshot(), marked_at)).and_then(removes);
        changing(ANSWER, link.kv.txn(txn)).await.map(|_| ())
    }

    /// Merges the oldest batches up to `revision` into a page, where they make one; whether they did.
    async fn merge(&self, link: &mut Link, revision: u64) -> Result<bool, EtcdError> {
        let (folded, folded_at) = marked::<FoldedLine>(link, &self.keys.folded()).await?;
        let first = folded.map_or(0, |folded| folded.last) + 1;
        let Some((page, last)) = self.page_from(link, first, revision).await? else {
            return Ok(false);
        };
        let batches = DeleteOptions::new().with_range(self.keys.batch(last + 1));
        let moves = [
            TxnOp::put(self.keys.page(first), page, None),
            TxnOp::put(self.keys.folded(), text::line(&FoldedLine { last }), None),
            TxnOp::delete(self.keys.batch(first), Some(batches)),
        ];
        let txn = Txn::new().when(self.unmoved(self.keys.folded(), folded_at)).and_then(moves);
        Ok(changing(LONG_ANSWER, link.kv.txn(txn)).await?.succeeded())
    }

    /// A page of the batches from the record `first` on, none of them behind `revision`, and its last record;
    /// `None` where they do not make one.
    async fn page_from(
        &self,
        link: &mut Link,
        first: u64,
        revision: u64,
    ) -> Result<Option<(Vec<u8>, u64)>, EtcdError> {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        let mut next = first;
        while text.len() < self.sizes.page {
            let end = self.keys.batch(revision + 1);
            let range = GetOptions::new().with_range(end).with_limit(PAGE_READS);
            let read =
                reading(LONG_ANSWER, link.kv.get(self.keys.batch(next), Some(range))).await?;
            for kv in read.kvs() {
                let stored = text::batches(kv.value());
                let stored = stored.map_err(|fault| damaged(kv.key(), &fault))?;
                let batch = stored.last().filter(|batch| batch.first == next);
                let batch =
                    batch.ok_or_else(|| damaged(kv.key(), &"a batch is missing before it"))?;
                if batch.last() > revision || text.len() >= self.sizes.page {
                    break;
                }
                text.extend_from_slice(kv.value());
                next = batch.last() + 1;
                ends.push((text.len(), batch.last()));
            }
            if !read.more() {
                break;
            }
        }
        if text.len() < self.sizes.page {
            return Ok(None);
        }
        while let Some((end, last)) = ends.pop() {
            let page = text::page(&text[..end]);
            if page.len() <= PAGE_BYTES_MAX || ends.is_empty() {
                return Ok(Some((page, last)));
            }
        }
        Ok(None)
    }

    /// That this is still the counter, and `mark` as it was at `marked_at`.
    fn unmoved(&self, mark: Vec<u8>, marked_at: i64) -> Vec<Compare> {
        let mut compares = self.incarnation.is_there(&self.keys);
        compares.push(Compare::mod_revision(mark, CompareOp::Equal, marked_at));
        compares
    }
}

/// A mark, and when it was written: 0 where there is none, as a comparison has it.
pub(super) async fn marked<T: DeserializeOwned>(
    link: &mut Link,
    key: &[u8],
) -> Result<(Option<T>, i64), EtcdError> {
    let read = reading(ANSWER, link.kv.get(key, None)).await?;
    let Some(kv) = read.kvs().first() else { return Ok((None, 0)) };
    let mark = text::read_line(kv.value()).map_err(|fault| damaged(key, &fault))?;
    Ok((Some(mark), kv.mod_revision()))
}

/// The snapshot that is to be read, and from where the records go on; `None` where there is no sound one.
pub(super) async fn read(
    link: &mut Link,
    keys: &Keys,
    names_max: usize,
) -> Result<Option<(Base, Inventory)>, EtcdError> {
    for _ in 0..TRIES {
        let (mark, _) = marked::<SnapshotLine>(link, &keys.snapshot()).await?;
        let Some(SnapshotLine { at, parts }) = mark else { return Ok(None) };
        let mut bytes = Vec::new();
        let mut read = 0;
        while read < parts {
            let key = keys.snapshot_part(at.revision, read);
            let part = reading(LONG_ANSWER, link.kv.get(key, None)).await?;
            let Some(part) = part.kvs().first() else { break };
            bytes.extend_from_slice(part.value());
            read += 1;
        }
        if read < parts {
            // It was replaced while it was read.
            continue;
        }
        let inventory = snapshot::read(BufReader::new(&bytes[..]), &at, names_max);
        match inventory {
            Ok(inventory) => return Ok(Some((at, inventory))),
            Err(error) => {
                tracing::warn!("the snapshot at revision {} is passed over: {error}", at.revision);
                return Ok(None);
            }
        }
    }
    tracing::warn!("no snapshot is whole: all of the ledger is read");
    Ok(None)
}

/// What is written, in parts on their way to the cluster.
struct Parts {
    part: Vec<u8>,
    to: mpsc::Sender<Vec<u8>>,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        let sent = if part.is_empty() { Ok(()) } else { self.to.blocking_send(part) };
        sent.map_err(|_| io::Error::other("the cluster takes no more"))
    }
}
