//! A turn at the ledger in files, both locks held.
//!
//! # Invariants
//! - `AckAfterSync`: a batch is written, synced, and only then shown in the head.
//! - `PrefixRecovery`: what a crash leaves is a prefix of the records, with
//!   every acknowledged one in it.
//! - What another process left unsynced is synced before it is relied on.
//! - Nothing is written where another copy was put under this process's hands.

use std::{io, path::Path};

use crate::{
    domain::{Change, Inventory, Stock},
    ledger::{
        Appended, Cause, Fault, News, Turn,
        file::{
            adoption,
            disk::{Disk, DiskFile},
            error::{CommitError, LogError, TurnError},
            format::{head::Head, reconcile::OutsideChange, watermark::Watermark},
            head_check::{check_head, refuse_a_head_ahead},
            layout::Layout,
            locks::Held,
            log::{
                batch::FileBatch,
                cursor::{Behind, Cursor, Step},
                preallocation::Preallocation,
                segment::{Ending, Segment},
                snapshots::Snapshots,
            },
            options::Options,
            reader,
        },
        format::base::FORMAT_VERSION,
    },
};

/// With less room than this a long segment is full, in bytes; a short one with a quarter.
const ROOM_BYTES_MIN: u64 = 64 << 10;

/// Where this process is in the ledger, and what it wrote last; true while both locks are held.
pub(super) struct Progress<D: Disk> {
    pub(super) disk: D,
    pub(super) layout: Layout,
    pub(super) options: Options,
    /// The time since the machine last started, as the watermark names it.
    pub(super) boot: String,
    pub(super) preallocation: Preallocation<D>,
    pub(super) snapshots: Snapshots<D>,
    pub(super) cursor: Cursor<D::File>,
    /// The head as this process wrote it last; `None` before it has.
    pub(super) image: Option<Vec<u8>>,
    /// The keys of other programs in it.
    pub(super) foreign: Vec<(String, Box<str>)>,
    /// The revision that it says.
    pub(super) shown: u64,
    /// The revision of the head that this process synced last.
    pub(super) synced: Option<u64>,
    /// Whether all records of the segment are known to survive a power cut.
    pub(super) is_settled: bool,
}

/// A turn.
pub struct FileTurn<'p, 'h, D: Disk> {
    progress: &'p mut Progress<D>,
    held: Held<'h, D>,
    /// How long `db.txt` is by now, in bytes.
    head_bytes: usize,
    /// Whether the head does not say what the ledger says, and no edit is in the way of writing it.
    is_due: bool,
}

impl<'p, 'h, D: Disk> FileTurn<'p, 'h, D> {
    /// The turn that opens the ledger.
    pub(super) fn new(progress: &'p mut Progress<D>, held: Held<'h, D>) -> Self {
        Self { progress, held, head_bytes: 0, is_due: false }
    }

    /// A turn of a process that has opened the ledger before.
    ///
    /// # Errors
    /// [`TurnError::CopiedOver`]; [`LogError::Io`].
    pub(super) fn begin(
        progress: &'p mut Progress<D>,
        held: Held<'h, D>,
    ) -> Result<Self, TurnError> {
        let turn = Self::new(progress, held);
        let cursor = &turn.progress.cursor;
        // IMPORTANT: ahead of all else, for a turn goes on from what it knows, and its watermark hides a backup's.
        let is_known = cursor.segment().is_known_up_to(cursor.position())?;
        if !is_known || Watermark::read(&*turn.held.servers).is_of_backup() {
            return Err(TurnError::CopiedOver { path: cursor.segment().path().to_owned() });
        }
        Ok(turn)
    }

    /// Makes durable, and rid of what a crash tore, what whoever sold last may have left unsynced; `seen` is what was
    /// known of what stands there before the locks were taken.
    pub(super) fn recover(&mut self, seen: Option<Behind>) -> Result<(), TurnError> {
        self.settle_the_last_turn()?;
        self.drop_torn_tail(seen)
    }

    /// As [`Self::recover`], where the head is ahead of the ledger: what it speaks of is lost. Gives the head.
    pub(super) fn recover_what_is_left(
        &mut self,
        seen: Option<Behind>,
    ) -> Result<Option<Head>, TurnError> {
        let bytes = self.read_head()?;
        let head = reader::parse(&self.progress.layout.head, &bytes)?;
        if !head.is_ahead_of(self.stock().revision) {
            return Ok(None);
        }
        self.settle_the_last_turn()?;
        self.clear_torn_tail(self.torn_bytes(seen)?)?;
        self.head_bytes = bytes.len();
        self.progress.foreign.clone_from(&head.foreign);
        Ok(Some(head))
    }

