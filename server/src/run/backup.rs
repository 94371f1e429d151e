//! `server backup` and `server restore`: a counter copied while it sells, and put in place again.
//!
//! Both make all of it under another name, and give it the right one in the end: what is named like a
//! backup or like a counter is whole.

#[cfg(any(feature = "etcd", feature = "postgres"))]
use std::sync::Arc;
use std::{path::Path, time::Duration};

#[cfg(feature = "etcd")]
use crate::run::etcd_counter;
#[cfg(feature = "postgres")]
use crate::run::postgres_counter;
use crate::{
    db::Db,
    domain::Stock,
    ledger::{
        file::{
            audit::{Audit as FileAudit, Auditor, read_head, read_ledger},
            backup::{Shown, copy},
            disk::RealDisk,
            error::OpenError,
            head_check::check_head,
            layout::Layout,
        },
        format::base::Base,
    },
    log,
    run::{
        RunError,
        file_counter::open_anew,
        in_place::put_in_place,
        making::Making,
        real_path::{counter_at, real_path_of},
        upkeep::{described, keep_out},
    },
};
#[cfg(any(feature = "etcd", feature = "postgres"))]
use crate::{
    domain::{COUNT_MAX, Record, Trial, epoch_of},
    ledger::{
        Archive, Audit, Cause, CopyError, Copying, Engine as _, Fault, Overview, Scan, Staged,
        file::{backup::mark, scan::FileScan},
    },
    run::{
        machine::{TIMER, now_ms, random},
        staged_file::{clear, make},
    },
};

/// What the counter's file is called in a backup.
const HEAD_NAME: &str = "db.txt";

/// Copies the counter at `db` to the folder `dir`, which is made, while it is being sold from.
///
/// # Errors
/// [`RunError`]; there is no folder `dir` then.
pub fn backup(db: &Db, dir: &Path, patience: Duration) -> Result<(), RunError> {
    match db {
        Db::File(path) => backup_file(path, dir, patience),
        #[cfg(feature = "etcd")]
        Db::Etcd(address) => backup_engine(etcd_counter::scan(address)?, dir),
        #[cfg(feature = "postgres")]
        Db::Postgres(address) => backup_engine(postgres_counter::scan(address)?, dir),
        #[cfg(not(all(feature = "etcd", feature = "postgres")))]
        db => Err(RunError::NotBuiltIn { db: db.clone() }),
    }
}

/// Copies the counter that `scan` reads, up to where its head was as that began, as one in files.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn backup_engine<S: Scan + Overview>(
    (scan, place): (Result<S, Fault>, String),
    dir: &Path,
) -> Result<(), RunError> {
    let failed = |cause| RunError::Engine { place: place.clone(), cause };
    let scan = scan.map_err(|fault| failed(fault.cause()))?;
    let (base, last) = (anew(scan.base()), scan.last());
    let mut audit = Audit::begin(scan).map_err(|fault| failed(fault.cause()))?;
    let making = Making::beside(dir)?;
    let copied = Layout::around(&making.path.join(HEAD_NAME));
    let (engine, inventory) = make(&copied, &base)?;
    let archive = engine.archive(&inventory);
    let copying = Copying::begin(engine, Some(inventory), &archive, &base, TIMER);
    let failed = |error| failed(Cause::of(error));
    let mut copying = copying.map_err(failed)?;
    copying.copy(&mut audit, last, &mut |records| records).map_err(failed)?;
    let rested = copying.into_engine().rest().and_then(|()| clear(&copied));
    rested.map_err(|fault| RunError::Engine { place: place.clone(), cause: fault.cause() })?;
    mark(&RealDisk, &copied, last).map_err(OpenError::from)?;
    // What was copied is read again: it is what was found, or it is no backup.
    let again = read_ledger(&RealDisk, &copied).map_err(OpenError::from)?;
    let again = again.filter(|again| again.stock == audit.folded().stock());
    let again = again.ok_or_else(|| RunError::Copy { path: dir.to_owned() })?;
    making.give_name(dir)?;
    log::tell(format_args!("{}: {}: sound", dir.display(), described(&again)));
    Ok(())
}

