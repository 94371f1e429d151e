//! A child process: its output, its signals, its end.

use std::{
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::{Child, ExitStatus},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use serde_json::Value;

use crate::output::Output;

/// How long to wait for the rest of the output of a process that has ended.
const OUTPUT_REST: Duration = Duration::from_secs(5);

/// A running program, killed when it is dropped.
pub struct Process {
    child: Child,
    // Becomes readable when the process has ended; waiting on it takes nothing from `child`.
    pidfd: OwnedFd,
    name: String,
    stdout: Output,
    stderr: Output,
}

/// What a program left behind when it ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// All that it wrote on standard output.
    pub stdout: String,
    /// All that it wrote on standard error.
    pub stderr: String,
}

impl Process {
    pub(crate) fn adopt(mut child: Child, name: String) -> Process {
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .expect("a child that nobody waited for has a pidfd");
        Process {
            child,
            pidfd,
            name,
            stdout: Output::collect(stdout),
            stderr: Output::collect(stderr),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Standard output so far.
    pub fn stdout(&self) -> &Output {
        &self.stdout
    }

    /// Standard error so far.
    pub fn stderr(&self) -> &Output {
        &self.stderr
    }

    /// Sends `signal`.
    ///
    /// # Panics
    /// When the process is gone already.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|cause| panic!("`{}` takes no signal: {cause}", self.name));
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it still runs after `limit`; it is killed then.
    #[track_caller]
    pub fn finish(mut self, limit: Duration) -> Finished {
        let Some(status) = self.wait(limit) else {
            panic!(
                "`{}` still ran after {limit:?}; it said:\n{}{}",
                self.name,
                self.stdout.text(),
                self.stderr.text()
            );
        };
        self.stdout.wait_for_end(OUTPUT_REST);
        self.stderr.wait_for_end(OUTPUT_REST);
        Finished {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }

    /// Whether it is still running.
    pub fn is_running(&self) -> bool {
        !self.ends_within(Duration::ZERO)
    }

    fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.ends_within(limit).then(|| self.child.wait().expect("the child can be waited for"))
    }

    /// Whether it has ended, or does within `limit`.
    pub(crate) fn ends_within(&self, limit: Duration) -> bool {
        let limit = Timespec::try_from(limit).expect("a limit is a span of seconds");
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        loop {
            match poll(&mut ended, Some(&limit)) {
                Ok(number) => return number > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(cause) => panic!("cannot wait for `{}`: {cause}", self.name),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Finished {
    /// Standard output as one JSON value.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|cause| panic!("standard output is no JSON ({cause}): {self:?}"))
    }
}
