//! Why a ledger in etcd cannot be used.

use crate::ledger::{Cause, Fault};

/// Why a ledger in etcd cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EtcdError {
    /// No member answers as one that could be used.
    #[error("no member of the etcd cluster can be used: {0}")]
    Unreachable(String),
    /// The members that answer have no leader.
    #[error("the etcd cluster has no leader: too few of its members can reach each other")]
    NoLeader,
    /// The cluster does not let us in, or not do this.
    #[error("the etcd cluster refuses this server: {0}")]
    Denied(String),
    /// A member is of another cluster.
    #[error(
        "the etcd member {0} is of another cluster than the others of its address, or than the one that this server \
         began with: where it is the right one, start the server again"
    )]
    Foreign(String),
    /// TLS comes to nothing.
    #[error("no TLS with the etcd member {member}: {reason}")]
    Tls {
        /// The member.
        member: String,
        /// What is wrong.
        reason: String,
    },
    /// No counter has this name.
    #[error("the etcd cluster has no counter `{0}`: `--init N` makes one with N tickets")]
    Missing(String),
    /// The counter is being copied from elsewhere, or that was broken off.
    #[error(
        "the counter `{0}` is being imported and not whole yet: `server import` goes on where that was broken off"
    )]
    Importing(String),
    /// A counter of this name is there.
    #[error("the etcd cluster has a counter `{0}` already")]
    Taken(String),
    /// What is made of another's records was changed by somebody else who makes it.
    #[error(
        "the counter `{0}` in the making is not as it was left: another import has gone on with it"
    )]
    Overtaken(String),
    /// Something stands where the counter would.
    #[error(
        "the etcd cluster has keys of a counter `{0}`, but not the counter: what is left of one that was removed; \
         `etcdctl del --prefix tickets/{0}/` removes the rest"
    )]
    Remains(String),
    /// A later program made the counter.
    #[error(
        "the counter `{name}` was made by a newer version of this program: its format is `{version}`, and this one knows up to \
         `{known}`"
    )]
    Newer {
        /// The counter.
        name: String,
        /// Its version.
        version: u32,
        /// The last version that is known here.
        known: u32,
    },
    /// A value is not what was written.
    #[error("the etcd key `{key}`: {reason}")]
    Damaged {
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// The counter was removed and made again while this process sold from it, or another cluster is in the place of
    /// its own.
    #[error(
        "the counter `{0}` is another one: it was made anew, or its address leads to another cluster; this server sold \
         from the one before, and must be started again"
    )]
    Recreated(String),
    /// The ledger ends before what this process knows it to have had.
    #[error(
        "the counter `{name}` ends at revision `{found}`, and had `{known}`: the cluster was put back \
         to a backup, or has lost what it had confirmed"
    )]
    Behind {
        /// The counter.
        name: String,
        /// Where it ends.
        found: u64,
        /// Where it ended.
        known: u64,
    },
    /// A record that this process knows is another in the ledger.
    #[error(
        "the counter `{name}` has another record `{revision}` than this server knows: the cluster was put back to a \
         backup and sold from, or another is in its place"
    )]
    Forked {
        /// The counter.
        name: String,
        /// The record.
        revision: u64,
    },
    /// The cluster has no room.
    #[error("the etcd cluster is full: {0}")]
    Full(String),
    /// A member said no, and nothing was changed.
    #[error("the etcd cluster refuses this: {0}")]
    Refused(String),
    /// A member did not say what became of it.
    #[error("the etcd cluster does not answer: {0}")]
    Unknown(String),
}

impl EtcdError {
    /// Whether no later try by this process can succeed.
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::Recreated(_)
                | Self::Taken(_)
                | Self::Overtaken(_)
                | Self::Behind { .. }
                | Self::Forked { .. }
                | Self::Damaged { .. }
                | Self::Newer { .. }
        )
    }
}

impl From<EtcdError> for Fault {
    fn from(error: EtcdError) -> Self {
        if error.is_lasting() {
            Self::Lasting(Cause::of(error))
        } else {
            Self::Passing(Cause::of(error))
        }
    }
}
