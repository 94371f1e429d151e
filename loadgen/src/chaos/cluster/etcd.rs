//! The members of an etcd cluster: Debian's `etcd`, on loopback, in chaos's own folder.

use std::{ffi::OsString, net::SocketAddr, path::Path, process::Stdio};

use super::error::MemberError;
use crate::{
    chaos::config::COUNTER,
    engines::{
        Addresses, Network, Sender,
        etcd::{IMPATIENT, Member, PROGRAM, arguments},
        free_addresses,
    },
    lifeline::{OwnedChild, foreign_command},
    own_folder::OwnFolder,
};

/// Members that may be gone for a while.
pub(super) struct Etcd<'a> {
    folder: &'a Path,
    members: Vec<Member>,
    _addresses: Addresses,
    running: Vec<Option<OwnedChild>>,
    /// Where each server finds the members.
    ways: Vec<Vec<SocketAddr>>,
}

impl<'a> Etcd<'a> {
    /// Starts so many members, which so many servers reach by way of `network`.
    ///
    /// # Errors
    /// etcd is not installed, or there is no free port.
    pub(super) fn start(
        members: usize,
        folder: &'a OwnFolder,
        network: &Network,
        servers: usize,
    ) -> Result<Self, MemberError> {
        let is_there = std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file())
        });
        if !is_there {
            let (flag, what) = ("--members", "members of etcd");
            return Err(MemberError::NotInstalled { flag, what, package: "etcd-server" });
        }
        let addresses = free_addresses(2 * members)?;
        let (clients, peers) = addresses.split_at(members);
        let member = |(at, (clients, peers)): (usize, (&SocketAddr, &SocketAddr))| {
            let advertised = network.link(Sender::Members, at, *peers)?;
            Ok(Member { clients: *clients, peers: *peers, advertised })
        };
        let members = clients.iter().zip(peers).enumerate().map(member);
        let members: Vec<_> = members.collect::<Result<_, MemberError>>()?;
        let way = |server| {
            let to = |(at, member): (usize, &Member)| {
                network.link(Sender::Server(server), at, member.clients)
            };
            members.iter().enumerate().map(to).collect::<Result<Vec<_>, _>>()
        };
        let ways = (0..servers).map(way).collect::<Result<_, _>>()?;
        let running = members.iter().map(|_| None).collect();
        let (folder, _addresses) = (folder.path(), addresses);
        let mut etcd = Self { folder, members, _addresses, running, ways };
        for member in 0..etcd.members.len() {
            etcd.start_again(member)?;
        }
        Ok(etcd)
    }

    /// Where the counter is, for `server` or for whoever is never cut off.
    pub(super) fn db(&self, server: Option<usize>) -> OsString {
        let addresses: Vec<_> = match server {
            Some(server) => self.ways[server].iter().map(ToString::to_string).collect(),
            None => self.members.iter().map(|member| member.clients.to_string()).collect(),
        };
        format!("etcd://{}/{COUNTER}", addresses.join(",")).into()
    }

    /// Starts `member`, which is gone.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn start_again(&mut self, member: usize) -> Result<(), MemberError> {
        let mut command = foreign_command(&[], PROGRAM);
        command
            .args(arguments(&self.members, member, self.folder, "http"))
            // Faults do not last long: who leads is to be missed while they do.
            .args(IMPATIENT)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.running[member] = Some(OwnedChild::spawn(&mut command)?);
        Ok(())
    }

    /// Kills `member`.
    pub(super) fn kill(&mut self, member: usize) {
        drop(self.running[member].take());
    }

    /// Stops `member` where it stands, or lets it go on.
    ///
    /// # Errors
    /// The kernel refuses: it has ended by itself.
    pub(super) fn set_paused(&self, member: usize, is_paused: bool) -> Result<(), MemberError> {
        match &self.running[member] {
            Some(running) => Ok(running.set_paused(is_paused)?),
            None => Ok(()),
        }
    }
}