fn backup_file(db: &Path, dir: &Path, patience: Duration) -> Result<(), RunError> {
    let layout = counter_at(db)?;
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
    let shown = Shown::read(&RealDisk, &layout).map_err(OpenError::from)?;
    drop(out);
    let ledger = audit.as_ref().map_or(0, |audit| audit.stock.revision);
    check_head(&layout, &shown.head, ledger).map_err(OpenError::from)?;
    let copied = Layout::around(&making.path.join(HEAD_NAME));
    copy(&RealDisk, &layout, audit.as_ref(), &shown, &copied).map_err(OpenError::from)?;
    // What was copied is read again: it is what was found, or it is no backup.
    let again = audit_of_backup(&copied)?;
    if again.as_ref().map(|again| again.stock) != audit.as_ref().map(|audit| audit.stock) {
        return Err(RunError::Copy { path: dir.to_owned() });
    }
    making.give_name(dir)?;
    match again {
        Some(audit) => log::tell(format_args!("{}: {}: sound", dir.display(), described(&audit))),
        None => log::tell(format_args!(
            "{}: count {}, and no ledger yet: sound",
            dir.display(),
            shown.head.count
        )),
    }
    Ok(())
}

/// Puts the backup in the folder `dir` in the place of the counter at `db`, where none is, as another life
/// of it: no receipt is given out twice, and no number of the `sold_at_least` first.
///
/// # Errors
/// [`RunError`]; there is no counter at `db` then.
pub fn restore(
    db: &Db,
    dir: &Path,
    sold_at_least: u64,
    patience: Duration,
) -> Result<(), RunError> {
    match db {
        Db::File(path) => restore_file(path, dir, sold_at_least, patience),
        #[cfg(feature = "etcd")]
        Db::Etcd(address) => restore_engine(dir, sold_at_least, |base| {
            let (stage, place) = etcd_counter::stage(address, base)?;
            let archive = stage.archive();
            Ok((stage, archive, place))
        }),
        #[cfg(feature = "postgres")]
        Db::Postgres(address) => restore_engine(dir, sold_at_least, |base| {
            let stage = postgres_counter::stage(address, base)?;
            let archive = Arc::new(stage.archive());
            Ok((stage, archive, db.to_string()))
        }),
        #[cfg(not(all(feature = "etcd", feature = "postgres")))]
        db => Err(RunError::NotBuiltIn { db: db.clone() }),
    }
}

/// Puts the backup in the folder `dir` into the counter in the making that `stage` gives, and begins another life
/// of it.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn restore_engine<T: Staged, A: Archive>(
    dir: &Path,
    sold_at_least: u64,
    stage: impl FnOnce(Base) -> Result<(T, Arc<A>, String), RunError>,
) -> Result<(), RunError> {
    let source = backup_in(dir)?;
    let audit = audit_of_backup(&source)?;
    let scan = FileScan::begin(&RealDisk, &source).map_err(OpenError::from)?;
    let (Some(read), Some(scan)) = (audit, scan) else {
        return Err(RunError::NoLedger { folder: source.folder });
    };
    let base = anew(scan.base());
    let (stage, archive, place) = stage(base.clone())?;
    let failed = |cause| RunError::Engine { place: place.clone(), cause };
    let mut audit = Audit::begin(scan).map_err(|fault| failed(fault.cause()))?;
    let failed = |error| failed(Cause::of(error));
    let copying = Copying::begin(stage, None, &*archive, &base, TIMER);
    let mut copying = copying.map_err(failed)?;
    copying.copy(&mut audit, read.stock.revision, &mut |records| records).map_err(failed)?;
    let before = audit.folded();
    let at_ms = now_ms().max(before.at_ms());
    // An earlier try that was broken off may have drawn the epoch.
    let epoch = match copying.inventory().stock().epoch {
        epoch if epoch != before.stock().epoch => epoch,
        _ => epoch_of(random()?),
    };
    let bounds = (sold_at_least, COUNT_MAX);
    let records = Trial::of(before, at_ms).restoration(before, epoch, bounds);
    let missing = not_there_yet(before.stock(), &records, copying.inventory().stock());
    copying.append(missing.ok_or_else(|| failed(CopyError::Differs))?).map_err(failed)?;
    let stock = copying.inventory().stock();
    copying.publish().map_err(failed)?;
    log::tell(format_args!("{place}: {}", restored(stock)));
    tell_of_what_came_back(before.stock(), sold_at_least);
    if before.stock().issued == stock.issued {
        log::tell(NOT_IN_IT);
    }
    Ok(())
}

