//! The folder in which a lab keeps its files: it goes away with the lab, however that ends.
//!
//! A program that is killed can remove nothing any more. So a process of its own stands by, which
//! does nothing until the program is gone, removes what is left then, and ends.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::lifeline::{self, OwnedChild};

/// The hidden subcommand of whoever stands by.
const SUBCOMMAND: &str = "lab-folder";

/// How often, and how long apart, a folder is tried in which a worker that is being killed may still
/// make a file.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// A folder; dropped, it is removed.
#[derive(Debug)]
pub(crate) struct LabFolder {
    // Dropped first, so that there is nothing left to do for whoever stands by.
    folder: TempDir,
    _standing_by: OwnedChild,
}

impl LabFolder {
    /// Makes the folder.
    ///
    /// # Errors
    /// The system refuses a folder or a process.
    pub(crate) fn make() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("loadgen-lab-").tempdir()?;
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command.arg("--folder").arg(folder.path());
        // The other end of its stdin is open as long as this program is there.
        let standing_by = OwnedChild::spawn(command.stdin(Stdio::piped()).stdout(Stdio::null()))?;
        Ok(Self { folder, _standing_by: standing_by })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Waits until nobody holds the other end of stdin, and removes `folder`.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn remove_when_alone(folder: &PathBuf) -> io::Result<()> {
    // An error too means that nobody is there.
    let _ = io::stdin().lock().read_to_end(&mut Vec::new());
    for _ in 1..TRIES {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => thread::sleep(PAUSE),
        }
    }
    fs::remove_dir_all(folder)
}
