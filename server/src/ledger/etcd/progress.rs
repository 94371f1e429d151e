//! Where one process is in a ledger in etcd, and what it asks of the cluster from there.
//!
//! # Invariants
//! - `AckAfterSync`: durable is what a transaction has put, which a quorum of the members has on disk.
//! - `SettleFirst`: whose a batch of unknown outcome is, the ledger says: by its owner.
//! - What is decided rests on a transaction that compared the head, never on a read.

use std::{
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::Instant,
};

use tokio::runtime::Handle;

use crate::{
    domain::{Change, Identity, Inventory, Record},
    ledger::{
        Appended, Cause, News,
        etcd::{
            batch::{EtcdBatch, Place},
            cluster::{Cluster, Link},
            creation::find_or_create,
            error::EtcdError,
            hint::Hint,
            keys::Keys,
            lead::Lead,
            snapshots::{self, Snapshots},
            store::{self, Found, Guard, HeadMark, Incarnation, Reading},
            text::{self, CounterLine, Head, Owner, Stored},
        },
        format::base::Base,
    },
};

/// How many batches are read at first, and at most.
const BATCHES: (i64, i64) = (16, 1024);

/// How often one reads on for what was appended during a read: from afar one may be behind for ever.
const READS_ON: u32 = 3;

/// How many bytes of batches are read at once, about.
const READ_BYTES: usize = 4 << 20;

/// Where this process is.
pub(super) struct Progress {
    pub(super) name: String,
    pub(super) keys: Keys,
    pub(super) cluster: Cluster,
    pub(super) handle: Handle,
    pub(super) names_max: usize,
    /// What a missing counter begins with; without it one has to be there.
    pub(super) new: Option<Base>,
    pub(super) hint: Arc<Hint>,
    pub(super) lead: Lead,
    pub(super) snapshots: Snapshots,
    /// This process, by random bits.
    pub(super) writer: String,
    pub(super) numbers: Arc<AtomicU64>,
    /// The counter's first line, and its incarnation.
    pub(super) found: Option<(CounterLine, Incarnation)>,
    pub(super) opened: Option<Opened>,
    /// What tokens are made from, once all was told that was known of.
    pub(super) identity: Arc<OnceLock<Identity>>,
    /// The batch of which it is not known whether the ledger has it.
    pub(super) in_doubt: Option<u64>,
    /// Why the last batch was not taken, where that was not for another's.
    pub(super) refused: Option<EtcdError>,
}

/// A counter that was read.
pub(super) struct Opened {
    pub(super) incarnation: Incarnation,
    /// What its tokens are made from, as far as it was told.
    pub(super) identity: Identity,
    /// Behind the last record that was told.
    pub(super) place: Place,
    /// The head of that place; `None` where there may be more to tell.
    pub(super) head: Option<HeadMark>,
    /// How many batches to read next.
    limit: i64,
}

impl Progress {
    /// Finds a member that can be asked, and the counter where this process has not read it yet.
    pub(super) fn connect(&mut self) -> Result<(), EtcdError> {
        let handle = self.handle.clone();
        handle.block_on(async {
            let mut link = self.cluster.link().await?;
            if self.found.is_some() {
                return Ok(());
            }
            let found = find_or_create(&mut link, &self.keys, &self.name, self.new.as_ref()).await;
            if found.is_err() {
                self.cluster.forget();
            }
            self.found = Some(found?);
            Ok(())
        })
    }

    /// Tells what this process does not know yet, where there may be something.
    pub(super) fn learn(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), EtcdError> {
        let handle = self.handle.clone();
        let learnt = handle.block_on(async {
            if self.opened.is_none() {
                let (opened, inventory) = self.open().await?;
                self.opened = Some(opened);
                hear(News::Snapshot(Box::new(inventory)));
            }
            self.read_on(hear).await
        });
        if learnt.is_err() {
            self.cluster.forget();
            if let Some(opened) = &mut self.opened {
                // It may have been more than can be read at once.
                opened.limit = BATCHES.0;
            }
        }
        learnt
    }

