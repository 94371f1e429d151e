//! Reading all of a ledger in etcd, and holding what else is kept of it against the records.
//!
//! What was acknowledged does not change any more, so nobody is kept from selling: the snapshot is read first, then
//! the head, and the records up to there and beyond.

use std::{collections::VecDeque, io};

use etcd_client::{GetOptions, KeyValue, SortOrder, SortTarget, Txn, TxnOp};
use tokio::runtime::{self, Runtime};

use crate::{
    domain::{Inventory, Record, Stock},
    ledger::{
        Fault, Overview, Scan, agree,
        etcd::{
            batch::Place,
            cluster::{Access, Cluster, LONG_ANSWER, Link},
            creation::find_or_create,
            error::EtcdError,
            keys::{Keys, first_of},
            snapshots::{self, marked},
            store::{self, damaged, gets, reading},
            text::{self, CounterLine, FoldedLine, Head, SnapshotLine, Stored},
        },
        format::base::Base,
    },
};

/// How many batches are read at once.
const BATCHES: i64 = 64;

/// A ledger in etcd that is read from its first record on.
pub struct EtcdScan {
    runtime: Runtime,
    cluster: Cluster,
    keys: Keys,
    line: CounterLine,
    head: Head,
    /// The last record that was merged into a page.
    folded: u64,
    snapshot: Option<(Base, Inventory)>,
    is_snapshot_torn: bool,
    /// Behind what was read.
    place: Place,
    /// What was read and not given yet.
    read: VecDeque<Record>,
    batches: u64,
    pages: u64,
}

impl EtcdScan {
    /// Ahead of the first record of the counter `name` in the cluster behind `access`.
    ///
    /// # Errors
    /// [`EtcdError`].
    pub fn open(access: Access, name: &str) -> Result<Self, EtcdError> {
        let system = |error: io::Error| EtcdError::Unknown(error.to_string());
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
        let (keys, mut cluster) = (Keys::of(name), Cluster::new(access));
        let begun = runtime.block_on(async {
            let mut link = cluster.link().await?;
            let (line, _) = find_or_create(&mut link, &keys, name, None).await?;
            let mark = marked::<SnapshotLine>(&mut link, &keys.snapshot()).await?.0;
            let snapshot = snapshots::read(&mut link, &keys, usize::MAX).await?;
            // IMPORTANT: only now: a snapshot is never ahead of the head that is read behind it.
            let (head, folded) = read_ends(&mut link, &keys).await?;
            Ok((line, mark.is_some(), snapshot, head, folded))
        });
        let (line, has_mark, snapshot, head, folded) = begun?;
        if let Some((at, _)) = &snapshot {
            let wrong = |reason: &str| Err(damaged(&keys.snapshot(), &reason));
            if at.key != line.begins.key {
                return wrong("it is of another counter");
            }
            if at.revision > head.revision {
                return wrong("it is of a later record than the head");
            }
        }
        let Base { at_ms, after: chain, revision, .. } = line.begins;
        if head.revision < revision || (head.revision == revision && head.chain != chain) {
            return Err(damaged(&keys.head(), &"it is not behind what the ledger begins with"));
        }
        let place = Place { stock: line.begins.stock(), at_ms, chain };
        Ok(Self {
            runtime,
            cluster,
            keys,
            line,
            head,
            folded,
            is_snapshot_torn: has_mark && snapshot.is_none(),
            snapshot,
            place,
            read: VecDeque::new(),
            batches: 0,
            pages: 0,
        })
    }

    /// Reads the next batches, or the page that has them; none where there are no more.
    fn read_some(&mut self) -> Result<Vec<Stored>, EtcdError> {
        let (next, keys) = (self.place.stock.revision + 1, &self.keys);
        let (batches, around) = self.runtime.block_on(async {
            let mut link = self.cluster.link().await?;
            let batches = store::read_on(&mut link, keys, next, BATCHES).await?.batches;
            if batches.first().is_some_and(|(first, _)| *first == next) {
                return Ok((batches, None));
            }
            Ok((Vec::new(), store::read_around(&mut link, keys, next).await?))
        })?;
        let mut stored = Vec::new();
        for (first, batch) in batches {
            let key = keys.batch(first);
            let batch = text::batches(&batch).map_err(|fault| damaged(&key, &fault))?;
            if batch.first().is_none_or(|batch| batch.first != first) {
                return Err(damaged(&key, &"it is of another place"));
            }
            stored.extend(batch);
            self.batches += 1;
        }
        if let Some(text) = around {
            let key = keys.page(next);
            let page = text::batches(&text).map_err(|fault| damaged(&key, &fault))?;
            stored.extend(page.into_iter().filter(|batch| batch.first >= next));
            self.pages += u64::from(!stored.is_empty());
        }
        Ok(stored)
    }

