//! A server as a target: one client's connection to it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{
    answer,
    connection::{Connection, Reply},
    failure::Failure,
    location::Location,
    returned::{Returned, Stock},
    template::{Order, Parts, Template},
};
use crate::plan::Action;

/// A server and how it is spoken to; travels to a worker process as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shop {
    host: String,
    base: String,
    addresses: Vec<SocketAddr>,
    /// Whether a connection is used for more than one request.
    pub(crate) keeps_alive: bool,
    /// Whether purchases carry an idempotency key.
    pub(crate) sends_keys: bool,
}

/// One client's way to a server: its connection, which it opens anew where it must.
#[derive(Debug)]
pub(crate) struct HttpTarget {
    addresses: Vec<SocketAddr>,
    keeps_alive: bool,
    buy: Template,
    search: Template,
    room: Vec<u8>,
    connection: Option<Connection>,
    /// Whether a request is under way: where its caller has given it up, the connection still
    /// waits for its answer and is of no more use.
    is_under_way: bool,
    is_sent: bool,
}

impl Shop {
    /// This project's own server at `location`, which has these `addresses`.
    pub(crate) fn new(location: &Location, addresses: Vec<SocketAddr>) -> Self {
        Self {
            host: location.to_string(),
            base: location.base().to_owned(),
            addresses,
            keeps_alive: true,
            sends_keys: false,
        }
    }

    fn template(&self, action: Action) -> Template {
        let mut fields = Vec::new();
        if !self.keeps_alive {
            fields.push(("Connection".to_owned(), "close".to_owned()));
        }
        if self.sends_keys && action == Action::Buy {
            fields.push(("Idempotency-Key".to_owned(), "${key}".to_owned()));
        }
        let (method, path) = match action {
            Action::Buy => ("POST", "/buy"),
            Action::Search => ("GET", "/search"),
        };
        let path = format!("{}{path}", self.base);
        let parts = Parts { method, path: &path, host: &self.host, fields: &fields, body: None };
        Template::new(&parts).expect("there is only `${key}` in it")
    }
}

impl HttpTarget {
    /// A way to `shop`, with no connection yet.
    pub(crate) fn new(shop: &Shop) -> Self {
        Self {
            addresses: shop.addresses.clone(),
            keeps_alive: shop.keeps_alive,
            buy: shop.template(Action::Buy),
            search: shop.template(Action::Search),
            room: Vec::new(),
            connection: None,
            is_under_way: false,
            is_sent: false,
        }
    }

    /// Opens the connection, so that the first request has no more to set up.
    pub(crate) async fn connect(&mut self) -> Result<(), Failure> {
        self.connection = Some(Connection::open(&self.addresses).await?);
        Ok(())
    }

    /// Carries out `action` as `order`. Where the caller drops this before it is done,
    /// [`HttpTarget::is_sent`] says whether the request may have reached the server.
    pub(crate) async fn call(&mut self, action: Action, order: Order) -> Returned {
        match self.exchange(action, order).await {
            Ok(reply) => match action {
                Action::Search => Returned::found(answer::stock(reply.status, reply.body)),
                Action::Buy => answer::purchase(reply.status, reply.body),
            },
            Err(failure) => Returned::failed(action, &failure),
        }
    }

    /// Asks how many tickets there are.
    ///
    /// # Errors
    /// There is no answer, or none that says so.
    pub(crate) async fn stock(&mut self) -> Result<Stock, String> {
        let order = Order { run: 0, client: 0, number: 0 };
        let reply = self.exchange(Action::Search, order).await;
        let reply = reply.map_err(|failure| failure.to_string())?;
        answer::stock(reply.status, reply.body)
    }

    /// Whether the last call got as far as sending.
    pub(crate) fn is_sent(&self) -> bool {
        self.is_sent
    }

    async fn exchange(&mut self, action: Action, order: Order) -> Result<Reply<'_>, Failure> {
        let is_usable = !self.is_under_way && self.keeps_alive;
        self.is_sent = false;
        let connection = match self.connection.take() {
            Some(connection) if is_usable && connection.is_open() => connection,
            _ => Connection::open(&self.addresses).await?,
        };
        (self.is_under_way, self.is_sent) = (true, true);
        let template = match action {
            Action::Buy => &self.buy,
            Action::Search => &self.search,
        };
        let request = template.bytes(order, &mut self.room);
        // Kept in its place for as long as the answer is looked at.
        let connection = self.connection.insert(connection);
        let reply = connection.exchange(request).await?;
        self.is_under_way = !reply.keeps_alive;
        Ok(reply)
    }
}
