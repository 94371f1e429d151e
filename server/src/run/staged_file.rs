//! A counter in files in the making, under another name than its own.

use std::{path::Path, process};

use crate::{
    domain::Inventory,
    ledger::{
        Cause, Engine, Fault, Staged, Unpublished,
        file::{
            archive::FileArchive,
            creation,
            disk::{Disk as _, RealDisk},
            engine::FileEngine,
            error::OpenError,
            layout::Layout,
            log::{batch::FileBatch, preallocation::Sizes},
            options::Options,
            turn::FileTurn,
        },
        format::base::Base,
    },
    run::{
        RunError,
        in_place::put_in_place,
        machine::{now_ms, random},
        making::Making,
    },
};

/// What the counter's file is called while it is made.
pub(super) const HEAD_NAME: &str = "db.txt";

/// A counter that nobody sells from yet.
pub(super) struct StagedFile {
    engine: FileEngine<RealDisk>,
    making: Making,
    staged: Layout,
    layout: Layout,
    /// The counter's key.
    key: [u8; 32],
    /// Whether another process had begun it.
    is_begun: bool,
}

impl StagedFile {
    /// The counter at `layout` in the making, which begins with `base`; gives what stands there.
    ///
    /// # Errors
    /// [`RunError`], also where anything is there already.
    pub(super) fn begin(layout: &Layout, base: &Base) -> Result<(Self, Inventory), RunError> {
        if layout.head.symlink_metadata().is_err() && layout.folder.symlink_metadata().is_ok() {
            return Err(RunError::LedgerWithoutHead {
                folder: layout.folder.clone(),
                head: layout.head.clone(),
            });
        }
        // Behind the last step the ledger is not there any more.
        let is_named = |left: &Path| {
            let left = Layout::around(&left.join(HEAD_NAME));
            left.head.exists() && !left.folder.exists()
        };
        let is_begun = Making::is_begun(&layout.head, &base.key, is_named);
        let mut making = Making::beside(&layout.head)?;
        if is_begun {
            let path = making.path.clone();
            let marked = making.leave_a_mark(&base.key);
            marked.map_err(|source| RunError::Init { path, source })?;
        }
        let staged = Layout::around(&making.path.join(HEAD_NAME));
        let (engine, inventory) = make(&staged, base)?;
        let (layout, key) = (layout.clone(), base.key);
        Ok((Self { engine, making, staged, layout, key, is_begun }, inventory))
    }

    /// Refuses to make a counter where one is by now.
    fn refuse_a_counter(&self) -> Result<(), Fault> {
        let path = self.layout.head.clone();
        if path.symlink_metadata().is_ok() {
            return Err(Fault::Lasting(Cause::of(RunError::InTheWay { path })));
        }
        Ok(())
    }

    /// Leaves nothing to be done but the last step.
    fn make_ready(&mut self) -> Result<(), Fault> {
        self.engine.rest()?;
        clear(&self.staged)?;
        RealDisk.sync_dir(&self.making.path).map_err(failed)
    }

    /// What is read beside the turns of a ledger that has come to `inventory`.
    pub(super) fn archive(&self, inventory: &Inventory) -> FileArchive<RealDisk> {
        self.engine.archive(inventory)
    }
}

/// Makes a counter at `layout`, in a folder of the caller's own, that begins with `base`.
///
/// # Errors
/// [`RunError`].
pub(super) fn make(
    layout: &Layout,
    base: &Base,
) -> Result<(FileEngine<RealDisk>, Inventory), RunError> {
    let (process, sizes, names_max) = (process::id(), Sizes::default(), usize::MAX);
    let nonce = random()?.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    creation::create_from(&RealDisk, layout, base, (process, nonce), sizes)
        .map_err(OpenError::from)?;
    // Nobody waits for the disk but this: what is done in the background otherwise is done at once.
    let options = Options {
        synced: true,
        process,
        names_max,
        sizes,
        now_ms,
        random,
        in_background: |job| {
            job();
            Ok(())
        },
        pause: |_| {},
    };
    let opened = FileEngine::open(&RealDisk, &layout.head, options);
    Ok(opened.map_err(OpenError::from)?)
}

/// Removes segments of zeros that were made ahead of need.
///
/// # Errors
/// [`Fault`].
pub(super) fn clear(layout: &Layout) -> Result<(), Fault> {
    for name in RealDisk.file_names(&layout.folder).map_err(failed)? {
        if Layout::maker_of_temporary(&name).is_some() {
            RealDisk.remove(&layout.folder.join(name)).map_err(failed)?;
        }
    }
    RealDisk.sync_dir(&layout.folder).map_err(failed)
}

impl Engine for StagedFile {
    type Batch = FileBatch;
    type Turn<'a> = FileTurn<'a, 'a, RealDisk>;

    fn begin(&mut self) -> Result<FileTurn<'_, '_, RealDisk>, Fault> {
        self.engine.begin()
    }

    fn rest(&mut self) -> Result<(), Fault> {
        self.engine.rest()
    }
}

impl Staged for StagedFile {
    fn is_begun(&mut self) -> Result<bool, Fault> {
        self.refuse_a_counter()?;
        Ok(self.is_begun)
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.refuse_a_counter()?;
        self.making.leave_a_mark(&self.key).map_err(failed)
    }

    fn publish(&mut self) -> Result<(), Unpublished> {
        let ready = self.refuse_a_counter().and_then(|()| self.make_ready());
        ready.map_err(Unpublished::Refused)?;
        let put = put_in_place(&self.staged, &self.layout);
        if matches!(put, Ok(()) | Err(RunError::NotSynced { .. })) {
            self.making.is_named();
        }
        put.map_err(|error| match error {
            RunError::NotSynced { .. } => Unpublished::NotSynced(Cause::of(error)),
            error => Unpublished::Refused(Fault::Lasting(Cause::of(error))),
        })
    }
}

fn failed(error: std::io::Error) -> Fault {
    Fault::Lasting(Cause::of(error))
}