    /// Reads the snapshot, where there is one.
    async fn open(&mut self) -> Result<(Opened, Inventory), EtcdError> {
        let mut link = self.cluster.link().await?;
        let missing = || EtcdError::Missing(self.name.clone());
        let (line, incarnation) = self.found.clone().ok_or_else(missing)?;
        let names_max = self.names_max;
        let kept = snapshots::read(&mut link, &self.keys, names_max).await?;
        let (base, inventory) = match kept.filter(|(at, _)| at.key == line.begins.key) {
            Some(kept) => kept,
            None => (line.begins.clone(), line.begins.inventory(names_max)),
        };
        let place = Place { stock: base.stock(), at_ms: base.at_ms, chain: base.after };
        let (key, epochs) = (line.begins.key, inventory.epochs().to_vec());
        let identity = Identity { key, epochs };
        Ok((Opened { incarnation, identity, place, head: None, limit: BATCHES.0 }, inventory))
    }

    async fn read_on(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), EtcdError> {
        let mut reads_on = 0;
        loop {
            // What is heard of while a read is on its way, the read need not know: who sells fast is ahead of each.
            let heard_at = self.hint.heard().head_at;
            let opened = self.opened.as_mut().expect("it was opened");
            if let Some(head) = opened.head.take() {
                if head.at >= heard_at || reads_on == READS_ON {
                    opened.head = Some(head);
                    self.identity.get_or_init(|| opened.identity.clone());
                    return Ok(());
                }
                reads_on += 1;
            }
            let limit = opened.limit;
            let first = opened.place.stock.revision + 1;
            let mut link = self.cluster.link().await?;
            let reading = store::read_on(&mut link, &self.keys, first, limit).await?;
            let Some((head, mark)) = self.head_of_now(&reading, heard_at)? else {
                let from_the_past = "a member answers from the past".to_owned();
                self.ask_the_log(&mut link).await?;
                return Err(EtcdError::Unknown(from_the_past));
            };
            self.hint.note(&head, mark.at);
            let bytes: usize = reading.batches.iter().map(|(_, batch)| batch.len()).sum();
            if reading.batches.first().is_some_and(|(begins, _)| *begins == first) {
                for (begins, batch) in &reading.batches {
                    let damaged = |fault| store::damaged(&self.keys.batch(*begins), &fault);
                    let stored = text::batches(batch).map_err(damaged)?;
                    self.tell(stored, *begins, hear)?;
                }
                let opened = self.opened.as_mut().expect("it was opened");
                opened.limit = next_limit(limit, reading.batches.len(), bytes);
            } else if head.revision >= first {
                self.read_page(&mut link, first, hear).await?;
            }
            let opened = self.opened.as_mut().expect("it was opened");
            if opened.place.stock.revision == head.revision {
                if opened.place.chain != head.chain {
                    let reason = "the head is not of the last record";
                    return Err(store::damaged(&self.keys.head(), &reason));
                }
                opened.head = Some(mark);
            }
        }
    }

    /// The head in what was read; `None` where that is older than what was told, or heard of ahead of the read: it may
    /// be of the past.
    fn head_of_now(
        &self,
        reading: &Reading,
        heard_at: i64,
    ) -> Result<Option<(Head, HeadMark)>, EtcdError> {
        let opened = self.opened.as_ref().expect("it was opened");
        let found = reading.incarnation.as_ref();
        if found.is_some_and(|found| found.created_at > opened.incarnation.created_at) {
            return Err(EtcdError::Recreated(self.name.clone()));
        }
        let is_of_now = |(head, mark): &(Head, HeadMark)| {
            head.revision >= opened.place.stock.revision && mark.at >= heard_at
        };
        let is_same = found == Some(&opened.incarnation);
        let head = reading.head.clone().filter(|head| is_same && is_of_now(head));
        if let Some((head, _)) = &head {
            self.check_record_of(head)?;
        }
        Ok(head)
    }

    /// Refuses a head with another last record than the one that was told, at the same revision: no read of the past
    /// has that.
    fn check_record_of(&self, head: &Head) -> Result<(), EtcdError> {
        let place = self.opened.as_ref().expect("it was opened").place;
        let revision = place.stock.revision;
        if head.revision == revision && head.chain != place.chain {
            return Err(EtcdError::Forked { name: self.name.clone(), revision });
        }
        Ok(())
    }

    /// Asks what is there by a transaction, which does not answer from the past, where a read seems to have.
    async fn ask_the_log(&mut self, link: &mut Link) -> Result<(), EtcdError> {
        let incarnation = self.opened.as_ref().expect("it was opened").incarnation.clone();
        let nowhere = Guard { incarnation, head: HeadMark { at: -1, line: Vec::new() } };
        let found = store::confirm(link, &self.keys, nowhere, None).await?;
        self.moved(&found)
    }

