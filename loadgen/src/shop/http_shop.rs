//! A shop that sells over HTTP: this project's own server, or another that a map describes.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    location::Location,
    map::{Call, Map},
    wire::{KEY, Parts, Template, Trust},
};
use crate::plan::Action;

/// How long it may take to connect where nobody says.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// A server and how it is spoken to; travels to a worker process as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shop {
    host: String,
    base: String,
    pub(super) addresses: Vec<SocketAddr>,
    /// The name that its certificate must have, where it is spoken to over TLS.
    pub(super) encrypted_host: Option<String>,
    /// Whom such a connection trusts.
    pub(crate) trust: Trust,
    /// How long it may take to connect to it, all its addresses together.
    pub(crate) connect_limit: Duration,
    /// Whether a connection is used for more than one request.
    pub(crate) keeps_alive: bool,
    /// Header fields that every request has beside its own.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether purchases carry an idempotency key; another shop's map says so itself.
    pub(crate) sends_keys: bool,
    /// How it is spoken to where it is another shop.
    pub(crate) map: Option<Map>,
}

impl Shop {
    /// The shop at `location`, which has these `addresses`: this project's own server, or what
    /// `map` describes.
    pub(crate) fn new(location: &Location, addresses: Vec<SocketAddr>, map: Option<Map>) -> Self {
        Self {
            host: location.to_string(),
            base: location.base().to_owned(),
            addresses,
            encrypted_host: location.encrypted_host(),
            trust: Trust::Authorities,
            connect_limit: CONNECT_LIMIT,
            keeps_alive: true,
            fields: Vec::new(),
            sends_keys: false,
            map,
        }
    }

    /// The request for `action`; `None` where this shop has none.
    pub(super) fn template(&self, action: Action) -> Option<Template> {
        let own = |method, path| Call { method, path, ..Call::default() };
        let mut call = match (&self.map, action) {
            (Some(map), Action::Buy) => map.buy_call(),
            (Some(map), Action::Search) => map.search_call()?,
            (None, Action::Buy) => own("POST", "/buy"),
            (None, Action::Search) => own("GET", "/search"),
        };
        if self.map.is_none() && self.sends_keys && action == Action::Buy {
            call.fields.push(("Idempotency-Key".to_owned(), KEY.to_owned()));
        }
        call.fields.extend(self.fields.iter().cloned());
        if !self.keeps_alive {
            call.fields.push(("Connection".to_owned(), "close".to_owned()));
        }
        let path = format!("{}{}", self.base, call.path);
        let parts = Parts {
            method: call.method,
            path: &path,
            host: &self.host,
            fields: &call.fields,
            body: call.body,
        };
        Some(Template::new(&parts).expect("a map is checked when it is read"))
    }
}