/// Those of `records`, which go on from the stock `before`, that are behind the stock `there`.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn not_there_yet(before: Stock, records: &[Record], there: Stock) -> Option<&[Record]> {
    let (mut stock, mut rest) = (before, records);
    while stock != there {
        let (next, behind) = rest.split_first()?;
        (stock, rest) = (stock.after(next).ok()?, behind);
    }
    Some(rest)
}

/// The counter in the backup that the folder `dir` is.
fn backup_in(dir: &Path) -> Result<Layout, RunError> {
    let head = dir.join(HEAD_NAME);
    if dir.is_file() || matches!(head.try_exists(), Ok(false)) {
        return Err(RunError::NoBackup { folder: dir.to_owned() });
    }
    Ok(Layout::around(&real_path_of(&head)?))
}

fn restore_file(
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
    let source = backup_in(dir)?;
    let shown = Shown::read(&RealDisk, &source).map_err(OpenError::from)?;
    let audit = audit_of_backup(&source)?;
    let making = Making::beside(&layout.head)?;
    let copied = Layout::around(&making.path.join(HEAD_NAME));
    copy(&RealDisk, &source, audit.as_ref(), &shown, &copied).map_err(OpenError::from)?;
    let stock = open_anew(&copied.head, patience, sold_at_least)?;
    put_in_place(&copied, &layout)?;
    drop(making);
    log::tell(format_args!("{}: {}", layout.head.display(), restored(stock)));
    if let Some(audit) = &audit {
        tell_of_what_came_back(audit.stock, sold_at_least);
    }
    if audit.is_some_and(|audit| audit.stock.issued == stock.issued) {
        log::tell(format_args!("{NOT_IN_IT}, or write the count that is left into db.txt"));
    }
    Ok(())
}

/// What the backup at `source` says, where it has a ledger; it is sound.
fn audit_of_backup(source: &Layout) -> Result<Option<FileAudit>, RunError> {
    let said = read_head(&RealDisk, source).map_err(OpenError::from)?;
    let audit = read_ledger(&RealDisk, source).map_err(OpenError::from)?;
    let ledger = audit.as_ref().map_or(0, |audit| audit.stock.revision);
    check_head(source, &said, ledger).map_err(OpenError::from)?;
    Ok(audit)
}

/// What is told of a restored counter that may lack what was sold behind its backup.
const NOT_IN_IT: &str = "what was sold behind the backup is not in it: where that is known, restore again with \
                         `--sold-at-least`";

/// Tells where more numbers were given out than there were tickets in the backup, whose stock was `before`.
fn tell_of_what_came_back(before: Stock, sold: u64) {
    let Stock { remaining, held, issued, .. } = before;
    let more = sold.saturating_sub(issued + remaining + held);
    if more > 0 {
        log::tell(format_args!(
            "{more} of them were more than there were: so many tickets came back or were added behind the backup; \
             refunding one of those sales again would sell its seat twice"
        ));
    }
}

fn restored(stock: Stock) -> String {
    let Stock { remaining, held, issued, .. } = stock;
    let sold = stock.sold();
    format!("{remaining} left, {held} held, {sold} sold; the next number is {}", issued + 1)
}

/// What a ledger begins with whose lines, and so their checksums, are written anew.
pub(super) fn anew(base: &Base) -> Base {
    Base::of(base.key, 0, base.stock(), base.at_ms)
}