    /// Tells the records from `first` on that were merged into a page.
    async fn read_page(
        &mut self,
        link: &mut Link,
        first: u64,
        hear: &mut dyn FnMut(News),
    ) -> Result<(), EtcdError> {
        let key = self.keys.page(first);
        let damaged = |reason: &dyn ToString| store::damaged(&key, &reason.to_string());
        let text = store::read_around(link, &self.keys, first).await?;
        let text = text.ok_or_else(|| damaged(&"a batch is missing, and no page has it"))?;
        let mut stored = text::batches(&text).map_err(|fault| damaged(&fault))?;
        stored.retain(|batch| batch.first >= first);
        self.tell(stored, first, hear)
    }

    fn tell(
        &mut self,
        stored: Vec<Stored>,
        first: u64,
        hear: &mut dyn FnMut(News),
    ) -> Result<(), EtcdError> {
        let opened = self.opened.as_mut().expect("it was opened");
        let (own, now) = (self.in_doubt, Instant::now());
        let is_next = stored.first().is_some_and(|batch| {
            let place = &opened.place;
            (batch.first, batch.after) == (place.stock.revision + 1, place.chain)
        });
        if !is_next {
            let reason = "it does not go on from the record before";
            return Err(store::damaged(&self.keys.batch(first), &reason));
        }
        for Stored { owner, records, .. } in stored {
            let is_own = owner.writer == self.writer && own == Some(owner.number);
            if owner.writer != self.writer {
                self.lead.heard_of_another(now);
            }
            for (record, chain) in records {
                let stock = opened.place.stock.after(&record);
                let stock =
                    stock.map_err(|fault| store::damaged(&self.keys.batch(first), &fault))?;
                self.snapshots.written(record_bytes(&record));
                opened.place = Place { stock, at_ms: record.at_ms, chain };
                if let Change::Restored { epoch, .. } = record.change {
                    opened.identity.epochs.push((record.revision, epoch));
                }
                hear(News::Record { record, is_own });
            }
        }
        Ok(())
    }

    /// An empty batch behind all that was told.
    pub(super) fn empty_batch(&self) -> Result<EtcdBatch, EtcdError> {
        let opened = self.opened.as_ref();
        let opened =
            opened.ok_or_else(|| EtcdError::Unknown("the counter is not read yet".to_owned()))?;
        Ok(EtcdBatch::at(opened.place, &self.numbers))
    }

    /// Appends `batch` where nothing was appended since what was told.
    pub(super) fn append(&mut self, batch: &EtcdBatch) -> Appended {
        match self.try_append(batch) {
            Ok(appended) => appended,
            Err(error) if error.is_lasting() => Appended::Broken(Cause::of(error)),
            Err(error) => {
                // Its answer was lost, or nobody can be asked: the news will tell, or the same batch again.
                self.in_doubt = Some(batch.number);
                self.mistrust();
                Appended::Unknown(Cause::of(error))
            }
        }
    }

    fn try_append(&mut self, batch: &EtcdBatch) -> Result<Appended, EtcdError> {
        // IMPORTANT: a first try that finds the head elsewhere is lost; of a later one nobody knows yet
        // whether the first has put it there.
        let is_first_try = self.in_doubt != Some(batch.number);
        let opened = self.opened.as_ref().expect("a batch is of a counter that was opened");
        let guard = opened.guard().filter(|_| batch.start == opened.place);
        let Some(guard) = guard else {
            return if is_first_try { Ok(Appended::Lost) } else { Err(the_news_tell()) };
        };
        let linked = self.handle.block_on(self.cluster.link());
        let mut link = match linked {
            Ok(link) => link,
            Err(error) if is_first_try => return Ok(self.refuse(error)),
            Err(error) => return Err(error),
        };
        let owner = Owner { writer: self.writer.clone(), number: batch.number };
        let (first, place, begun) = (batch.first(), batch.end, Instant::now());
        let value = text::batch(&owner, first, batch.records(), batch.start.chain, &batch.lines);
        let head = Head::of(place.stock, place.chain, Some(owner), self.lead.yields(begun));
        let line = text::line(&head);
        let wanted = self.lead.asks(begun);
        let put = store::append(&mut link, &self.keys, guard, line.clone(), (first, value), wanted);
        match self.handle.block_on(put) {
            Ok(Found::Held(at)) => {
                self.in_doubt = None;
                self.hint.note(&head, at);
                self.lead.won(Instant::now(), begun.elapsed());
                self.lead.late.was(false);
                self.snapshots.written(batch.lines.len());
                let opened = self.opened.as_mut().expect("it was opened");
                (opened.place, opened.head) = (place, Some(HeadMark { at, line }));
                Ok(Appended::Durable)
            }
            Ok(moved) => {
                self.lead.heard_of_another(Instant::now());
                self.lead.late.was(true);
                match self.moved(&moved) {
                    Ok(()) if is_first_try => Ok(Appended::Lost),
                    Ok(()) => Err(the_news_tell()),
                    Err(error) if is_first_try && !error.is_lasting() => Ok(self.refuse(error)),
                    Err(error) => Err(error),
                }
            }
            Err(error @ EtcdError::Refused(_)) if is_first_try => Ok(self.refuse(error)),
            Err(error @ EtcdError::Full(_)) if is_first_try && self.is_unmoved() => {
                Ok(self.refuse(error))
            }
            Err(error) => Err(error),
        }
    }