    fn settle_the_last_turn(&self) -> Result<(), TurnError> {
        if self.is_unsure_of_the_last_turn() {
            let cursor = &self.progress.cursor;
            cursor.segment().write_again(cursor.segment().records_start(), cursor.position())?;
        }
        Ok(())
    }

    /// Whether the last writer may have ended before its sync succeeded.
    fn is_unsure_of_the_last_turn(&self) -> bool {
        let written = Watermark::read(&*self.held.servers);
        // It is written behind the sync. Of another start of the machine it
        // tells nothing; but what was read since then was read from the disk.
        written.boot != self.progress.boot || written.applied < self.stock().revision
    }

    /// Whether answered sales may be missing: a power cut may have taken them, as it may where nobody syncs, or they
    /// came behind the backup that this is. Their receipts are not to be given out again.
    ///
    /// # Errors
    /// The mark that says so cannot be read.
    pub(super) fn may_lack_records(&self) -> Result<bool, LogError> {
        let path = &self.progress.layout.lock;
        let read = Watermark::try_read(&*self.held.servers);
        let written =
            read.map_err(|source| LogError::Io { action: "read", path: path.clone(), source })?;
        if written.is_of_backup() {
            let folder = self.progress.layout.folder.display();
            tracing::warn!(
                "{folder} is of a backup: what was sold behind it is not in it, and its numbers are given out again; \
                 `server restore --sold-at-least` sees to that"
            );
            return Ok(true);
        }
        Ok(!self.progress.options.synced
            && self.stock().revision > 0
            && written.boot != self.progress.boot)
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.progress.layout
    }

    fn stock(&self) -> Stock {
        self.progress.cursor.stock()
    }

    /// Tells what others have appended, and what somebody outside wrote into `db.txt`.
    pub(super) fn learn(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), TurnError> {
        self.learn_records(hear)?;
        let bytes = self.read_head()?;
        self.head_bytes = bytes.len();
        if self.progress.image.as_ref().is_some_and(|image| *image == bytes) {
            self.is_due = self.progress.shown != self.stock().revision;
            return Ok(());
        }
        // Before anything is written: a ledger that is refused is left alone.
        let head = reader::parse(&self.progress.layout.head, &bytes)?;
        check_head(&self.progress.layout, &head, self.stock().revision)?;
        let edited = self.edit_in(&head)?;
        self.progress.foreign = head.foreign;
        // IMPORTANT: an edit is written over only once the ledger has it.
        self.is_due = edited.is_none();
        if let Some(OutsideChange { remaining, sold }) = edited {
            let was = self.stock().remaining;
            let path = self.progress.layout.head.display();
            tracing::info!("{path}: somebody outside changed the count from {was} to {remaining}");
            hear(News::Edited { remaining, sold });
        }
        Ok(())
    }

    fn edit_in(&self, head: &Head) -> Result<Option<OutsideChange>, TurnError> {
        let Progress { disk, layout, boot, .. } = &*self.progress;
        let written = Watermark::read(&*self.held.servers);
        let is_same_boot = written.boot == *boot;
        adoption::change_in(disk, layout, head, self.stock(), (&written, is_same_boot))
    }

    fn read_head(&self) -> Result<Vec<u8>, TurnError> {
        let path = &self.progress.layout.head;
        let mut bytes = reader::read_bytes(path, &*self.held.head, self.held.head_size)?;
        // A power cut while we let the file grow can leave zeros at its end.
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(end);
        Ok(bytes)
    }

    /// Reads the records that other processes have appended, and drops what a crash tore.
    fn learn_records(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), TurnError> {
        let (mut has_adjusted, mut has_restored) = (false, false);
        let mut each = |step| {
            if let Step::Record(record, _) = step {
                has_adjusted |= matches!(record.change, Change::Adjusted { .. });
                has_restored |= matches!(record.change, Change::Restored { .. });
                hear(News::Record { record, is_own: false });
            }
        };
        let learnt = self.read_records(&mut each);
        if has_adjusted {
            // IMPORTANT: a head that says what this process wrote is not as it was left any more
            // where another has taken an edit over since: then somebody has undone that edit.
            self.progress.image = None;
        }
        if has_restored {
            // IMPORTANT: what this process makes tokens from is of the life before.
            let path = self.progress.layout.head.clone();
            return Err(TurnError::AnotherLife { path });
        }
        learnt
    }

