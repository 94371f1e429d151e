//! The members of an engine, whichever it is.

use std::ffi::OsString;

use super::{error::MemberError, etcd::Etcd, postgres::Postgres};
use crate::{chaos::config::Kept, engines::Network, own_folder::OwnFolder};

/// The members of an engine, which may be gone, stopped or cut off for a while.
pub(in crate::chaos) struct Cluster<'a> {
    engine: Engine<'a>,
    network: Network,
}

enum Engine<'a> {
    Etcd(Etcd<'a>),
    Postgres(Postgres<'a>),
}

impl<'a> Cluster<'a> {
    /// Starts the engine in which `kept` says that the counter is, for so many `servers`, with its files in `folder`;
    /// `None` where it is in none of chaos's own.
    ///
    /// # Errors
    /// The engine is not installed, or does not start.
    pub(in crate::chaos) async fn start(
        kept: &Kept,
        folder: &'a OwnFolder,
        servers: u32,
    ) -> Result<Option<Self>, MemberError> {
        let network = Network::new()?;
        let engine = match *kept {
            Kept::File | Kept::At(_) => return Ok(None),
            Kept::Etcd { members } => {
                Engine::Etcd(Etcd::start(place(members), folder, &network, place(servers))?)
            }
            Kept::Postgres => {
                Engine::Postgres(Postgres::start(folder, &network, place(servers)).await?)
            }
        };
        Ok(Some(Self { engine, network }))
    }

    /// Where the counter is, as `server --db` takes it: for `server`, or for whoever is never cut off.
    pub(in crate::chaos) fn db(&self, server: Option<u32>) -> OsString {
        let server = server.map(place);
        match &self.engine {
            Engine::Etcd(etcd) => etcd.db(server),
            Engine::Postgres(postgres) => postgres.db(server),
        }
    }

    /// Kills `member`.
    ///
    /// # Errors
    /// It goes on.
    pub(in crate::chaos) async fn kill(&mut self, member: u32) -> Result<(), MemberError> {
        match &mut self.engine {
            Engine::Etcd(etcd) => etcd.kill(place(member)),
            Engine::Postgres(postgres) => postgres.kill(place(member)).await?,
        }
        Ok(())
    }

    /// Starts `member`, which is gone.
    ///
    /// # Errors
    /// It does not start.
    pub(in crate::chaos) async fn start_again(&mut self, member: u32) -> Result<(), MemberError> {
        match &mut self.engine {
            Engine::Etcd(etcd) => etcd.start_again(place(member)),
            Engine::Postgres(postgres) => postgres.start_again(place(member)).await,
        }
    }

    /// Stops `member` where it stands, or lets it go on.
    ///
    /// # Errors
    /// The kernel refuses: it has ended by itself.
    pub(in crate::chaos) fn set_paused(
        &mut self,
        member: u32,
        is_paused: bool,
    ) -> Result<(), MemberError> {
        match &mut self.engine {
            Engine::Etcd(etcd) => etcd.set_paused(place(member), is_paused),
            Engine::Postgres(postgres) => postgres.set_paused(place(member), is_paused),
        }
    }

    /// Kills the primary, lets the standby take over, and makes another standby in place of the one that was killed;
    /// gives which that is. `None` where all members are alike.
    ///
    /// # Errors
    /// A member does not do what it is told.
    pub(in crate::chaos) async fn promote(&mut self) -> Result<Option<u32>, MemberError> {
        match &mut self.engine {
            Engine::Etcd(_) => Ok(None),
            Engine::Postgres(postgres) => {
                let killed = postgres.promote().await?;
                Ok(u32::try_from(killed).ok())
            }
        }
    }

    /// What goes between servers and members, and between members.
    pub(in crate::chaos) fn network(&self) -> &Network {
        &self.network
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
