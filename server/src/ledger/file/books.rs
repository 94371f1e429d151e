//! What this process knows of the ledger, and a turn at it.
//!
//! Everything here happens while both locks are held.
//!
//! # Invariants
//! - `AckAfterSync`: a turn writes its records, syncs them, and only then
//!   writes the head and returns.
//! - `PrefixRecovery`: what a crash leaves is a prefix of the records, with
//!   every acknowledged one in it.
//! - What another process left unsynced is synced before it is relied on.

use std::{io, mem, path::Path};

use crate::{
    domain::{Inventory, Record, Stock},
    ledger::{
        Draft, LedgerError, RECORD_BYTES_PLAIN,
        file::{
            disk::{Disk, DiskFile},
            format::{head::Head, segment_header::Header, watermark::Watermark},
            layout::Layout,
            locks::Held,
            log::{
                place::{Place, goes_on_from},
                preallocation::Spares,
                segment::{Ending, Position, Segment},
            },
            options::Options,
            reader,
        },
    },
};

/// With less room than this a long segment is full, in bytes; a short one with a quarter.
const ROOM_BYTES_MIN: u64 = 64 << 10;

/// The most bytes of records in one turn.
const TURN_BYTES_MAX: usize = 1 << 20;

/// What this process knows of the ledger; true while both locks are held.
pub(super) struct Books<D: Disk> {
    pub(super) disk: D,
    pub(super) layout: Layout,
    pub(super) options: Options,
    /// The time since the machine last started, as the mark names it.
    pub(super) boot: String,
    spares: Spares<D>,
    segment: Segment<D::File>,
    position: Position,
    pub(super) inventory: Inventory,
    pub(super) records: Vec<Record>,
    /// The head as this process wrote it last; `None` before it has.
    image: Option<Vec<u8>>,
    /// The keys of other programs in it.
    pub(super) foreign: Vec<(String, Box<str>)>,
    published: u64,
    /// The revision of the head that this process synced last.
    synced: Option<u64>,
    /// Whether all records of the segment are known to survive a power cut.
    is_settled: bool,
}

impl<D: Disk> Books<D> {
    pub(super) fn new(
        disk: &D,
        layout: &Layout,
        options: Options,
        boot: String,
        spares: Spares<D>,
        place: Place<D::File>,
    ) -> Self {
        let Place { segment, position, inventory } = place;
        Self {
            disk: disk.clone(),
            layout: layout.clone(),
            options,
            boot,
            spares,
            segment,
            position,
            inventory,
            records: Vec::new(),
            image: None,
            foreign: Vec::new(),
            published: 0,
            synced: None,
            is_settled: false,
        }
    }

    pub(super) fn stock(&self) -> Stock {
        self.inventory.stock()
    }

    pub(super) fn key(&self) -> [u8; 32] {
        self.segment.header().key
    }

    /// Brings ledger and head together after whatever ended the last writer.
    pub(super) fn recover(&mut self, held: &Held<'_, D::File>) -> Result<(), LedgerError> {
        if self.is_unsure_of_the_last_turn(held) {
            self.segment.write_again(self.segment.records_start(), self.position)?;
        }
        self.drop_torn_tail(held)?;
        self.turn(held, &mut |_| {})?;
        self.rest(held)
    }

    /// Whether the last writer may have ended before its sync succeeded.
    fn is_unsure_of_the_last_turn(&self, held: &Held<'_, D::File>) -> bool {
        let mark = Watermark::read(held.servers);
        // The mark is set behind the sync. Of another start of the machine it
        // tells nothing; but what was read since then was read from the disk.
        mark.boot != self.boot || mark.applied < self.inventory.stock().revision
    }

