//! The members of an etcd cluster that the counter is kept in: Debian's `etcd`, on loopback, in chaos's own folder.
//!
//! # Invariants
//! - A member ends with this program, however that ends.

use std::{
    ffi::OsString,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::addresses::free_addresses;
use crate::lifeline::OwnedChild;

/// What is started for each.
const PROGRAM: &str = "etcd";

/// The name of the counter.
const COUNTER: &str = "chaos";

/// Members that may be gone for a while.
pub(super) struct Members {
    folder: PathBuf,
    members: Vec<Member>,
}

struct Member {
    clients: SocketAddr,
    peers: SocketAddr,
    running: Option<OwnedChild>,
}

/// Why a member does not do what it is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemberError {
    /// There is none.
    #[error(
        "`--members` starts members of etcd, and there is no `{PROGRAM}` on the PATH\n\
         hint: Debian has it as `etcd-server`"
    )]
    NotInstalled,
    /// It cannot be started, stopped or continued.
    #[error("a member of etcd: {0}")]
    Io(#[from] io::Error),
}

impl Members {
    /// Starts so many, with their files in `folder`.
    ///
    /// # Errors
    /// etcd is not installed, or there is no free port.
    pub(super) fn start(folder: &Path, many: u32) -> Result<Self, MemberError> {
        let is_there = std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file())
        });
        if !is_there {
            return Err(MemberError::NotInstalled);
        }
        let addresses = free_addresses(2 * many)?;
        let (clients, peers) = addresses.split_at(addresses.len() / 2);
        let members = clients.iter().zip(peers).map(|(clients, peers)| Member {
            clients: *clients,
            peers: *peers,
            running: None,
        });
        let mut members = Self { folder: folder.to_owned(), members: members.collect() };
        for member in 0..many {
            members.start_again(member)?;
        }
        Ok(members)
    }

    /// Where the counter is, as `server --db` takes it.
    pub(super) fn db(&self) -> OsString {
        let members: Vec<_> =
            self.members.iter().map(|member| member.clients.to_string()).collect();
        format!("etcd://{}/{COUNTER}", members.join(",")).into()
    }

    /// Starts `member`, which is gone.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn start_again(&mut self, member: u32) -> Result<(), MemberError> {
        let all = self.members.iter().enumerate();
        let all: Vec<_> = all.map(|(at, one)| format!("m{at}=http://{}", one.peers)).collect();
        let at = place(member);
        let Member { clients, peers, .. } = &self.members[at];
        // It asks the kernel to be killed with whoever started it, as our own children do by themselves.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", PROGRAM])
            .arg(format!("--name=m{at}"))
            .arg(format!("--data-dir={}", self.folder.join(format!("m{at}")).display()))
            .arg(format!("--listen-client-urls=http://{clients}"))
            .arg(format!("--advertise-client-urls=http://{clients}"))
            .arg(format!("--listen-peer-urls=http://{peers}"))
            .arg(format!("--initial-advertise-peer-urls=http://{peers}"))
            .arg(format!("--initial-cluster={}", all.join(",")))
            .args(["--log-level=error", "--auto-compaction-mode=revision"])
            .arg("--auto-compaction-retention=1000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.members[at].running = Some(OwnedChild::spawn(&mut command)?);
        Ok(())
    }

    /// Kills `member`.
    pub(super) fn kill(&mut self, member: u32) {
        drop(self.members[place(member)].running.take());
    }

    /// Stops `member` where it stands, or lets it go on.
    ///
    /// # Errors
    /// The kernel refuses: it has ended by itself.
    pub(super) fn set_paused(&self, member: u32, is_paused: bool) -> Result<(), MemberError> {
        match &self.members[place(member)].running {
            Some(running) => Ok(running.set_paused(is_paused)?),
            None => Ok(()),
        }
    }
}

fn place(member: u32) -> usize {
    usize::try_from(member).unwrap_or(usize::MAX)
}
