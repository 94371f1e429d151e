//! `server verify` and `server repair`: looking after a counter that does not sell.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

#[cfg(any(feature = "etcd", feature = "postgres"))]
use crate::ledger::{Audit, Fault, Overview, Scan};
#[cfg(feature = "etcd")]
use crate::run::etcd_counter;
#[cfg(feature = "postgres")]
use crate::run::postgres_counter;
use crate::{
    db::Db,
    domain::Stock,
    ledger::file::{
        audit::{Audit as FileAudit, Auditor, read_head, read_ledger},
        disk::{Disk, FileLock, RealDisk},
        error::{LogError, OpenError, TurnError},
        format::head::Head,
        head_check::check_head,
        layout::Layout,
        locks::holders,
        repair::{stock_behind, write_head},
    },
    log,
    run::{RunError, file_counter::open_anew, real_path::real_path_of},
};

/// Reads head and ledger of the counter at `db`, changes nothing, and says what is there.
///
/// Gives whether the counter is sound.
///
/// # Errors
/// [`RunError`] where it cannot be looked at, for example while somebody holds its lock.
pub fn verify(db: &Db, patience: Duration) -> Result<bool, RunError> {
    match db {
        Db::File(path) => verify_file(path, patience),
        #[cfg(feature = "etcd")]
        Db::Etcd(address) => {
            let (scan, place) = etcd_counter::scan(address)?;
            look_over(scan, &place)
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(address) => {
            let (scan, place) = postgres_counter::scan(address)?;
            look_over(scan, &place)
        }
        #[cfg(not(all(feature = "etcd", feature = "postgres")))]
        db => Err(RunError::NotBuiltIn { db: db.clone() }),
    }
}

/// Looks over the ledger at `place` that `scan` reads, up to where its head was as that began.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn look_over<S: Scan + Overview>(scan: Result<S, Fault>, place: &str) -> Result<bool, RunError> {
    let scan = match scan {
        Ok(scan) => scan,
        Err(fault) => return told(fault, place),
    };
    log::tell(format_args!("{place}: {}", scan.head()));
    let (last, began_at) = (scan.last(), scan.base().revision);
    let mut audit = match Audit::begin(scan) {
        Ok(audit) => audit,
        Err(fault) => return told(fault, place),
    };
    loop {
        match audit.read_on(last) {
            Ok(records) if records.is_empty() => break,
            Ok(_) => {}
            Err(fault) => return told(fault, place),
        }
    }
    let (stock, scan) = (audit.folded().stock(), audit.scan());
    let (pieces, records) = (scan.pieces(), counted(stock.revision - began_at, "record"));
    log::tell(format_args!("{place}: {pieces}, {records}, {}", counts(stock)));
    log::tell(format_args!("{}", conserved(stock)));
    for note in scan.notes() {
        log::tell(format_args!("note: {note}"));
    }
    log::tell("sound");
    Ok(true)
}

/// Tells what is damaged; what only cannot be read just now is no fault of the ledger.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn told(fault: Fault, place: &str) -> Result<bool, RunError> {
    match fault {
        Fault::Lasting(cause) => {
            log::tell(format_args!("fault: {cause}"));
            Ok(false)
        }
        Fault::Passing(cause) => Err(RunError::Engine { place: place.to_owned(), cause }),
    }
}

