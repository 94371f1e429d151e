//! A member of an etcd cluster: its command line.

use std::{ffi::OsString, net::SocketAddr, path::Path};

/// What is started for each member; Debian has it in `etcd-server`.
pub const PROGRAM: &str = "etcd";

/// Options with which whoever leads is missed after half of what is the default.
pub const IMPATIENT: [&str; 2] = ["--heartbeat-interval=50", "--election-timeout=500"];

/// Where a member listens, and where the others find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// For clients.
    pub clients: SocketAddr,
    /// For the other members.
    pub peers: SocketAddr,
    /// The address by which they know it: its own, or one in front of it.
    pub advertised: SocketAddr,
}

/// The arguments of the member at `place` of a new cluster of `members`, which keeps its data below `folder` and speaks
/// `scheme` to clients.
///
/// # Panics
/// When there is no such place.
pub fn arguments(members: &[Member], place: usize, folder: &Path, scheme: &str) -> Vec<OsString> {
    let cluster = members.iter().enumerate();
    let cluster = cluster.map(|(at, member)| format!("m{at}=http://{}", member.advertised));
    let cluster: Vec<_> = cluster.collect();
    let Member { clients, peers, advertised } = members[place];
    let mut data = OsString::from("--data-dir=");
    data.push(folder.join(format!("m{place}")));
    let mut arguments = vec![data];
    let texts = [
        format!("--name=m{place}"),
        format!("--listen-client-urls={scheme}://{clients}"),
        format!("--advertise-client-urls={scheme}://{clients}"),
        format!("--listen-peer-urls=http://{peers}"),
        format!("--initial-advertise-peer-urls=http://{advertised}"),
        format!("--initial-cluster={}", cluster.join(",")),
    ];
    arguments.extend(texts.map(OsString::from));
    let same = ["--initial-cluster-state=new", "--log-level=error"];
    let compaction = ["--auto-compaction-mode=revision", "--auto-compaction-retention=1000"];
    arguments.extend([same, compaction].concat().into_iter().map(OsString::from));
    arguments
}
