//! `server import`: a counter moves from one engine to another.

use std::{sync::Arc, time::Duration};

#[cfg(any(feature = "etcd", feature = "postgres"))]
use crate::ledger::Fault;
#[cfg(feature = "etcd")]
use crate::run::etcd_counter;
#[cfg(feature = "postgres")]
use crate::run::postgres_counter;
use crate::{
    db::Db,
    domain::Inventory,
    ledger::{
        Again, Archive, Audit, Copying, Engine, MoveError, Moving, Scan, Staged,
        file::{disk::RealDisk, error::OpenError, layout::Layout, scan::FileScan},
        format::base::Base,
    },
    log,
    run::{
        RunError,
        backup::anew,
        file_counter::open_ledger,
        machine::{TIMER, now_ms},
        real_path::{counter_at, real_path_of},
        staged_file::StagedFile,
    },
};

/// A counter that is to move.
struct Source<E, C> {
    engine: E,
    /// What it has come to, where that is known by now.
    inventory: Option<Inventory>,
    scan: C,
    place: String,
    /// What is read beside its turns.
    archive: Arc<dyn Archive>,
}

/// Moves the counter at `from` to `to`, where none is; `again`, where that has ended before.
///
/// # Errors
/// [`RunError`]: what was copied by then is gone on from by the next try.
pub fn import(from: &Db, to: &Db, again: Again, patience: Duration) -> Result<(), RunError> {
    match from {
        Db::File(path) => {
            let path = counter_at(path)?.head;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let opened = runtime.block_on(open_ledger(&path, true, patience, usize::MAX));
            let (engine, inventory) = opened?;
            let scan = FileScan::begin(&RealDisk, &Layout::around(&path));
            let scan = scan.map_err(OpenError::from)?;
            let scan = scan.expect("a counter that was opened has a ledger");
            let (place, archive) =
                (path.display().to_string(), Arc::new(engine.archive(&inventory)));
            move_to(to, again, Source { engine, inventory: Some(inventory), scan, place, archive })
        }
        #[cfg(feature = "etcd")]
        Db::Etcd(address) => {
            let (engine, place) = etcd_counter::open(address, None, usize::MAX)?;
            let scan = readable(etcd_counter::scan(address)?)?;
            let archive = engine.archive();
            move_to(to, again, Source { engine, inventory: None, scan, place, archive })
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(address) => {
            let engine = postgres_counter::engine(address, None, usize::MAX)?;
            let (scan, place) = (readable(postgres_counter::scan(address)?)?, from.to_string());
            let archive = Arc::new(engine.archive());
            move_to(to, again, Source { engine, inventory: None, scan, place, archive })
        }
        #[cfg(not(all(feature = "etcd", feature = "postgres")))]
        db => Err(RunError::NotBuiltIn { db: db.clone() }),
    }
}

/// What reads a ledger, where it can be read.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn readable<C>((scan, place): (Result<C, Fault>, String)) -> Result<C, RunError> {
    scan.map_err(|fault| RunError::Engine { place, cause: fault.cause() })
}

fn move_to<E: Engine, C: Scan>(
    to: &Db,
    again: Again,
    source: Source<E, C>,
) -> Result<(), RunError> {
    let base = anew(source.scan.base());
    match to {
        Db::File(path) => {
            let layout = Layout::around(&real_path_of(path)?);
            let (target, inventory) = StagedFile::begin(&layout, &base)?;
            let archive = target.archive(&inventory);
            let place = layout.head.display().to_string();
            carry(source, again, (target, Some(inventory)), &archive, &base, &place)
        }
        #[cfg(feature = "etcd")]
        Db::Etcd(address) => {
            let (target, place) = etcd_counter::stage(address, base.clone())?;
            let archive = target.archive();
            carry(source, again, (target, None), &*archive, &base, &place)
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(address) => {
            let target = postgres_counter::stage(address, base.clone())?;
            let archive = target.archive();
            carry(source, again, (target, None), &archive, &base, &to.to_string())
        }
        #[cfg(not(all(feature = "etcd", feature = "postgres")))]
        db => Err(RunError::NotBuiltIn { db: db.clone() }),
    }
}

/// Carries all of `source` into a counter in the making, and puts that `in_place`.
fn carry<E: Engine, C: Scan, T: Staged>(
    source: Source<E, C>,
    again: Again,
    (mut target, inventory): (T, Option<Inventory>),
    archive: &dyn Archive,
    base: &Base,
    in_place: &str,
) -> Result<(), RunError> {
    let Source { engine, inventory: known, scan, place, archive: read } = source;
    let moved = |source: MoveError| RunError::Import {
        from: place.clone(),
        to: in_place.to_owned(),
        source,
    };
    let mut moving = Moving::begin(engine, known, in_place, TIMER).map_err(moved)?;
    moving.check(&mut target, &read, again).map_err(moved)?;
    let audit = Audit::begin(scan);
    let mut audit = audit.map_err(|fault| moved(MoveError::Source(fault.cause())))?;
    let copying = Copying::begin(target, inventory, archive, base, TIMER);
    let mut copying = copying.map_err(|error| moved(error.into()))?;
    moving.run(&mut audit, &mut copying, now_ms()).map_err(moved)?;
    let stock = copying.inventory().stock();
    copying.publish().map_err(|error| moved(error.into()))?;
    log::tell(format_args!(
        "{in_place}: count {}, held {}, sold {}, revision {}: imported",
        stock.remaining,
        stock.held,
        stock.sold(),
        stock.revision
    ));
    log::tell(format_args!(
        "{place}: closed, and sold from no more; put it away once {in_place} is verified"
    ));
    Ok(())
}
