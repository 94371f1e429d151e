//! `server backup` and `server restore`: a counter copied while it sells, and put in place again.
//!
//! Both make all of it under another name, and give it the right one in the end: what is named like a
//! backup or like a counter is whole.

use std::{fs, io, path::Path, time::Duration};

use crate::{
    domain::{COUNT_MAX, Stock},
    ledger::file::{
        audit::{Auditor, read_head, read_head_bytes, read_ledger},
        backup::{begin_anew, copy},
        disk::{Disk as _, RealDisk},
        error::{OpenError, TurnError},
        layout::Layout,
    },
    run::{
        RunError,
        file_counter::open_ledger,
        machine::{now_ms, random},
        making::Making,
        real_path::real_path_of,
        upkeep::{described, keep_out},
    },
};

/// What the counter's file is called in a backup.
const HEAD_NAME: &str = "db.txt";

/// Copies the counter at `db` to the folder `dir`, which is made, while it is being sold from.
///
/// # Errors
/// [`RunError`]; there is no folder `dir` then.
pub fn backup(db: &Path, dir: &Path, patience: Duration) -> Result<(), RunError> {
    let layout = Layout::around(&real_path_of(db)?);
    let making = Making::beside(dir)?;
    // Nearly all of it is read while others sell; only the end is found without them.
    let mut auditor = Auditor::begin(&RealDisk, &layout).map_err(OpenError::from)?;
    auditor.as_mut().map_or(Ok(()), Auditor::read_on).map_err(OpenError::from)?;
    let out = keep_out(&layout, patience)?;
    let audit = match auditor {
        Some(auditor) => Some(auditor.finish()),
        None => read_ledger(&RealDisk, &layout).transpose(),
    };
    let audit = audit.transpose().map_err(OpenError::from)?;
    let head = read_head_bytes(&RealDisk, &layout).map_err(OpenError::from)?;
    drop(out);
    let copied = Layout::around(&making.path.join(HEAD_NAME));
    copy(&RealDisk, &layout, audit.as_ref(), &head, &copied).map_err(OpenError::from)?;
    // What was copied is read again: it is what was found, or it is no backup.
    let said = read_head(&RealDisk, &copied).map_err(OpenError::from)?;
    let again = read_ledger(&RealDisk, &copied).map_err(OpenError::from)?;
    if again.as_ref().map(|again| again.stock) != audit.as_ref().map(|audit| audit.stock) {
        return Err(RunError::Copy { path: dir.to_owned() });
    }
    making.give_name(dir)?;
    match again {
        Some(audit) => println!("{}: {}: sound", dir.display(), described(&audit)),
        None => println!("{}: count {}, and no ledger yet: sound", dir.display(), said.count),
    }
    Ok(())
}

/// Puts the backup in the folder `dir` in the place of the counter at `db`, where none is, as another life
/// of it: no receipt is given out twice, and no number of the `sold_at_least` first.
///
/// # Errors
/// [`RunError`]; there is no counter at `db` then.
pub fn restore(
    db: &Path,
    dir: &Path,
    sold_at_least: u64,
    patience: Duration,
) -> Result<(), RunError> {
    let layout = Layout::around(&real_path_of(db)?);
    for path in [&layout.head, &layout.folder] {
        if path.symlink_metadata().is_ok() {
            return Err(RunError::InTheWay { path: path.clone() });
        }
    }
    let source = Layout::around(&real_path_of(&dir.join(HEAD_NAME))?);
    let head = read_head_bytes(&RealDisk, &source).map_err(OpenError::from)?;
    let said = read_head(&RealDisk, &source).map_err(OpenError::from)?;
    let audit = read_ledger(&RealDisk, &source).map_err(OpenError::from)?;
    let ledger = audit.as_ref().map_or(0, |audit| audit.stock.revision);
    if said.revision.is_some_and(|revision| revision > ledger) {
        let (path, folder) = (source.head, source.folder);
        let head = said.revision.unwrap_or_default();
        return Err(OpenError::from(TurnError::HeadAhead { path, folder, head, ledger }).into());
    }
    let making = Making::beside(&layout.head)?;
    let copied = Layout::around(&making.path.join(HEAD_NAME));
    copy(&RealDisk, &source, audit.as_ref(), &head, &copied).map_err(OpenError::from)?;
    let stock = live_anew(&copied.head, sold_at_least, patience)?;
    let init = |source| RunError::Init { path: db.to_owned(), source };
    fs::rename(&copied.folder, &layout.folder).map_err(init)?;
    // Unlike a rename, it does not take the place of a counter that has appeared meanwhile.
    RealDisk.link(&copied.head, &layout.head).map_err(init)?;
    RealDisk.sync_dir(&layout.parent).map_err(init)?;
    drop(making);
    let Stock { remaining, held, issued, .. } = stock;
    println!(
        "{}: {remaining} left, {held} held, {} sold; the next number is {}",
        layout.head.display(),
        stock.sold(),
        issued + 1
    );
    if let Some(audit) = audit
        && audit.stock.issued == issued
    {
        println!(
            "what was sold behind the backup is not in it: where that is known, restore again with \
             `--sold-at-least`, or write the count that is left into db.txt"
        );
    }
    Ok(())
}

/// Opens the counter at `head` and begins another life of it.
fn live_anew(head: &Path, sold_at_least: u64, patience: Duration) -> Result<Stock, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = runtime.block_on(open_ledger(head, true, patience, usize::MAX));
    let (mut engine, inventory) = opened?;
    let bytes = random()?;
    let drawn = bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let epoch = drawn % COUNT_MAX + 1;
    let at_ms = now_ms().max(inventory.at_ms());
    let anew = begin_anew(&mut engine, inventory, (epoch, sold_at_least), at_ms);
    let anew = anew.map_err(|fault| io::Error::other(fault.to_string()))?;
    Ok(anew.stock())
}
