//! Which faults there are, and when: a seed gives them all. Pure.

use std::time::Duration;

use serde::Serialize;

use crate::plan::Random;

/// What is done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FaultKind {
    /// Killed (SIGKILL), and started again.
    Kill,
    /// Stopped (SIGSTOP), and continued.
    Pause,
    /// Asked to end (SIGTERM), and started again.
    End,
    /// The file system of `--folder` has no room left for a while (`ENOSPC`).
    Fill,
}

impl FaultKind {
    /// Those that need nothing but the servers.
    pub(super) const OF_SERVERS: [Self; 3] = [Self::Kill, Self::Pause, Self::End];

    /// What was done, to `server` where it is one server's.
    pub(super) fn told(self, server: u32) -> String {
        match self {
            Self::Kill => format!("server {server} was killed, and started again"),
            Self::Pause => format!("server {server} was stopped, and continued"),
            Self::End => format!("server {server} was ended, and started again"),
            Self::Fill => "the disk was full".to_owned(),
        }
    }
}

/// A fault that is planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fault {
    /// What is done.
    pub(super) kind: FaultKind,
    /// To which server, from 0.
    pub(super) server: u32,
    /// How long after the start of the load.
    pub(super) after: Duration,
    /// How long nothing is done about it.
    pub(super) lasts: Duration,
}

/// The faults under `seed`: one of `kinds` in each round of `length`, of one of so many `servers`.
///
/// It comes in the first half of its round, and nothing is done about it for up to a third of a round.
pub(super) fn faults(
    seed: u64,
    (rounds, length): (u32, Duration),
    servers: u32,
    kinds: &[FaultKind],
) -> Vec<Fault> {
    let mut random = Random::new(seed, 0);
    let mut one_of = move |many: u64| random.next() % many.max(1);
    let fault = |round| {
        let kind = kinds[usize::try_from(one_of(kinds.len() as u64)).unwrap_or(0)];
        let server = u32::try_from(one_of(servers.into())).unwrap_or(0);
        let mut share = |of: u32| {
            let thousandths = u32::try_from(one_of(1000)).unwrap_or(0);
            length * thousandths / 1000 / of
        };
        let (after, lasts) = (length * round + share(2), share(3));
        Fault { kind, server, after, lasts }
    };
    (0..rounds).map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_millis(600);

    #[test]
    fn a_seed_gives_the_same_faults_and_another_gives_others() {
        let of = |seed| faults(seed, (20, LENGTH), 3, &FaultKind::OF_SERVERS);
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn every_server_meets_every_kind_and_each_fault_ends_within_its_round() {
        let faults = faults(1, (500, LENGTH), 3, &FaultKind::OF_SERVERS);
        let met: std::collections::HashSet<_> =
            faults.iter().map(|fault| (fault.kind, fault.server)).collect();
        assert_eq!(met.len(), 9);
        for (round, fault) in (0..).zip(&faults) {
            let (start, end) = (LENGTH * round, LENGTH * (round + 1));
            assert!(start <= fault.after && fault.after + fault.lasts < end, "{fault:?}");
        }
    }
}
