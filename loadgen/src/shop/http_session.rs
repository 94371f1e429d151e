//! One client's way to a shop over HTTP: its connection, which it opens anew where it must.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::{
    answer::{Stock, missing},
    http_shop::Shop,
    reader::{Reader, Response},
    wire::{Connection, Failure, Order, Reply, Template, Tls, TlsConfigs, TlsError, Waiting},
};
use crate::{history::monotonic_ns, plan::Action};

/// Connections that clients of one worker leave to each other while they have nothing to send: a shop
/// that serves one connection at a time is not kept waiting by those that are idle.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdleConnections(Arc<Mutex<Vec<Connection>>>);

/// One client's way to a server: its connection, which it opens anew where it must.
#[derive(Debug)]
pub(crate) struct HttpSession {
    addresses: Vec<SocketAddr>,
    connect_limit: Duration,
    waiting: Waiting,
    tls: Option<Tls>,
    keeps_alive: bool,
    /// The request of each action, where the shop has one.
    templates: Vec<(Action, Template)>,
    reader: Reader,
    room: Vec<u8>,
    connection: Option<Connection>,
    idle: Option<IdleConnections>,
    /// Whether a request is under way: where its caller has given it up, the connection still
    /// waits for its answer and is of no more use.
    is_under_way: bool,
    is_sent: bool,
}

impl HttpSession {
    /// A way to `shop`, with no connection yet.
    ///
    /// # Errors
    /// It is to be spoken to over TLS, and there is nobody to trust.
    pub(crate) fn new(
        shop: &Shop,
        waiting: Waiting,
        tls_configs: &TlsConfigs,
    ) -> Result<Self, TlsError> {
        let tls = shop.encrypted_host.as_deref().map(|host| tls_configs.tls(host, shop.trust));
        Ok(Self {
            addresses: shop.addresses.clone(),
            connect_limit: shop.connect_limit,
            waiting,
            tls: tls.transpose()?,
            keeps_alive: shop.keeps_alive,
            templates: Action::ALL
                .into_iter()
                .filter_map(|action| Some((action, shop.template(action)?)))
                .collect(),
            reader: Reader::of(shop),
            room: Vec::new(),
            connection: None,
            idle: None,
            is_under_way: false,
            is_sent: false,
        })
    }

    /// Shares `idle` with others: a connection is taken from there, and left there by
    /// [`HttpSession::rest`].
    pub(crate) fn share(&mut self, idle: IdleConnections) {
        self.idle = Some(idle);
    }

    /// Leaves the connection to others until the next call.
    pub(crate) fn rest(&mut self) {
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
            let mut connection = own.take().or_else(next)?;
            if connection.is_open(now_ns) {
                return Some(connection);
            }
        }
    }

    /// Opens the connection, so that the first request has no more to set up.
    pub(crate) async fn connect(&mut self) -> Result<(), Failure> {
        let tls = self.tls.as_ref();
        let opened = Connection::open(&self.addresses, self.waiting, tls, self.connect_limit);
        self.connection = Some(opened.await?);
        Ok(())
    }

    /// Carries out `action` as `order`, at `now_ns` of the run's clock. Where the caller drops this
    /// before it is done, [`HttpSession::is_sent`] says whether the request may have reached the server.
    pub(crate) async fn call(
        &mut self,
        action: Action,
        order: Order<'_>,
        now_ns: u64,
    ) -> Response<'_> {
        match self.exchange(action, order, now_ns).await {
            Ok((reply, reader)) => Response::Reply(reply, reader),
            Err(failure) => Response::Answer(Box::new(missing(action, &failure))),
        }
    }

    /// Asks how many tickets there are.
    ///
    /// # Errors
    /// There is no answer, or none that says so.
    pub(crate) async fn stock(&mut self) -> Result<Stock, String> {
        if !self.templates.iter().any(|(action, _)| *action == Action::Search) {
            return Err("the map of this shop has no search".to_owned());
        }
        let order = Order { run: 0, client: 0, number: 0, token: "" };
        let exchanged = self.exchange(Action::Search, order, monotonic_ns()).await;
        let (reply, reader) = exchanged.map_err(|failure| failure.to_string())?;
        reader.stock(reply)
    }

    /// Whether the last call got as far as sending.
    pub(crate) fn is_sent(&self) -> bool {
        self.is_sent
    }

    async fn exchange(
        &mut self,
        action: Action,
        order: Order<'_>,
        now_ns: u64,
    ) -> Result<(Reply<'_>, &Reader), Failure> {
        self.is_sent = false;
        // Closed before there is another: a client never has two connections.
        self.connection = self.take_open(now_ns);
        if self.connection.is_none() {
            // Apart: what it takes to connect is many times what it takes to ask.
            Box::pin(self.connect()).await?;
        }
        let connection = self.connection.as_mut().expect("it stands, or was opened just now");
        (self.is_under_way, self.is_sent) = (true, true);
        let template = self.templates.iter().find(|(other, _)| *other == action);
        let (_, template) = template.expect("a plan is checked against its shop");
        let request = template.bytes(order, &mut self.room);
        let (reply, keeps_alive) = connection.exchange(request).await?;
        self.is_under_way = !keeps_alive;
        Ok((reply, &self.reader))
    }
}