    pub(super) fn turn(
        &mut self,
        held: &Held<'_, D::File>,
        decide: &mut dyn FnMut(&mut Draft<'_>),
    ) -> Result<Stock, LedgerError> {
        self.learn_news(held)?;
        let bytes = self.read_head(held)?;
        let as_left = self.image.as_ref().is_some_and(|image| *image == bytes);
        if !as_left {
            // Before anything is written: a ledger that is refused is left alone.
            self.refuse_a_head_ahead(&bytes)?;
        }
        self.make_room()?;
        if !as_left {
            self.adopt(held, &bytes)?;
        }
        let now_ms = (self.options.now_ms)();
        let mut records = mem::take(&mut self.records);
        let room = self.segment.room_bytes(self.position).min(TURN_BYTES_MAX);
        // An adjustment that was adopted just now takes its part.
        let room = room.saturating_sub(RECORD_BYTES_PLAIN);
        decide(&mut Draft::new(&mut self.inventory, &mut records, now_ms, room));
        if !records.is_empty() {
            self.segment.append(&mut self.position, &mut records, self.options.synced)?;
            self.is_settled = self.options.synced;
        }
        // What others sold and did not live to publish is published too.
        if !as_left || self.published != self.inventory.stock().revision {
            self.publish(held, bytes.len())?;
        }
        self.records = records;
        Ok(self.inventory.stock())
    }

    fn read_head(&self, held: &Held<'_, D::File>) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = reader::read_bytes(&self.layout.head, held.head, held.head_size)?;
        // A power cut while we let the file grow can leave zeros at its end.
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(end);
        Ok(bytes)
    }

    /// Folds the records that other processes have appended, and drops what a crash tore.
    fn learn_news(&mut self, held: &Held<'_, D::File>) -> Result<(), LedgerError> {
        while self.segment.has_more(self.position)? {
            let before = self.position;
            // Whoever wrote them may be one who does not sync.
            self.is_settled = false;
            let ending = self.read_on()?;
            if self.is_unsure_of_the_last_turn(held) {
                self.segment.write_again(before, self.position)?;
            }
            match ending {
                Ending::Sealed => self.go_on_in_the_next_segment()?,
                Ending::Broken => self.drop_torn_tail(held)?,
                Ending::Clean | Ending::Stopped => break,
            }
        }
        Ok(())
    }

    fn read_on(&mut self) -> Result<Ending, LedgerError> {
        self.segment.read_on(&mut self.position, &mut self.inventory, u64::MAX)
    }

    fn go_on_in_the_next_segment(&mut self) -> Result<(), LedgerError> {
        let path = self.layout.segment(self.inventory.stock().revision + 1);
        let next = Segment::open(&self.disk, &path)?;
        if !goes_on_from(&self.segment, &self.inventory, self.position, &next)? {
            let reason = "does not go on from the segment before".to_owned();
            return Err(LedgerError::Damaged { path, line: 1, reason });
        }
        self.position = next.records_start();
        self.segment = next;
        Ok(())
    }

    fn drop_torn_tail(&mut self, held: &Held<'_, D::File>) -> Result<(), LedgerError> {
        if self.segment.ending_at(self.position)? == Ending::Sealed {
            return Ok(());
        }
        let torn = self.segment.torn_tail(self.position, self.inventory.stock().revision + 1)?;
        if torn == 0 {
            return Ok(());
        }
        // What the head speaks of was acknowledged: then this is damage, no torn tail.
        self.refuse_a_head_ahead(&self.read_head(held)?)?;
        self.segment.clear(self.position, torn)?;
        let path = self.segment.path().display();
        tracing::warn!("{path}: dropped a torn tail of {torn} bytes");
        Ok(())
    }

    /// Begins a new segment where this one is nearly full; has one made ahead where it is half full.
    fn make_room(&mut self) -> Result<(), LedgerError> {
        let (room, size) = (self.segment.room_bytes(self.position), self.segment.size());
        if room as u64 > size / 2 {
            return Ok(());
        }
        let next_size = self.options.sizes.after(size);
        self.spares.prepare(next_size);
        if room as u64 >= ROOM_BYTES_MIN.min(size / 4) {
            return Ok(());
        }
        let spare = self.spares.take(next_size)?;
        let header = Header::of(self.key(), self.position.chain, &self.inventory);
        let next = Segment::create(&self.disk, &self.layout, &spare, &header)?;
        if !self.is_settled {
            // Nobody syncs this segment later, and the next must not outlive it.
            self.segment.sync()?;
        }
        // IMPORTANT: only now: a seal sends everybody on to a segment that must be there.
        self.segment.seal(self.position, header.revision + 1)?;
        self.position = next.records_start();
        self.segment = next;
        Ok(())
    }

    pub(super) fn refuse_a_head_ahead(&self, bytes: &[u8]) -> Result<Head, LedgerError> {
        let head = reader::parse(&self.layout.head, bytes)?;
        let ledger = self.inventory.stock().revision;
        match head.revision {
            Some(revision) if revision > ledger => Err(LedgerError::HeadAhead {
                path: self.layout.head.clone(),
                folder: self.layout.folder.clone(),
                head: revision,
                ledger,
            }),
            _ => Ok(head),
        }
    }

    /// Writes the head, and the mark behind it.
    fn publish(&mut self, held: &Held<'_, D::File>, on_disk: usize) -> Result<(), LedgerError> {
        let (stock, head, path) = (self.inventory.stock(), held.head, &self.layout.head);
        let image = Head::of(stock, self.foreign.clone()).image(on_disk);
        let image = image.ok_or_else(|| LedgerError::HeadFull { path: path.clone() })?;
        if image.len() > on_disk {
            // IMPORTANT: a power cut may keep the new text and the old length,
            // so the file gets its length first, while the text ends before it.
            let spaces = vec![b' '; image.len() - on_disk];
            let lengthened = head.write_at(&spaces, on_disk as u64).and_then(|()| head.sync());
            lengthened.map_err(|source| commit("lengthen", path, source))?;
        }
        // IMPORTANT: only now, behind the sync: a head must never be ahead of the ledger.
        head.write_at(&image, 0).map_err(|source| commit("write", path, source))?;
        (self.image, self.published) = (Some(image), stock.revision);
        self.write_watermark(held.servers)
    }

    /// Syncs the head, so that after a power cut no older one is believed to have been read.
    pub(super) fn rest(&mut self, held: &Held<'_, D::File>) -> Result<(), LedgerError> {
        let revision = self.inventory.stock().revision;
        if self.synced == Some(revision) && Watermark::read(held.servers).synced >= revision {
            return Ok(());
        }
        // IMPORTANT: the records first, for a buffered turn has not synced them:
        // a head must never be ahead of the ledger.
        self.segment.sync()?;
        self.is_settled = true;
        let path = self.layout.head.clone();
        held.head.sync().map_err(|source| commit("sync", &path, source))?;
        self.synced = Some(revision);
        self.write_watermark(held.servers)?;
        let path = &self.layout.lock;
        held.servers.sync().map_err(|source| commit("sync", path, source))
    }

    fn write_watermark(&self, servers: &D::File) -> Result<(), LedgerError> {
        let applied = self.inventory.stock().revision;
        let mark = Watermark { boot: self.boot.clone(), applied, synced: self.synced.unwrap_or(0) };
        let path = &self.layout.lock;
        servers.write_at(&mark.image(), 0).map_err(|source| commit("write", path, source))
    }
}

fn commit(action: &'static str, path: &Path, source: io::Error) -> LedgerError {
    LedgerError::Commit { action, path: path.to_owned(), source }
}
