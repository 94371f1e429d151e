//! Fresh stock for a round: the user's own command, bounded in time and in what it says.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::Command,
    time::{Instant, interval, sleep_until},
};

use crate::duration;

/// How much a command may say, and how much of its end is shown, in bytes.
const SAID_MAX: u64 = 16 * 1024 * 1024;
const SHOWN_MAX: u64 = 1500;

/// How often it is looked how much it has said.
const LOOK: Duration = Duration::from_millis(200);

/// How fresh stock is put on sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reset {
    /// What the shell is given.
    pub(crate) command: String,
    /// How long that may take.
    pub(crate) limit: Duration,
}

/// Why there is no fresh stock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetError {
    /// There is no shell, or no room for what it says.
    #[error("`--reset`: cannot start `{command}`: {source}")]
    Start {
        /// The command.
        command: String,
        /// Why not.
        source: io::Error,
    },
    /// It failed.
    #[error("`--reset`: `{command}` {ended}, and nothing was bought after it{}", last_words(said))]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        ended: String,
        /// The end of what it said.
        said: String,
    },
}

fn last_words(said: &str) -> String {
    match said {
        "" => "\nit said nothing".to_owned(),
        said => format!("\nit said last:\n{said}"),
    }
}

impl Reset {
    /// Lets the command put fresh stock on sale. Dropped before the end, it ends the command too.
    ///
    /// # Errors
    /// It cannot be started, fails, or takes too long.
    pub(crate) async fn carry_out(&self) -> Result<(), ResetError> {
        let start_error = |source| ResetError::Start { command: self.command.clone(), source };
        let (mut said, child) = self.start().map_err(start_error)?;
        let mut child = child;
        let group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
        let deadline = Instant::now() + self.limit;
        let mut looks = interval(LOOK);
        let ended = loop {
            tokio::select! {
                status = child.wait() => match status {
                    Ok(status) if status.success() => {
                        group.leave();
                        return Ok(());
                    }
                    Ok(status) => {
                        // What it has left behind may be meant to stay, as a server is.
                        group.leave();
                        break how_it_ended(status);
                    }
                    Err(error) => break format!("cannot be waited for: {error}"),
                },
                () = sleep_until(deadline) => {
                    break format!("did not end within {} and was killed", duration::format(self.limit));
                }
                _ = looks.tick() => {
                    if said.metadata().is_ok_and(|file| file.len() > SAID_MAX) {
                        break format!("said more than {SAID_MAX} bytes and was killed");
                    }
                }
            }
        };
        Err(ResetError::Failed { command: self.command.clone(), ended, said: end_of(&mut said) })
    }

    /// Starts it; what it says goes into a file, which does not break where a process that it leaves behind goes
    /// on saying something.
    fn start(&self) -> io::Result<(File, tokio::process::Child)> {
        let said = tempfile::NamedTempFile::new()?;
        let to = File::options().append(true).open(said.path())?;
        let child = Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::null())
            .stdout(to.try_clone()?)
            .stderr(to)
            // Ctrl-C goes to this program, which then ends the command.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok((said.into_file(), child))
    }
}

/// The processes of a command; dropped, they are killed.
struct Group(Option<Pid>);

impl Group {
    /// Lets go of what is still there.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already: all the better.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn how_it_ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

/// The end of what stands in `said`.
fn end_of(said: &mut File) -> String {
    let mut bytes = Vec::new();
    let from = said.metadata().map_or(0, |file| file.len().saturating_sub(SHOWN_MAX));
    let read =
        said.seek(SeekFrom::Start(from)).and_then(|_| said.take(SHOWN_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(error) => format!("(cannot be read: {error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried_out(command: &str, limit: Duration) -> Result<(), String> {
        let reset = Reset { command: command.to_owned(), limit };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(reset.carry_out()).map_err(|error| error.to_string())
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_command_that_fails_is_named_with_its_code_and_last_words() {
        let error =
            carried_out("echo first; echo 'no such table' >&2; exit 7", MINUTE).unwrap_err();
        for said in ["`echo first; ", "exit code 7", "nothing was bought", "no such table"] {
            assert!(error.contains(said), "{error}");
        }
        assert!(carried_out("exit 1", MINUTE).unwrap_err().contains("it said nothing"));
        assert!(carried_out("kill -9 $$", MINUTE).unwrap_err().contains("signal 9"));
        assert!(carried_out("true", MINUTE).is_ok());
    }

    #[test]
    fn a_command_without_an_end_is_killed_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let command = format!("sleep 600 & echo $! > {}; wait", file.display());
        let error = carried_out(&command, Duration::from_millis(500)).unwrap_err();
        assert!(error.contains("did not end within 500ms"), "{error}");
        let pid = std::fs::read_to_string(file).unwrap();
        // A zombie has a name and no command line.
        let command_line = format!("/proc/{}/cmdline", pid.trim());
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while std::fs::read(&command_line).is_ok_and(|left| !left.is_empty()) {
            assert!(std::time::Instant::now() < deadline, "it goes on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_command_leaves_behind_stays_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // A process that was forked and is none of its own yet has no command line.
        let is_there = "until grep -q sleep /proc/$!/cmdline; do :; done";
        let command = format!("sleep 600 & echo $! > {}; {is_there}", file.display());
        assert!(carried_out(&command, MINUTE).is_ok());
        let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let left = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        assert!(!left.is_empty(), "it was killed");
    }

    #[test]
    fn only_the_end_of_much_is_shown() {
        let error = carried_out("seq 100000; exit 3", MINUTE).unwrap_err();
        assert!(error.ends_with("100000") && error.len() < 2000, "{}", error.len());
        let error = carried_out("yes", MINUTE).unwrap_err();
        assert!(error.contains("said more than"), "{error}");
    }
}
