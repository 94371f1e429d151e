//! Which faults there are, and when: a seed gives them all. Pure.

use std::time::Duration;

use serde::Serialize;

use crate::plan::Random;

/// What is done, to a server or to a member of the engine that the counter is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FaultKind {
    /// Killed (SIGKILL), and started again.
    Kill,
    /// Stopped (SIGSTOP), and continued.
    Pause,
    /// Asked to end (SIGTERM), and started again.
    End,
    /// The file system of `--folder` has no room left for a while (`ENOSPC`).
    Fill,
    /// A member of `--members` or `--postgres` is killed (SIGKILL), and started again.
    MemberKill,
    /// One is stopped (SIGSTOP), and continued.
    MemberPause,
    /// Nothing goes between one and the other members for a while.
    MemberCut,
    /// Nothing goes between a server and all members for a while.
    ServerCut,
    /// The primary of `--postgres` is killed, the standby takes over, and gets a standby of its own.
    Promote,
}

impl FaultKind {
    /// Those that need nothing but the servers.
    pub(super) const OF_SERVERS: [Self; 3] = [Self::Kill, Self::Pause, Self::End];

    /// Those that need members.
    pub(super) const OF_MEMBERS: [Self; 4] =
        [Self::MemberKill, Self::MemberPause, Self::MemberCut, Self::ServerCut];

    /// Whether there must be members.
    pub(super) fn needs_members(self) -> bool {
        Self::OF_MEMBERS.contains(&self) || self == Self::Promote
    }

    /// Whether it is done to a member.
    pub(super) fn is_of_members(self) -> bool {
        self.needs_members() && self != Self::ServerCut
    }

    /// What was done, to the server or member with this `number`.
    pub(super) fn told(self, number: u32) -> String {
        match self {
            Self::Kill => format!("server {number} was killed, and started again"),
            Self::Pause => format!("server {number} was stopped, and continued"),
            Self::End => format!("server {number} was ended, and started again"),
            Self::Fill => "the disk was full".to_owned(),
            Self::MemberKill => format!("member {number} was killed, and started again"),
            Self::MemberPause => format!("member {number} was stopped, and continued"),
            Self::MemberCut => format!("member {number} was cut off from the others"),
            Self::ServerCut => format!("server {number} was cut off from all members"),
            Self::Promote => {
                format!("member {number}, the primary, was killed, and its standby took over")
            }
        }
    }
}

/// A fault that is planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fault {
    /// What is done.
    pub(super) kind: FaultKind,
    /// To which server or member, from 0.
    pub(super) target: u32,
    /// How long after the start of the load.
    pub(super) after: Duration,
    /// How long nothing is done about it.
    pub(super) lasts: Duration,
}

/// The faults under `seed`: one of `kinds` in each round of `length`, of one of so many `servers` or `members`.
///
/// It comes in the first half of its round, and nothing is done about it for up to a third of a round.
pub(super) fn faults(
    seed: u64,
    (rounds, length): (u32, Duration),
    (servers, members): (u32, u32),
    kinds: &[FaultKind],
) -> Vec<Fault> {
    let mut random = Random::new(seed, 0);
    let mut one_of = move |many: u64| random.next() % many.max(1);
    let fault = |round| {
        let kind = kinds[usize::try_from(one_of(kinds.len() as u64)).unwrap_or(0)];
        let targets = if kind.is_of_members() { members } else { servers };
        let target = u32::try_from(one_of(targets.into())).unwrap_or(0);
        let mut share = |of: u32| {
            let thousandths = u32::try_from(one_of(1000)).unwrap_or(0);
            length * thousandths / 1000 / of
        };
        let (after, lasts) = (length * round + share(2), share(3));
        Fault { kind, target, after, lasts }
    };
    (0..rounds).map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_millis(600);

    #[test]
    fn a_seed_gives_the_same_faults_and_another_gives_others() {
        let of = |seed| faults(seed, (20, LENGTH), (3, 0), &FaultKind::OF_SERVERS);
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn every_server_and_member_meets_every_kind_and_each_fault_ends_within_its_round() {
        let kinds = [&FaultKind::OF_SERVERS[..], &FaultKind::OF_MEMBERS].concat();
        let faults = faults(1, (500, LENGTH), (3, 5), &kinds);
        let met: std::collections::HashSet<_> =
            faults.iter().map(|fault| (fault.kind, fault.target)).collect();
        assert_eq!(met.len(), 3 * 3 + 3 * 5 + 3);
        for (round, fault) in (0..).zip(&faults) {
            let (start, end) = (LENGTH * round, LENGTH * (round + 1));
            assert!(start <= fault.after && fault.after + fault.lasts < end, "{fault:?}");
        }
    }
}
