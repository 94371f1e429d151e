//! One client's way to a server: its connection, which it opens anew where it must.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::timeout;

use super::{
    http_shop::Shop,
    wire::{Connection, Failure, Reply, Tls, TlsConfigs, TlsError, Version, Waiting},
};

/// Connections that clients of one worker leave to each other while they have nothing to send: a shop
/// that serves one connection at a time is not kept waiting by those that are idle.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdleConnections(Arc<Mutex<Vec<Connection>>>);

/// How long nothing may come over a new connection before those that are idle are closed: they may be what it waits for.
const STALLED: Duration = Duration::from_millis(500);

impl IdleConnections {
    /// What a new connection comes to; all others give way to it.
    async fn giving_way<T>(self, answered: impl Future<Output = T>) -> T {
        let mut answered = pin!(answered);
        loop {
            match timeout(STALLED, &mut answered).await {
                Ok(answered) => return answered,
                Err(_) => self.0.lock().clear(),
            }
        }
    }
}

/// One client's way to a server: its connection, which it opens anew where it must.
#[derive(Debug)]
pub(super) struct Way {
    addresses: Vec<SocketAddr>,
    connect_limit: Duration,
    version: Version,
    waiting: Waiting,
    tls: Option<Tls>,
    keeps_alive: bool,
    connection: Option<Connection>,
    idle: Option<IdleConnections>,
    /// Whether a request is under way: where its caller has given it up, the connection still
    /// waits for its answer and is of no more use.
    is_under_way: bool,
    is_sent: bool,
    /// Whether the last request went over a connection that another had used before.
    is_reused: bool,
    /// Whether the connection has brought an answer.
    has_answered: bool,
}

impl Way {
    /// A way to `shop`, with no connection yet.
    ///
    /// # Errors
    /// It is to be spoken to over TLS, and there is nobody to trust.
    pub(super) fn new(
        shop: &Shop,
        waiting: Waiting,
        tls_configs: &TlsConfigs,
    ) -> Result<Self, TlsError> {
        let version = shop.version();
        let host = shop.encrypted_host.as_deref();
        let tls = host.map(|host| tls_configs.tls(host, shop.trust, version));
        Ok(Self {
            addresses: shop.addresses.clone(),
            connect_limit: shop.connect_limit,
            version,
            waiting,
            tls: tls.transpose()?,
            keeps_alive: shop.keeps_alive,
            connection: None,
            idle: None,
            is_under_way: false,
            is_sent: false,
            is_reused: false,
            has_answered: false,
        })
    }

    /// Shares `idle` with others: a connection is taken from there, and left there by [`Way::rest`].
    pub(super) fn share(&mut self, idle: IdleConnections) {
        self.idle = Some(idle);
    }

    /// Leaves the connection to others until the next call.
    pub(super) fn rest(&mut self) {
        if let Some(idle) = &self.idle
            && !self.is_under_way
            && self.keeps_alive
        {
            idle.0.lock().extend(self.connection.take());
        }
    }

    /// A connection that takes a request at `now_ns`, its own or one that others have left.
    fn take_open(&mut self, now_ns: u64) -> Option<Connection> {
        let is_usable = !self.is_under_way && self.keeps_alive;
        let mut own = self.connection.take().filter(|_| is_usable);
        loop {
            let next = || self.idle.as_ref().filter(|_| self.keeps_alive)?.0.lock().pop();
            let is_of_others = own.is_none();
            let mut connection = own.take().or_else(next)?;
            if connection.is_open(now_ns) {
                self.has_answered |= is_of_others;
                return Some(connection);
            }
        }
    }

    /// Opens the connection, so that the first request has no more to set up.
    pub(super) async fn connect(&mut self) -> Result<(), Failure> {
        let Self { addresses, version, waiting, tls, connect_limit, .. } = self;
        let opened = Connection::open(addresses, *version, *waiting, tls.as_ref(), *connect_limit);
        self.connection = Some(opened.await?);
        self.has_answered = false;
        Ok(())
    }

    /// Whether the last request got as far as sending.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// Whether the last request went over a connection that had stood before, and may have been closed meanwhile.
    pub(super) fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Sends `request` at `now_ns` of the run's clock, and reads the answer.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        now_ns: u64,
    ) -> Result<Reply<'_>, Failure> {
        self.is_sent = false;
        // Closed before there is another: a client never has two connections.
        self.connection = self.take_open(now_ns);
        self.is_reused = self.connection.is_some();
        let mut waiting = None;
        if self.connection.is_none() {
            waiting = self.idle.clone();
            // Apart: what it takes to connect is many times what it takes to ask.
            Box::pin(self.connect()).await?;
        }
        let connection = self.connection.as_mut().expect("it stands, or was opened just now");
        (self.is_under_way, self.is_sent) = (true, true);
        let answered = connection.exchange(request);
        let answered = match waiting {
            Some(idle) => Box::pin(idle.giving_way(answered)).await,
            None => answered.await,
        };
        let may_be_stale = std::mem::replace(&mut self.has_answered, answered.is_ok());
        let (reply, keeps_alive) = answered.map_err(|failure| match failure.is_broken() {
            true if may_be_stale => Failure::Stale(Box::new(failure)),
            _ => failure,
        })?;
        self.is_under_way = !keeps_alive;
        Ok(reply)
    }
}