    fn read_records(&mut self, each: &mut impl FnMut(Step)) -> Result<(), TurnError> {
        loop {
            let cursor = &mut self.progress.cursor;
            let before = cursor.position();
            if !cursor.segment().has_more(before)? {
                return Ok(());
            }
            // Whoever wrote them may be one who does not sync.
            self.progress.is_settled = false;
            let read = self.progress.cursor.read_segment(u64::MAX, each);
            if self.is_unsure_of_the_last_turn() {
                // Also ahead of a failure: what was told by then is not looked at again.
                let cursor = &self.progress.cursor;
                cursor.segment().write_again(before, cursor.position())?;
            }
            let Progress { disk, layout, cursor, .. } = &mut *self.progress;
            match read? {
                Ending::Sealed => cursor.enter_next(disk, layout, each)?,
                Ending::Broken => return self.drop_torn_tail(None),
                Ending::Clean | Ending::Stopped => return Ok(()),
            }
        }
    }

    fn drop_torn_tail(&mut self, seen: Option<Behind>) -> Result<(), TurnError> {
        let torn = self.torn_bytes(seen)?;
        if torn > 0 {
            // What the head speaks of was acknowledged: then this is damage, no torn tail.
            let head = reader::parse(&self.progress.layout.head, &self.read_head()?)?;
            refuse_a_head_ahead(&self.progress.layout, &head, self.stock().revision)?;
        }
        self.clear_torn_tail(torn)
    }

    fn torn_bytes(&self, seen: Option<Behind>) -> Result<usize, LogError> {
        let cursor = &self.progress.cursor;
        let (segment, position) = (cursor.segment(), cursor.position());
        if segment.is_sealed_at(position)? {
            return Ok(0);
        }
        cursor.torn_tail(seen)
    }

    fn clear_torn_tail(&self, torn: usize) -> Result<(), TurnError> {
        if torn > 0 {
            let segment = self.progress.cursor.segment();
            segment.clear(self.progress.cursor.position(), torn)?;
            tracing::warn!("{}: dropped a torn tail of {torn} bytes", segment.path().display());
        }
        Ok(())
    }

    /// An empty batch; begins a new segment where this one is nearly full.
    pub(super) fn empty_batch(&mut self) -> Result<FileBatch, TurnError> {
        self.make_room()?;
        Ok(FileBatch::at(&self.progress.cursor))
    }

    /// Begins a new segment where this one is nearly full, or of an older version; has one made while its second half is in use.
    fn make_room(&mut self) -> Result<(), TurnError> {
        let Progress {
            disk, layout, options, preallocation, snapshots, cursor, is_settled, ..
        } = &mut *self.progress;
        let size = cursor.segment().size();
        let room = cursor.segment().records_end().saturating_sub(cursor.position().offset);
        let is_of_this_version = cursor.segment().header().ledger == FORMAT_VERSION;
        let used = used_of_second_half(size, room);
        let next_size = options.sizes.after(size);
        match used {
            None if is_of_this_version => return Ok(()),
            Some(used) => preallocation.prepare(next_size, used),
            None => {}
        }
        if is_of_this_version && room >= ROOM_BYTES_MIN.min(size / 4) {
            return Ok(());
        }
        let zeros = preallocation.take(next_size, options.sizes.first)?;
        let header = cursor.header_of_next();
        if !*is_settled {
            // IMPORTANT: ahead of the next one, which must not outlive what it goes on from.
            cursor.segment().sync()?;
            *is_settled = true;
        }
        let next = Segment::create(disk, layout, &zeros, &header)?;
        // IMPORTANT: only now: a seal sends everybody on to a segment that must be there.
        cursor.segment().seal(cursor.position(), header.revision + 1)?;
        snapshots.segment_is_full(size);
        *cursor = Cursor::at_start_of(next);
        Ok(())
    }

    /// Appends `batch` and shows it in the head.
    pub(super) fn commit(&mut self, batch: &FileBatch) -> Result<(), TurnError> {
        self.append_unseen(batch)?;
        self.show()
    }

    /// Appends `batch`, and leaves the head as it is.
    pub(super) fn append_unseen(&mut self, batch: &FileBatch) -> Result<(), TurnError> {
        let Progress { cursor, options, .. } = &mut *self.progress;
        assert_eq!(batch.start, cursor.position(), "a batch goes where the ledger ends");
        cursor.segment().write(&batch.lines, batch.start.offset, options.synced)?;
        cursor.pass(batch.end, batch.stock, batch.at_ms);
        self.progress.is_settled = options.synced;
        Ok(())
    }

    /// Writes the head where it does not say what the ledger says.
    pub(super) fn show_if_due(&mut self) -> Result<(), TurnError> {
        if self.is_due { self.show() } else { Ok(()) }
    }

