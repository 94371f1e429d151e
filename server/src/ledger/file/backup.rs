//! A counter copied while it sells, and put in place again.
//!
//! What is acknowledged does not change any more: so the files are copied up to where
//! the ledger ended at one moment, and nobody has to wait for that.

use std::path::Path;

use crate::{
    domain::{Inventory, Trial},
    ledger::{
        Appended, Batch as _, Cause, Engine as _, Fault, News, Turn as _,
        file::{
            audit::Audit,
            disk::{Disk, DiskFile},
            engine::FileEngine,
            error::LogError,
            layout::Layout,
            log::snapshots,
        },
    },
};

/// How much is copied at once, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// Copies the ledger of the counter at `from`, as `audit` has read it, and the bytes of its head, to `to`,
/// whose folder is there; durable on return.
///
/// # Errors
/// [`LogError::Io`].
pub fn copy<D: Disk>(
    disk: &D,
    from: &Layout,
    audit: Option<&Audit>,
    head: &[u8],
    to: &Layout,
) -> Result<(), LogError> {
    let written = disk.create_new_for_all(&to.head).map_err(io("create", &to.head))?;
    written.write_at(head, 0).map_err(io("write", &to.head))?;
    written.sync().map_err(io("sync", &to.head))?;
    if let Some(Audit { entered, end, .. }) = audit {
        disk.create_dir(&to.folder).map_err(io("create", &to.folder))?;
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
        disk.sync_dir(&to.folder).map_err(io("sync", &to.folder))?;
    }
    disk.sync_dir(&to.parent).map_err(io("sync", &to.parent))
}

/// Copies the first `length` bytes of a file, or all of them.
fn copy_file<D: Disk>(
    disk: &D,
    from: &Path,
    to: &Path,
    length: Option<u64>,
) -> Result<(), LogError> {
    let source = disk.open_to_read(from).map_err(io("open", from))?;
    let copy = disk.create_new(to).map_err(io("create", to))?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    loop {
        let left = length.map_or(u64::MAX, |length| length - offset);
        let asked = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = source.read_at(&mut piece[..asked], offset).map_err(io("read", from))?;
        if read == 0 {
            return copy.sync().map_err(io("sync", to));
        }
        copy.write_at(&piece[..read], offset).map_err(io("write", to))?;
        offset += read as u64;
    }
}

/// Begins another life of the ledger: of what was sold behind the backup nothing is known but that `sold`
/// numbers at least were given out. Gives the inventory as it is then.
///
/// # Errors
/// [`Fault`].
pub fn begin_anew<D: Disk>(
    engine: &mut FileEngine<D>,
    mut inventory: Inventory,
    (epoch, sold): (u64, u64),
    at_ms: u64,
) -> Result<Inventory, Fault> {
    let mut turn = engine.begin()?;
    let mut is_news = false;
    turn.news(&mut |_: News| is_news = true)?;
    let mut batch = turn.batch()?;
    let record = Trial::of(&inventory, at_ms).restoration(epoch, sold);
    if is_news || !batch.push(&record) {
        return Err(Fault::Passing(Cause::of("somebody else uses what is being restored")));
    }
    match turn.append(&batch) {
        Appended::Durable => turn.end()?,
        _ => return Err(Fault::Lasting(Cause::of("the end of the ledger cannot be written"))),
    }
    inventory.fold(&record).map_err(|fault| Fault::Lasting(Cause::of(fault)))?;
    Ok(inventory)
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LogError + use<> {
    let path = path.to_owned();
    move |source| LogError::Io { action, path, source }
}
