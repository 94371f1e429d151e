//! A temporary folder of a show: it goes away with the show, however that ends.
//!
//! A program that is killed can remove nothing any more. So a process of its own stands by, which
//! does nothing until the show or the program is gone, kills whom it was told to, removes the folder, and ends.
//!
//! # Invariants
//! - One of both removes the folder, whichever lives; what stays behind is said.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{ChildStdin, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::lifeline::{self, OwnedChild};

/// The hidden subcommand of whoever stands by.
const SUBCOMMAND: &str = "folder-heir";

/// How often, and how long apart, a folder is tried in which a process that is being killed may still
/// make a file.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// A folder that is not removed.
#[derive(Debug, thiserror::Error)]
#[error("`{}` stays behind: {source}", path.display())]
pub(crate) struct StaysBehind {
    path: PathBuf,
    source: io::Error,
}

/// A folder; dropped, it is removed.
#[derive(Debug)]
pub(crate) struct OwnFolder {
    path: PathBuf,
    /// `None` once it is closed.
    will: Option<ChildStdin>,
    standing_by: OwnedChild,
}

impl OwnFolder {
    /// Makes the folder in `place`, with a name that begins with `prefix`.
    ///
    /// # Errors
    /// The system refuses a folder or a process.
    pub(crate) fn make(prefix: &str, place: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(place)?;
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command.arg("--folder").arg(folder.path());
        // The other end of its stdin is open as long as this program is there.
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut standing_by = OwnedChild::spawn(&mut command)?;
        let will = Some(standing_by.pipes().stdin.take().ok_or(io::ErrorKind::BrokenPipe)?);
        Ok(Self { path: folder.keep(), will, standing_by })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets just these `processes` be killed where this program is: they will be stopped, and would not hear of it.
    ///
    /// # Errors
    /// Whoever stands by is gone.
    pub(crate) fn kill_too(&self, processes: &[Pid]) -> io::Result<()> {
        let pids: Vec<_> = processes.iter().map(|pid| pid.as_raw_nonzero().to_string()).collect();
        // At once, so that it is there whole or not at all.
        let mut will = self.will.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        will.write_all(format!("{}\n", pids.join(" ")).as_bytes())
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        // Whoever stands by hears of this, removes the folder, and says where that fails.
        self.will = None;
        let ended = self.standing_by.wait();
        // One that was killed has done neither.
        let is_done = ended.is_ok_and(|status| status.code().is_some());
        if !is_done && let Err(error) = remove(&self.path) {
            eprintln!("error: {error}");
        }
    }
}

/// Waits until nobody holds the other end of stdin, kills those whom its last line names, and removes `folder`.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn remove_when_alone(folder: &Path) -> Result<(), StaysBehind> {
    let mut will = String::new();
    // An error too means that nobody is there.
    let _ = io::stdin().lock().read_to_string(&mut will);
    let pids = will.lines().last().into_iter().flat_map(str::split_whitespace);
    for pid in pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
        // It fails only for one that has ended already.
        let _ = kill_process(pid, Signal::KILL);
    }
    remove(folder)
}

fn remove(folder: &Path) -> Result<(), StaysBehind> {
    let mut tries = 0..TRIES;
    loop {
        tries.next();
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) if tries.is_empty() => {
                return Err(StaysBehind { path: folder.to_owned(), source });
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}
