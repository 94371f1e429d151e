//! The faults as they are carried out.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::time::sleep_until;

use super::{
    cluster::{Cluster, MemberError},
    faults::{Fault, FaultKind},
    servers::Servers,
};
use crate::{history::monotonic_ns, shop::ServerError};

/// The largest file system that is filled: nobody's own by mistake.
pub(super) const FILLED_BYTES_MAX: u64 = 256 << 20;

/// How much is written at once into the file that fills it, in bytes; in the end byte by byte.
const BALLAST_BYTES: usize = 64 << 10;

/// A fault that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Injected {
    /// What was done.
    pub(super) kind: FaultKind,
    /// To which server or member, from 0.
    pub(super) target: u32,
    /// When, in nanoseconds of the run's clock.
    pub(super) from_ns: u64,
    /// When that was over: it runs, or there is room again.
    pub(super) to_ns: u64,
}

/// Why a fault cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InjectionError {
    /// A server does not do what it is told.
    #[error("{what}: {source}")]
    Server {
        /// What was done to it.
        what: String,
        /// What is wrong.
        source: ServerError,
    },
    /// Nor does a member.
    #[error("{what}: {source}")]
    Member {
        /// What was done to it.
        what: String,
        /// What is wrong.
        source: MemberError,
    },
    /// The file system cannot be filled.
    #[error("cannot fill the file system of `{}`: {source}", path.display())]
    Fill {
        /// A file on it.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Those to whom something is done.
pub(super) struct Victims<'a, 'b> {
    /// The servers.
    pub(super) servers: &'a mut Servers,
    /// The members of the engine that the counter is kept in, where it is one of chaos's own.
    pub(super) cluster: Option<&'a mut Cluster<'b>>,
    /// A folder on the file system that is filled.
    pub(super) folder: &'a Path,
}

/// Carries out `faults` on the `victims`; the load began at `begun`.
///
/// # Errors
/// [`InjectionError`]; the file that fills is gone all the same.
pub(super) async fn inject(
    faults: &[Fault],
    victims: Victims<'_, '_>,
    begun: Instant,
) -> Result<Vec<Injected>, InjectionError> {
    let Victims { servers, mut cluster, folder } = victims;
    let mut injected = Vec::new();
    for fault in faults {
        sleep_until((begun + fault.after).into()).await;
        let &Fault { kind, mut target, lasts, .. } = fault;
        let from_ns = monotonic_ns();
        let failed = |source| InjectionError::Server { what: kind.told(target), source };
        let member_failed = |source| InjectionError::Member { what: kind.told(target), source };
        match (kind, &mut cluster) {
            (FaultKind::Kill, _) => {
                servers.kill(target);
                pause(lasts).await;
                servers.start_again(target).await.map_err(failed)?;
            }
            (FaultKind::Pause, _) => {
                servers.set_paused(target, true).map_err(failed)?;
                pause(lasts).await;
                servers.set_paused(target, false).map_err(failed)?;
            }
            (FaultKind::End, _) => {
                servers.end(target).await.map_err(failed)?;
                pause(lasts).await;
                servers.start_again(target).await.map_err(failed)?;
            }
            (FaultKind::Fill, _) => {
                let ballast = Ballast::throughout(folder)?;
                pause(lasts).await;
                drop(ballast);
            }
            (FaultKind::MemberKill, Some(cluster)) => {
                cluster.kill(target).await.map_err(member_failed)?;
                pause(lasts).await;
                cluster.start_again(target).await.map_err(member_failed)?;
            }
            (FaultKind::MemberPause, Some(cluster)) => {
                cluster.set_paused(target, true).map_err(member_failed)?;
                pause(lasts).await;
                cluster.set_paused(target, false).map_err(member_failed)?;
            }
            (FaultKind::MemberCut, Some(cluster)) => {
                cluster.network().cut_member(place(target));
                pause(lasts).await;
                cluster.network().mend();
            }
            (FaultKind::ServerCut, Some(cluster)) => {
                cluster.network().cut_server(place(target));
                pause(lasts).await;
                cluster.network().mend();
            }
            (FaultKind::Promote, Some(cluster)) => {
                let killed = cluster.promote().await.map_err(member_failed)?;
                target = killed.unwrap_or(target);
            }
            (
                FaultKind::MemberKill
                | FaultKind::MemberPause
                | FaultKind::MemberCut
                | FaultKind::ServerCut
                | FaultKind::Promote,
                None,
            ) => {
                unreachable!("the flags are checked: there are members")
            }
        }
        injected.push(Injected { kind, target, from_ns, to_ns: monotonic_ns() });
    }
    Ok(injected)
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

async fn pause(lasts: Duration) {
    tokio::time::sleep(lasts).await;
}

/// A file that takes all the room there is; goes away with this.
struct Ballast(PathBuf);

impl Ballast {
    fn throughout(folder: &Path) -> Result<Self, InjectionError> {
        let ballast = Self(folder.join("ballast"));
        let filled = File::create(&ballast.0).and_then(|mut file| {
            let mut piece = BALLAST_BYTES;
            while piece > 0 {
                match file.write_all(&vec![0; piece]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => piece /= 2,
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        match filled {
            Ok(()) => Ok(ballast),
            Err(source) => Err(InjectionError::Fill { path: ballast.0.clone(), source }),
        }
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        // It is of a temporary folder: where it stays it goes with that.
        let _ = fs::remove_file(&self.0);
    }
}
