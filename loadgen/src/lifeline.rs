//! Child processes that die with their parent.
//!
//! Three things hold a child: its guard [`OwnedChild`] kills and reaps it on every way out, a panic
//! included; the kernel kills it when the parent is killed with SIGKILL and can run nothing any
//! more; and a child whose parent was gone before it asked the kernel for that ends by itself.

use std::{
    ffi::OsStr,
    io,
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus},
};

use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};

/// Why a child cannot follow its parent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LifelineError {
    /// The kernel refused.
    #[error("cannot ask to be ended with the parent: {0}")]
    Refused(#[from] rustix::io::Errno),
    /// The parent is gone already.
    #[error("the parent `{parent}` is gone")]
    Orphaned {
        /// The process that started this one.
        parent: u32,
    },
}

/// A command that runs this very program with the hidden `subcommand`, which must [`follow`].
///
/// # Errors
/// The path of this program is not known.
pub(crate) fn own_command(subcommand: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(subcommand)
        .arg("--parent")
        .arg(std::process::id().to_string())
        // Ctrl-C goes to the parent's group: the parent alone decides how its children end.
        .process_group(0);
    Ok(command)
}

/// A command that runs `program`, which is somebody else's and does not [`follow`], with `privileges` of `setpriv`.
pub(crate) fn foreign_command(privileges: &[&str], program: impl AsRef<OsStr>) -> Command {
    // As in `follow`: who was orphaned before the kernel was asked ends by itself.
    const WITH_ITS_PARENT: &str = r#"[ "$PPID" = "$0" ] && exec "$@""#;

    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL"])
        .args(privileges)
        .args(["--", "sh", "-c", WITH_ITS_PARENT])
        .arg(std::process::id().to_string())
        .arg(program)
        .process_group(0);
    command
}

/// Ends this process with SIGKILL as soon as `parent`, which started it, is gone.
///
/// # Errors
/// The parent is gone already, or the kernel refuses.
pub(crate) fn follow(parent: u32) -> Result<(), LifelineError> {
    // The signal comes when the *thread* that spawned this process ends, not only its process.
    // So children are spawned on the main thread, whose event loop lives as long as the run.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // IMPORTANT: after the request, or a parent that dies in between leaves an orphan.
    let actual = getppid().map(Pid::as_raw_nonzero).map(i32::from);
    if actual.and_then(|pid| u32::try_from(pid).ok()) == Some(parent) {
        Ok(())
    } else {
        Err(LifelineError::Orphaned { parent })
    }
}

/// A child process that does not outlive this guard: dropping it kills and reaps the process.
#[derive(Debug)]
pub(crate) struct OwnedChild(Child);

impl OwnedChild {
    /// Starts `command`.
    ///
    /// # Errors
    /// As [`Command::spawn`].
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        command.spawn().map(Self)
    }

    /// The process behind the guard, to take its pipes.
    pub(crate) fn pipes(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Asks the process to end (SIGTERM).
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn ask_to_end(&self) -> io::Result<()> {
        self.send(Signal::TERM)
    }

    /// Stops the process where it stands (SIGSTOP), or lets it go on (SIGCONT).
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn set_paused(&self, is_paused: bool) -> io::Result<()> {
        self.send(if is_paused { Signal::STOP } else { Signal::CONT })
    }

    /// Its process id.
    ///
    /// # Errors
    /// None: no process has an id that is none.
    pub(crate) fn pid(&self) -> io::Result<Pid> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        pid.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    fn send(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// Waits for a process that has said its last word, and so is about to end.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }

    /// Kills and reaps the process.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub(crate) fn kill(&mut self) -> io::Result<ExitStatus> {
        self.0.kill()?;
        self.0.wait()
    }
}

impl Drop for OwnedChild {
    fn drop(&mut self) {
        // An error means that it is gone already, which is what is wanted.
        let _ = self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_guard_leaves_no_process() {
        let child = OwnedChild::spawn(Command::new("sleep").arg("600")).unwrap();
        let pid = Pid::from_raw(i32::try_from(child.0.id()).unwrap()).unwrap();
        assert!(rustix::process::test_kill_process(pid).is_ok());
        drop(child);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }

    #[test]
    fn a_foreign_parent_is_no_parent() {
        assert!(matches!(follow(1), Err(LifelineError::Orphaned { parent: 1 })));
    }
}
