//! The lock is let go while what was written is still in a buffer.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    count_file,
    exhibit::{Exhibit, Load},
    till::pause,
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "unlock-before-flush",
    bug: "writes into a buffer, unlocks the file, and only then flushes",
    story: "SoftHSM keeps keys in files that several processes share. It wrote through the buffer of the C library, \
            unlocked, and let the buffer go to the file when that was closed: whoever had the lock by then had \
            read the old file, and one of both writes was gone.",
    source: "https://github.com/softhsm/SoftHSMv2/pull/578",
    mended: "flushes before it unlocks",
    load: Load::BUYERS,
    processes: 1,
    unseen: None,
    open: |opening| {
        let path = count_file::create(&opening.folder, opening.tickets)?;
        Ok(Box::new(UnlockBeforeFlush { is_mended: opening.is_mended, path }))
    },
};

struct UnlockBeforeFlush {
    is_mended: bool,
    path: PathBuf,
}

impl Shop for UnlockBeforeFlush {
    fn search(&self) -> Result<Count, Refusal> {
        let file = File::open(&self.path)?;
        file.lock_shared()?;
        Ok(count_file::read(&file)?.count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        let file = File::options().read(true).write(true).open(&self.path)?;
        file.lock()?;
        let mut till = count_file::read(&file)?;
        till.check()?;
        let sale = till.take();
        let mut buffer = BufWriter::new(&file);
        buffer.write_all(count_file::line(&till).as_bytes())?;
        if self.is_mended {
            buffer.flush()?;
        }
        file.unlock()?;
        // Prints the ticket, say.
        pause(5);
        buffer.flush()?;
        Ok(sale)
    }
}