    /// Writes the head, and the watermark behind it.
    pub(super) fn show(&mut self) -> Result<(), TurnError> {
        let (stock, path, on_disk) = (self.stock(), &self.progress.layout.head, self.head_bytes);
        let image = Head::of(stock, self.progress.foreign.clone()).image(on_disk);
        let image = image.ok_or_else(|| TurnError::HeadFull { path: path.clone() })?;
        let head = &*self.held.head;
        if image.len() > on_disk {
            // IMPORTANT: a power cut may keep the new text and the old length,
            // so the file gets its length first, while the text ends before it.
            let spaces = vec![b' '; image.len() - on_disk];
            let lengthened = head.write_at(&spaces, on_disk as u64).and_then(|()| head.sync());
            lengthened.map_err(|source| commit("lengthen", path, source))?;
        }
        // IMPORTANT: only now, behind the sync: a head must never be ahead of the ledger.
        head.write_at(&image, 0).map_err(|source| commit("write", path, source))?;
        (self.head_bytes, self.is_due) = (image.len(), false);
        (self.progress.image, self.progress.shown) = (Some(image), stock.revision);
        self.write_watermark()
    }

    /// Syncs the head, so that after a power cut no older one is believed to have been read.
    pub(super) fn rest(&mut self) -> Result<(), TurnError> {
        let revision = self.stock().revision;
        let written = Watermark::read(&*self.held.servers);
        if written.boot == self.progress.boot && written.applied > revision {
            // Another has sold since and this process has not heard: what it knows is of no use to
            // the watermark, and the head is not its own to sync.
            return Ok(());
        }
        if self.progress.synced == Some(revision) && written.synced >= revision {
            return Ok(());
        }
        // IMPORTANT: the records first, for a buffered turn has not synced them:
        // a head must never be ahead of the ledger.
        self.progress.cursor.segment().sync()?;
        self.progress.is_settled = true;
        let path = &self.progress.layout.head;
        self.held.head.sync().map_err(|source| commit("sync", path, source))?;
        self.progress.synced = Some(revision);
        self.write_watermark()?;
        let path = &self.progress.layout.lock;
        self.held.servers.sync().map_err(|source| commit("sync", path, source))?;
        Ok(())
    }

    fn write_watermark(&self) -> Result<(), TurnError> {
        let Progress { boot, synced, layout, .. } = &*self.progress;
        let (boot, applied) = (boot.clone(), self.stock().revision);
        let image = Watermark { boot, applied, synced: synced.unwrap_or(0) }.image();
        let written = self.held.servers.write_at(&image, 0);
        written.map_err(|source| commit("write", &layout.lock, source))?;
        Ok(())
    }
}

impl<D: Disk> Turn for FileTurn<'_, '_, D> {
    type Batch = FileBatch;

    fn news(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), Fault> {
        Ok(self.learn(hear)?)
    }

    fn batch(&mut self) -> Result<FileBatch, Fault> {
        Ok(self.empty_batch()?)
    }

    fn confirm(&mut self) -> Result<bool, Fault> {
        // The lock keeps out whoever takes it; an editor puts another file under the name all the same.
        Ok(self.held.is_in_place())
    }

    fn append(&mut self, batch: &FileBatch) -> Appended {
        match self.commit(batch) {
            // An editor may have put another file under the name: whoever reads that one
            // does not see the sale.
            Ok(()) if self.held.is_in_place() => Appended::Durable,
            Ok(()) => {
                let path = self.progress.layout.head.display();
                tracing::warn!("{path} was replaced during a sale");
                Appended::Unseen
            }
            Err(error) => Appended::Broken(Cause::of(error)),
        }
    }

    fn is_snapshot_due(&self) -> bool {
        let Progress { cursor, snapshots, .. } = &*self.progress;
        cursor.position() == cursor.segment().records_start() && snapshots.is_due()
    }

    fn keep(&mut self, inventory: Inventory) {
        let Progress { cursor, snapshots, .. } = &mut *self.progress;
        assert_eq!(inventory.stock(), cursor.stock(), "it is what the ledger has come to");
        snapshots.keep(inventory, cursor.segment().header().clone());
    }

    fn end(mut self) -> Result<(), Fault> {
        Ok(self.show_if_due()?)
    }
}

/// How much of the second half of a segment is used, per mille; `None` in its first half.
fn used_of_second_half(size: u64, room: u64) -> Option<u64> {
    let half = size / 2;
    half.checked_sub(room).map(|used| used * 1000 / half.max(1))
}

fn commit(action: &'static str, path: &Path, source: io::Error) -> CommitError {
    CommitError { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_make_the_next_segment_begins_in_the_middle_and_ends_where_this_one_is_full() {
        let used = [1000, 501, 500, 499, 400, 1, 0].map(|room| used_of_second_half(1000, room));
        assert_eq!(used, [None, None, Some(0), Some(2), Some(200), Some(998), Some(1000)]);
    }
}
