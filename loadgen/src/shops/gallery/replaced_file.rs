//! The lock is on a file that others replace.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    count_file,
    exhibit::{Exhibit, Load},
    till::pause,
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "replaced-file",
    bug: "locks a file that each sale replaces by a new one of that name",
    story: "Hermit, which installs tools, removed its lock file when it was done. Whoever had opened that file and \
            waited got the lock of a file that was gone, and whoever came next made a new one and locked that: two \
            at once believed that they were alone.",
    source: "https://github.com/cashapp/hermit/pull/423",
    mended: "compares the file that it locked with the one of that name, and begins anew",
    load: Load::BUYERS,
    processes: 1,
    unseen: None,
    open: |opening| {
        let path = count_file::create(&opening.folder, opening.tickets)?;
        let replacements = AtomicU64::new(0);
        Ok(Box::new(ReplacedFile { is_mended: opening.is_mended, path, replacements }))
    },
};

struct ReplacedFile {
    is_mended: bool,
    path: PathBuf,
    replacements: AtomicU64,
}

impl ReplacedFile {
    fn locked(&self) -> io::Result<File> {
        loop {
            let file = File::open(&self.path)?;
            file.lock()?;
            if !self.is_mended || fs::metadata(&self.path)?.ino() == file.metadata()?.ino() {
                return Ok(file);
            }
        }
    }
}

impl Shop for ReplacedFile {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(count_file::read(&File::open(&self.path)?)?.count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        let file = self.locked()?;
        let mut till = count_file::read(&file)?;
        till.check()?;
        pause(3);
        let sale = till.take();
        // Replaced at one stroke, so that nobody ever reads half a file.
        let number = self.replacements.fetch_add(1, Ordering::Relaxed);
        let new = self.path.with_extension(number.to_string());
        count_file::write(&File::create(&new)?, &till)?;
        fs::rename(&new, &self.path)?;
        Ok(sale)
    }
}
