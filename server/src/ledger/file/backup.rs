//! A counter copied while it sells, and put in place again.
//!
//! What is acknowledged does not change any more: so the files are copied up to where
//! the ledger ended at one moment, and nobody has to wait for that.

use std::{io, path::Path};

use crate::ledger::file::{
    audit::{Audit, read_head_bytes},
    disk::{Disk, DiskFile},
    error::LogError,
    format::{head::Head, watermark::Watermark},
    layout::Layout,
    log::snapshots,
    reader::{self, HeadError},
};

/// How much is copied at once, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// What stands in `db.txt`, and up to where a server wrote it.
pub struct Shown {
    bytes: Vec<u8>,
    /// What they say.
    pub head: Head,
    /// The revision.
    published: u64,
}

impl Shown {
    /// Reads both of the counter at `layout`; whoever calls keeps everybody out.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn read<D: Disk>(disk: &D, layout: &Layout) -> Result<Self, HeadError> {
        let bytes = read_head_bytes(disk, layout)?;
        let head = reader::parse(&layout.head, &bytes)?;
        let written = disk.open_to_read(&layout.lock).ok().map(|file| Watermark::read(&file));
        let published = written.map_or(0, |written| match disk.boot_id() {
            Some(boot) if boot == written.boot => written.applied,
            _ => written.synced,
        });
        Ok(Self { bytes, head, published })
    }
}

/// Copies the ledger of the counter at `from`, as `audit` has read it, and its head, as it was `shown` then, to `to`,
/// whose folder is there; durable on return.
///
/// What somebody outside wrote into the head, and no server has taken over yet, goes along, with what it is to be held
/// against.
///
/// # Errors
/// [`LogError::Io`].
pub fn copy<D: Disk>(
    disk: &D,
    from: &Layout,
    audit: Option<&Audit>,
    shown: &Shown,
    to: &Layout,
) -> Result<(), LogError> {
    let create = |path: &Path, bytes: &[u8], file: io::Result<D::File>| {
        let file = file.map_err(failed("create", path))?;
        file.write_at(bytes, 0).map_err(failed("write", path))?;
        file.sync().map_err(failed("sync", path))
    };
    create(&to.head, &shown.bytes, disk.create_new_for_all(&to.head))?;
    if let Some(Audit { entered, end, .. }) = audit {
        disk.create_dir(&to.folder).map_err(failed("create", &to.folder))?;
        // Only what was synced counts, as behind a restart of the machine.
        let written = Watermark::of_backup(shown.published).image();
        create(&to.lock, &written, disk.create_new(&to.lock))?;
        for start in entered {
            let length = (*start == end.start).then_some(end.offset);
            copy_file(disk, &from.segment(*start), &to.segment(*start), length)?;
        }
        for start in snapshots::starts(disk, from)? {
            // One that is removed meanwhile is not missed; one that is newer belongs to nothing here.
            if entered.contains(&start) {
                let _ = copy_file(disk, &from.snapshot(start), &to.snapshot(start), None);
            }
        }
        disk.sync_dir(&to.folder).map_err(failed("sync", &to.folder))?;
    }
    disk.sync_dir(&to.parent).map_err(failed("sync", &to.parent))
}

/// Marks the counter at `layout`, which nobody sells from and whose head was synced at `published`, as a backup; durable
/// on return.
///
/// # Errors
/// [`LogError::Io`].
pub fn mark<D: Disk>(disk: &D, layout: &Layout, published: u64) -> Result<(), LogError> {
    let path = &layout.lock;
    let file = disk.open(path).map_err(failed("open", path))?;
    let image = Watermark::of_backup(published).image();
    file.write_at(&image, 0).map_err(failed("write", path))?;
    file.sync().map_err(failed("sync", path))
}

/// Copies the first `length` bytes of a file, or all of them.
fn copy_file<D: Disk>(
    disk: &D,
    from: &Path,
    to: &Path,
    length: Option<u64>,
) -> Result<(), LogError> {
    let source = disk.open_to_read(from).map_err(failed("open", from))?;
    let copy = disk.create_new(to).map_err(failed("create", to))?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    loop {
        let left = length.map_or(u64::MAX, |length| length - offset);
        let asked = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = source.read_at(&mut piece[..asked], offset).map_err(failed("read", from))?;
        if read == 0 {
            return copy.sync().map_err(failed("sync", to));
        }
        copy.write_at(&piece[..read], offset).map_err(failed("write", to))?;
        offset += read as u64;
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError + use<> {
    let path = path.to_owned();
    move |source| LogError::Io { action, path, source }
}
