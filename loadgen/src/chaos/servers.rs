//! The servers of one counter, each at an address of its own that it has again when it is started again.

use std::ffi::OsString;

use crate::{
    engines::{Addresses, free_addresses},
    shop::{ServerError, ServerPlan, SpawnedServer},
};

/// Servers that may be gone for a while.
pub(super) struct Servers {
    plan: ServerPlan,
    /// Where each finds the counter.
    dbs: Vec<OsString>,
    addresses: Addresses,
    running: Vec<Option<SpawnedServer>>,
}

impl Servers {
    /// Starts servers as `plan` says, one for each of `dbs`, where it finds the counter; one after the other: the first
    /// creates it.
    ///
    /// # Errors
    /// There is no free port, or a server does not start.
    pub(super) async fn start(plan: ServerPlan, dbs: Vec<OsString>) -> Result<Self, ServerError> {
        let addresses = free_addresses(dbs.len())?;
        let running = addresses.iter().map(|_| None).collect();
        let mut servers = Self { plan, dbs, addresses, running };
        for server in 0..u32::try_from(servers.dbs.len()).unwrap_or(u32::MAX) {
            servers.start_again(server).await?;
        }
        Ok(servers)
    }

    /// Their bases, as in `http://127.0.0.1:8080`.
    pub(super) fn urls(&self) -> Vec<String> {
        self.addresses.iter().map(|address| format!("http://{address}")).collect()
    }

    /// Starts `server`, which is gone.
    ///
    /// # Errors
    /// It does not start.
    pub(super) async fn start_again(&mut self, server: u32) -> Result<(), ServerError> {
        let place = place(server);
        let (listen, db) = (self.addresses[place], self.dbs[place].clone());
        let plan = ServerPlan { listen, db, ..self.plan.clone() };
        self.running[place] = Some(SpawnedServer::start(&plan).await?);
        Ok(())
    }

    /// Kills `server`.
    pub(super) fn kill(&mut self, server: u32) {
        drop(self.running[place(server)].take());
    }

    /// Stops `server` where it stands, or lets it go on.
    ///
    /// # Errors
    /// The kernel refuses: it has ended by itself.
    pub(super) fn set_paused(&self, server: u32, is_paused: bool) -> Result<(), ServerError> {
        match &self.running[place(server)] {
            Some(running) => running.set_paused(is_paused),
            None => Ok(()),
        }
    }

    /// Asks `server` to end, and waits until it has.
    ///
    /// # Errors
    /// It ended with an error, or not in time.
    pub(super) async fn end(&mut self, server: u32) -> Result<(), ServerError> {
        match self.running[place(server)].take() {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }

    /// Ends all of them; gives why some did not end as they should.
    pub(super) async fn end_all(mut self) -> Vec<ServerError> {
        let mut errors = Vec::new();
        for server in self.running.iter_mut().filter_map(Option::take) {
            errors.extend(server.stop().await.err());
        }
        errors
    }
}

fn place(server: u32) -> usize {
    usize::try_from(server).unwrap_or(usize::MAX)
}
