//! A shop that sells over HTTP: this project's own server, or another that a map describes.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    location::Location,
    map::{Filled, Map},
    secret::Secret,
    wire::{KEY, Parts, TOKEN, Template, Trust, Version},
};
use crate::plan::{Action, Holds};

/// How long it may take to connect where nobody says.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// A server and how it is spoken to; travels to a worker process as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// How long each answer may take where an operation is of several calls.
    pub(crate) answer_limit: Duration,
    /// Whether a connection is used for more than one request.
    pub(crate) keeps_alive: bool,
    /// Header fields that every request has beside its own.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether purchases carry an idempotency key; another shop's map says so itself.
    pub(crate) sends_keys: bool,
    /// How many tickets are put aside at a time, and for how long, where that is done at all.
    pub(crate) holds: Option<Holds>,
    /// What the operator's calls, a refund among them, are allowed by.
    pub(crate) admin_token: Option<Secret>,
    /// How it is spoken to where it is another shop.
    pub(crate) map: Option<Map>,
}

impl Shop {
    /// The shop at `location`, which has these `addresses`: this project's own server, or what
    /// `map` describes.
    pub(crate) fn new(location: &Location, addresses: Vec<SocketAddr>, map: Option<Map>) -> Self {
        let (mut host, mut encrypted_host) = (location.to_string(), location.encrypted_host());
        if let Some((own, name)) = map.as_ref().and_then(Map::host) {
            own.clone_into(&mut host);
            encrypted_host = encrypted_host.map(|_| name);
        }
        Self {
            host,
            base: location.base().to_owned(),
            addresses,
            encrypted_host,
            trust: Trust::Authorities,
            connect_limit: CONNECT_LIMIT,
            answer_limit: CONNECT_LIMIT,
            keeps_alive: true,
            fields: Vec::new(),
            sends_keys: false,
            holds: None,
            admin_token: None,
            map,
        }
    }

    /// Its URL, as far as it has one: all paths begin with that.
    pub(super) fn url(&self) -> String {
        let scheme = if self.encrypted_host.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.base)
    }

    /// Its name and its port, as a request has them.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The HTTP that it is spoken to in.
    pub(super) fn version(&self) -> Version {
        match &self.map {
            Some(map) if map.members.http2 => Version::Http2,
            _ => Version::Http1,
        }
    }

    /// The request for `action`; `None` where this shop has none, or it takes more than one call.
    pub(super) fn template(&self, action: Action) -> Option<Template> {
        let own = |method: &str, path: &str| Filled {
            method: method.to_owned(),
            path: path.to_owned(),
            fields: Vec::new(),
            body: None,
        };
        let hold = self.holds.map_or(String::new(), |holds| {
            format!(r#"{{"quantity":{},"seconds":{}}}"#, holds.quantity, holds.seconds)
        });
        let [confirm, release, refund] =
            [("/holds/", "/confirm"), ("/holds/", ""), ("/receipts/", "")]
                .map(|(before, behind)| format!("{before}{TOKEN}{behind}"));
        let restock = format!(r#"{{"quantity":{TOKEN}}}"#);
        let mut call = match (&self.map, action) {
            (Some(map), Action::Buy) => map.buy_call()?,
            (Some(map), Action::Search) => map.search_call()?,
            (None, Action::Buy) => own("POST", "/buy"),
            (None, Action::Search) => own("GET", "/search"),
            (None, Action::Hold) => {
                self.holds?;
                Filled { body: Some(hold), ..own("POST", "/holds") }
            }
            (None, Action::Confirm) => own("POST", &confirm),
            (None, Action::Release) => own("DELETE", &release),
            (None, Action::Refund) => own("DELETE", &refund),
            (None, Action::Restock) => Filled { body: Some(restock), ..own("POST", "/restock") },
            (
                Some(_),
                Action::Hold | Action::Confirm | Action::Release | Action::Refund | Action::Restock,
            ) => return None,
        };
        if self.map.is_none() && self.sends_keys && matches!(action, Action::Buy | Action::Hold) {
            call.fields.push(("Idempotency-Key".to_owned(), KEY.to_owned()));
        }
        if let (Action::Refund | Action::Restock, Some(Secret(token))) = (action, &self.admin_token)
        {
            call.fields.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        if matches!(action, Action::Hold | Action::Restock) {
            call.fields.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        call.fields.extend(self.extra_fields());
        let path = format!("{}{}", self.base, call.path);
        let parts = Parts {
            method: &call.method,
            path: &path,
            host: &self.host,
            fields: &call.fields,
            body: call.body.as_deref(),
            is_own: self.map.is_none(),
            first_client: self.map.as_ref().map_or(0, |map| map.first_client),
        };
        Some(Template::new(&parts).expect("a map is checked when it is read"))
    }

    /// The fields that every request has beside its own.
    pub(super) fn extra_fields(&self) -> impl Iterator<Item = (String, String)> {
        let close = (!self.keeps_alive).then(|| ("Connection".to_owned(), "close".to_owned()));
        self.fields.iter().cloned().chain(close)
    }
}