    /// Checks `stored`, which were read next, and keeps their records.
    fn take(&mut self, stored: Vec<Stored>) -> Result<(), EtcdError> {
        for batch in stored {
            let key = if batch.first <= self.folded {
                self.keys.page(batch.first)
            } else {
                self.keys.batch(batch.first)
            };
            if batch.first > self.place.stock.revision + 1 {
                return Err(self.missing());
            }
            if (batch.first, batch.after) != (self.place.stock.revision + 1, self.place.chain) {
                return Err(damaged(&key, &"it does not go on from the record before"));
            }
            for (record, chain) in batch.records {
                let stock = self.place.stock.after(&record);
                let stock: Stock = stock.map_err(|fault| damaged(&key, &fault))?;
                self.place = Place { stock, at_ms: record.at_ms, chain };
                if stock.revision == self.head.revision && chain != self.head.chain {
                    return Err(damaged(&self.keys.head(), &"it is not of the last record"));
                }
                let kept = self.snapshot.as_ref().map(|(at, _)| at);
                if kept.is_some_and(|at| at.revision == stock.revision && at.after != chain) {
                    return Err(damaged(&self.keys.snapshot(), &"it is not of the record there"));
                }
                self.read.push_back(record);
            }
        }
        Ok(())
    }

    /// That records are missing which the head speaks of.
    fn missing(&self) -> EtcdError {
        let next = self.place.stock.revision + 1;
        let key = if next <= self.folded { self.keys.page(next) } else { self.keys.batch(next) };
        let last = self.head.revision;
        damaged(&key, &format!("record `{next}` is missing, and the head is at `{last}`"))
    }
}

impl Scan for EtcdScan {
    fn base(&self) -> &Base {
        &self.line.begins
    }

    fn read_on(&mut self, last: u64) -> Result<Vec<Record>, Fault> {
        let is_done = |scan: &Self| {
            scan.read.front().is_some_and(|record| record.revision > last)
                || scan.place.stock.revision >= last
        };
        if self.read.is_empty() && !is_done(self) {
            let stored = self.read_some()?;
            if stored.is_empty() && self.place.stock.revision < self.head.revision {
                return Err(self.missing().into());
            }
            self.take(stored)?;
        }
        let count = self.read.partition_point(|record| record.revision <= last);
        Ok(self.read.drain(..count).collect())
    }

    fn compare(&mut self, folded: &Inventory) -> Result<(), Fault> {
        let stock = folded.stock();
        let Head { count, sold, revision, .. } = self.head;
        if revision == stock.revision && (count, sold) != (stock.remaining, stock.issued) {
            let reason = format!(
                "it says `{count}` left and `{sold}` sold, and the records come to `{}` and `{}`",
                stock.remaining, stock.issued
            );
            return Err(damaged(&self.keys.head(), &reason).into());
        }
        match &self.snapshot {
            Some((at, kept)) if at.revision == stock.revision && !agree(kept, folded) => {
                let reason = "the snapshot is not what the records come to";
                Err(damaged(&self.keys.snapshot(), &reason).into())
            }
            _ => Ok(()),
        }
    }
}

impl Overview for EtcdScan {
    fn head(&self) -> String {
        let Head { count, sold, revision, .. } = self.head;
        format!("{{\"count\": {count}, \"sold\": {sold}, \"revision\": {revision}}}")
    }

    fn last(&self) -> u64 {
        self.head.revision
    }

    fn pieces(&self) -> String {
        let named = |count: u64, one: &str, many: &str| {
            format!("{count} {}", if count == 1 { one } else { many })
        };
        let batches = named(self.batches, "batch", "batches");
        format!("{batches}, {}", named(self.pages, "page", "pages"))
    }

    fn notes(&self) -> Vec<String> {
        let torn = "the snapshot is torn: the next start reads more in its place";
        self.is_snapshot_torn.then(|| torn.to_owned()).into_iter().collect()
    }
}

/// The head, and the last record that was merged into a page: as of one moment, at which nothing is behind the head.
async fn read_ends(link: &mut Link, keys: &Keys) -> Result<(Head, u64), EtcdError> {
    let last = GetOptions::new()
        .with_range(keys.batches_end())
        .with_limit(1)
        .with_keys_only()
        .with_sort(SortTarget::Key, SortOrder::Descend);
    let reads = [
        TxnOp::get(keys.head(), None),
        TxnOp::get(keys.folded(), None),
        TxnOp::get(keys.batch(0), Some(last)),
    ];
    let answer = reading(LONG_ANSWER, link.kv.txn(Txn::new().and_then(reads))).await?;
    let mut gets = gets(&answer).map(|kvs| kvs.into_iter().next());
    let mut next = || gets.next().flatten();
    let (head, folded, batch): (Option<KeyValue>, Option<KeyValue>, _) = (next(), next(), next());
    let head = head.ok_or_else(|| damaged(&keys.head(), &"it is missing"))?;
    let head: Head =
        text::read_line(head.value()).map_err(|fault| damaged(&keys.head(), &fault))?;
    let folded = folded.map(|kv| text::read_line::<FoldedLine>(kv.value())).transpose();
    let folded = folded.map_err(|fault| damaged(&keys.folded(), &fault))?;
    if let Some(batch) = batch.filter(|batch| first_of(batch.key()) > Some(head.revision)) {
        return Err(damaged(batch.key(), &format!("the head is at `{}`", head.revision)));
    }
    Ok((head, folded.map_or(0, |folded| folded.last)))
}
