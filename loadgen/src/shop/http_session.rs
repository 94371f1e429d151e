//! One client's way to a shop that is asked for everything in one call.

use super::{
    answer::{NoStock, Stock, missing},
    http_shop::Shop,
    reader::{Reader, Response},
    way::{IdleConnections, Way},
    wire::{Failure, Order, Reply, Template, TlsConfigs, TlsError, Waiting},
};
use crate::{history::monotonic_ns, plan::Action};

/// One client's way to a shop, and what it asks there.
#[derive(Debug)]
pub(crate) struct HttpSession {
    way: Way,
    /// The request of each action, where the shop has one.
    templates: Vec<(Action, Template)>,
    reader: Reader,
    room: Vec<u8>,
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
        Ok(Self {
            way: Way::new(shop, waiting, tls_configs)?,
            templates: Action::ALL
                .into_iter()
                .filter_map(|action| Some((action, shop.template(action)?)))
                .collect(),
            reader: Reader::of(shop),
            room: Vec::new(),
        })
    }

    /// Shares `idle` with others: a connection is taken from there, and left there by
    /// [`HttpSession::rest`].
    pub(crate) fn share(&mut self, idle: IdleConnections) {
        self.way.share(idle);
    }

    /// Leaves the connection to others until the next call.
    pub(crate) fn rest(&mut self) {
        self.way.rest();
    }

    /// Opens the connection, so that the first request has no more to set up.
    pub(crate) async fn connect(&mut self) -> Result<(), Failure> {
        self.way.connect().await
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
    pub(crate) async fn stock(&mut self) -> Result<Stock, NoStock> {
        if !self.templates.iter().any(|(action, _)| *action == Action::Search) {
            return Err("the map of this shop has no search".to_owned().into());
        }
        let order = Order { run: 0, client: 0, number: 0, token: "" };
        let exchanged = self.exchange(Action::Search, order, monotonic_ns()).await;
        let (reply, reader) = exchanged.map_err(|failure| failure.to_string())?;
        reader.stock(reply)
    }

    /// Whether the last call got as far as sending.
    pub(crate) fn is_sent(&self) -> bool {
        self.way.is_sent()
    }

    async fn exchange(
        &mut self,
        action: Action,
        order: Order<'_>,
        now_ns: u64,
    ) -> Result<(Reply<'_>, &Reader), Failure> {
        let template = self.templates.iter().find(|(other, _)| *other == action);
        let (_, template) = template.expect("a plan is checked against its shop");
        let request = template.bytes(order, &mut self.room);
        let reply = self.way.exchange(request, now_ns).await?;
        Ok((reply, &self.reader))
    }
}