fn verify_file(db: &Path, patience: Duration) -> Result<bool, RunError> {
    let layout = Layout::around(&real_path_of(db)?);
    // Nearly all of it while others sell; what they have added then, and the end, without them.
    let read = Auditor::begin(&RealDisk, &layout).and_then(|mut auditor| {
        auditor.as_mut().map_or(Ok(()), Auditor::read_on)?;
        Ok(auditor)
    });
    let out = keep_out(&layout, patience)?;
    let head = read_head(&RealDisk, &layout);
    let ledger = match read {
        Ok(Some(auditor)) => auditor.finish().map(Some),
        // Its first sale can have come meanwhile.
        Ok(None) => read_ledger(&RealDisk, &layout),
        Err(error) => Err(error),
    };
    drop(out);
    match &head {
        Ok(head) => log::tell(format_args!("{}: {head}", layout.head.display())),
        Err(error) => log::tell(format_args!("fault: {error}")),
    }
    let ledger = match ledger {
        Ok(ledger) => ledger,
        Err(error) => {
            log::tell(format_args!("fault: {error}"));
            return Ok(false);
        }
    };
    if let Some(audit) = &ledger {
        log::tell(format_args!("{}: {}", layout.folder.display(), described(audit)));
        log::tell(format_args!("{}", conserved(audit.stock)));
        for path in &audit.torn_snapshots {
            let path = path.display();
            log::tell(format_args!("note: {path} is torn: the next start reads more in its place"));
        }
    }
    let Ok(head) = head else { return Ok(false) };
    let revision = ledger.as_ref().map_or(0, |audit| audit.stock.revision);
    if let Err(error) = check_head(&layout, &head, revision) {
        match error {
            TurnError::HeadAhead { head, ledger, .. } => log::tell(format_args!(
                "fault: db.txt is at revision {head}, the ledger ends at {ledger}"
            )),
            error => log::tell(format_args!("fault: {error}")),
        }
        return Ok(false);
    }
    if let Some(audit) = &ledger {
        tell_what_the_next_start_does(&head, audit);
    }
    log::tell("sound");
    Ok(true)
}

/// Shows what `db.txt` is to be, from the ledger, and writes it unless `dry_run`.
///
/// One that a start can go on from is left alone: what other programs wrote in it is taken over then. Gives whether the
/// counter is sound now.
///
/// # Errors
/// [`RunError`]: without a ledger, with a damaged one, and where `db.txt` has no room for the count, nothing is written.
pub fn repair(db: &Path, patience: Duration, dry_run: bool) -> Result<bool, RunError> {
    let layout = Layout::around(&real_path_of(db)?);
    let out = keep_out(&layout, patience)?;
    let found = read_head(&RealDisk, &layout);
    let audit = read_ledger(&RealDisk, &layout).map_err(OpenError::from)?;
    let audit = audit.ok_or_else(|| RunError::NoLedger { folder: layout.folder.clone() })?;
    if found.as_ref().is_ok_and(|found| !found.has_room()) {
        return Err(OpenError::from(TurnError::HeadFull { path: layout.head }).into());
    }
    let ends = audit.stock.revision;
    log::tell(format_args!("{}: {}", layout.folder.display(), described(&audit)));
    match &found {
        Ok(found) => log::tell(format_args!("{} says:      {found}", layout.head.display())),
        Err(error) => log::tell(format_args!("fault: {error}")),
    }
    let lost = found.as_ref().ok().and_then(|found| found.revision).filter(|found| *found > ends);
    if let (Ok(found), None) = (&found, lost) {
        tell_what_the_next_start_does(found, &audit);
        log::tell(format_args!("nothing to repair"));
        return Ok(true);
    }
    let stock = stock_behind(&audit.inventory, found.as_ref().ok());
    let foreign = found.as_ref().map_or_else(|_| Vec::new(), |found| found.foreign.clone());
    let head = Head::of(stock, foreign);
    if let Some(last) = lost {
        let first = ends + 1;
        let lost = match last == first {
            true => format!("the record {first} is lost: what it sold"),
            false => format!("the records {first} to {last} are lost: what they sold"),
        };
        log::tell(format_args!(
            "{lost} stays sold, and no receipt and no hold of that is known again"
        ));
        let gone = audit.stock.capacity.saturating_sub(stock.capacity);
        if gone > 0 {
            log::tell(format_args!(
                "no longer on sale: {}, held or taken off the count there; restock what is free of that",
                counted(gone, "ticket")
            ));
        }
    }
    log::tell(format_args!("{} will say: {head}", layout.head.display()));
    if dry_run {
        return Ok(false);
    }
    match lost {
        None => write_head(&RealDisk, &layout, &head).map_err(OpenError::from)?,
        Some(_) => {
            drop(out);
            open_anew(&layout.head, patience, 0)?;
        }
    }
    log::tell("written");
    Ok(true)
}