    /// What was not taken, for another reason than another's batch, is told as the next turn begins.
    fn refuse(&mut self, error: EtcdError) -> Appended {
        self.refused = Some(error);
        self.cluster.forget();
        Appended::Lost
    }

    /// Whether nothing was put, though the call that was to put something failed: it has ended, so nothing of it
    /// is on its way any more, and what it put is in the head.
    fn is_unmoved(&mut self) -> bool {
        matches!(self.confirm(), Ok(true))
    }

    /// Whether what was told is still all that there is.
    pub(super) fn confirm(&mut self) -> Result<bool, EtcdError> {
        let Some(guard) = self.opened.as_ref().and_then(Opened::guard) else { return Ok(false) };
        let handle = self.handle.clone();
        let wanted = self.lead.asks(Instant::now());
        let confirmed = handle.block_on(async {
            let mut link = self.cluster.link().await?;
            store::confirm(&mut link, &self.keys, guard, wanted).await
        });
        match confirmed {
            Ok(Found::Held(_)) => {
                self.lead.late.was(false);
                Ok(true)
            }
            Ok(moved) => {
                self.lead.late.was(true);
                self.moved(&moved)?;
                Ok(false)
            }
            Err(error) => {
                self.mistrust();
                Err(error)
            }
        }
    }

    /// The head is not where it was: what is there now is read by the next turn.
    fn moved(&mut self, found: &Found) -> Result<(), EtcdError> {
        let Found::Moved { incarnation, head } = found else { return Ok(()) };
        let opened = self.opened.as_mut().expect("it was opened");
        opened.head = None;
        let (name, known) = (self.name.clone(), opened.place.stock.revision);
        match (incarnation, head) {
            (Some(found), _) if *found != opened.incarnation => Err(EtcdError::Recreated(name)),
            (Some(_), Some((head, mark))) => {
                // A transaction does not answer from the past.
                if head.revision < known {
                    return Err(EtcdError::Behind { name, found: head.revision, known });
                }
                self.check_record_of(head)?;
                self.hint.note(head, mark.at);
                Ok(())
            }
            _ => Err(EtcdError::Missing(name)),
        }
    }

    /// Nothing is known for sure of what is there now, and another member is asked next.
    fn mistrust(&mut self) {
        self.cluster.forget();
        if let Some(opened) = &mut self.opened {
            opened.head = None;
        }
    }
}

impl Opened {
    /// What a transaction can rest on; `None` where there may be more to tell.
    pub(super) fn guard(&self) -> Option<Guard> {
        let head = self.head.clone()?;
        Some(Guard { incarnation: self.incarnation.clone(), head })
    }
}

fn the_news_tell() -> EtcdError {
    EtcdError::Unknown("the batch was sent before, and the head has moved".to_owned())
}

/// About how long the line of `record` is.
fn record_bytes(record: &Record) -> usize {
    100 + record.key.as_ref().map_or(0, |key| key.len())
}

/// How many batches to read next, where so many `batches` of at most `limit` had so many `bytes`.
fn next_limit(limit: i64, batches: usize, bytes: usize) -> i64 {
    let fit = READ_BYTES.saturating_mul(batches) / bytes.max(1);
    i64::try_from(fit).unwrap_or(i64::MAX).clamp(1, BATCHES.1.min(limit * 2))
}