pub(super) fn described(audit: &FileAudit) -> String {
    let FileAudit { segments, records, stock, torn_bytes, .. } = audit;
    let torn = match torn_bytes {
        0 => String::new(),
        bytes => format!(", {} of a sale that a crash cut off", counted(*bytes as u64, "byte")),
    };
    let (segments, records) = (counted(*segments as u64, "segment"), counted(*records, "record"));
    format!("{segments}, {records}, {}{torn}", counts(*stock))
}

/// So many of what one is called `noun`.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn counts(stock: Stock) -> String {
    format!("count {}, sold {}, revision {}", stock.remaining, stock.sold(), stock.revision)
}

/// `Conservation`, in figures.
fn conserved(stock: Stock) -> String {
    let Stock { remaining, held, issued, refunded, admitted, capacity, .. } = stock;
    let (sold, issued) = (stock.sold(), counted(issued, "number"));
    format!(
        "conservation: {capacity} there are = {remaining} left + {held} held + {sold} sold \
         ({issued} given out, {refunded} refunded, {admitted} admitted)"
    )
}

/// Says what is no fault, and what comes of it.
fn tell_what_the_next_start_does(head: &Head, audit: &FileAudit) {
    if audit.is_backup {
        log::tell(
            "note: this is a backup: what was sold behind it is not in it, and the next start gives the numbers of that \
             out again; `server restore --sold-at-least` sees to it that none is",
        );
    }
    let stock = audit.stock;
    let note = match head.revision {
        Some(revision) if revision < stock.revision => {
            Some("db.txt is behind the ledger; the next start or sale writes it anew".to_owned())
        }
        _ if head.count != stock.remaining => {
            let (count, remaining) = (head.count, stock.remaining);
            Some(format!(
                "somebody outside changed the count from {remaining} to {count}; the next start \
                 or sale takes that over"
            ))
        }
        _ => None,
    };
    if let Some(note) = note {
        log::tell(format_args!("note: {note}"));
    }
}

/// The files of `paths` that are there, each as what it locks.
fn open_locks(paths: &[PathBuf]) -> Result<Vec<(PathBuf, impl FileLock + use<>)>, LogError> {
    let opened = paths.iter().filter_map(|path| match RealDisk.open_to_read(path) {
        Ok(file) => Some(Ok((path.clone(), RealDisk.lockable(file)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => Some(Err(LogError::Io { action: "open", path: path.clone(), source })),
    });
    opened.collect()
}

/// Keeps servers and outsiders out for as long as the sender of the answer lives.
pub(super) fn keep_out(layout: &Layout, patience: Duration) -> Result<mpsc::Sender<()>, RunError> {
    let (release, released) = mpsc::channel::<()>();
    let (sender, locked) = mpsc::channel();
    let paths = [layout.lock.clone(), layout.head.clone()];
    // The kernel's queue for a lock has no time limit: so another thread waits in it.
    thread::Builder::new().name("keeping-out".to_owned()).spawn(move || {
        let mut locks = match open_locks(&paths) {
            Ok(locks) => locks,
            // Nobody receives it any more where the wait was too long.
            Err(error) => return drop(sender.send(Err(error))),
        };
        let held = locks.iter_mut().map(|(path, lock)| {
            let io = |source| LogError::Io { action: "lock", path: path.clone(), source };
            lock.exclusive().map_err(io)
        });
        let held: Result<Vec<_>, _> = held.collect();
        let (_held, told) = match held {
            Ok(held) => (Some(held), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let _ = sender.send(told);
        let _ = released.recv();
    })?;
    match locked.recv_timeout(patience) {
        Ok(Ok(())) => Ok(release),
        Ok(Err(error)) => Err(OpenError::from(error).into()),
        Err(_) => {
            let (path, holders) = (layout.head.clone(), holders(&RealDisk, layout));
            Err(OpenError::Locked { path, waited: patience, holders }.into())
        }
    }
}
