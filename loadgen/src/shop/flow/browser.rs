//! What a shop expects of a browser: cookies that come back, and redirects that are followed.

use std::time::Duration;

use tokio::time::timeout;
use url::{Position, Url};

use super::{
    cookies::Cookies,
    fault::Cause,
    redirect::{becomes_get, check_end, leads_on, target},
    transcript::Sent,
};
use crate::{
    history::monotonic_ns,
    shop::{
        http_shop::Shop,
        map::{Filled, field_values, text_of},
        way::Way,
        wire::{Failure, TlsConfigs, TlsError, Waiting},
    },
};

/// How many URLs a client remembers.
const URLS_MAX: usize = 16;

/// One client of a shop.
#[derive(Debug)]
pub(super) struct Browser {
    way: Way,
    cookies: Cookies,
    host: String,
    /// Where the shop's paths begin.
    base: Url,
    /// The first paths that were asked for, each with its URL: those without a name in them come again and again.
    urls: Vec<(String, Url)>,
    extra_fields: Vec<(String, String)>,
    limit: Duration,
    /// Whether it does more than to ask: keep cookies, and follow redirects.
    is_browser: bool,
    room: Vec<u8>,
    /// Whether some of the last visit's requests was sent.
    is_sent: bool,
    /// What was sent, where that is written down.
    sent: Option<Vec<Sent>>,
}

/// An answer, whole, and the way to it.
#[derive(Debug, Default)]
pub(super) struct Visited {
    /// The status code.
    pub(super) status: u16,
    /// The head.
    pub(super) head: Vec<u8>,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Where it came from; `None` before the first answer.
    pub(super) url: Option<Url>,
    /// The paths that were asked, one after the other.
    pub(super) stops: Vec<String>,
}

impl Browser {
    /// A client of `shop`, which has no cookies yet; it keeps and follows nothing unless it `is_browser`.
    ///
    /// # Errors
    /// The shop is to be spoken to over TLS, and there is nobody to trust.
    pub(super) fn new(
        shop: &Shop,
        is_browser: bool,
        waiting: Waiting,
        tls_configs: &TlsConfigs,
    ) -> Result<Self, TlsError> {
        let base = shop.url().parse().expect("a shop's URL is read before");
        Ok(Self {
            way: Way::new(shop, waiting, tls_configs)?,
            cookies: Cookies::default(),
            host: shop.host().to_owned(),
            base,
            urls: Vec::new(),
            extra_fields: shop.extra_fields().collect(),
            limit: shop.answer_limit,
            is_browser,
            room: Vec::new(),
            is_sent: false,
            sent: None,
        })
    }

    /// Whether some of the last visit's requests was sent.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// Whether the header field `name` has its `value` from the command line, and not from the map.
    pub(super) fn is_extra(&self, name: &str, value: &str) -> bool {
        let mut extra = self.extra_fields.iter();
        extra.any(|(known, said)| known.eq_ignore_ascii_case(name) && said == value)
    }

    /// Writes down from now on what is sent.
    pub(super) fn write_down(&mut self) {
        self.sent = Some(Vec::new());
    }

    /// What was sent since the last time.
    pub(super) fn take_sent(&mut self) -> Vec<Sent> {
        self.sent.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The cookie `name` that the shop has set.
    pub(super) fn cookie(&self, url: &Url, name: &str) -> Option<String> {
        self.cookies.value(url, name)
    }

    /// Opens the connection.
    ///
    /// # Errors
    /// The shop does not answer.
    pub(super) async fn connect(&mut self) -> Result<(), Failure> {
        self.way.connect().await
    }

    /// Where `path` of the shop is, or a URL of it.
    ///
    /// # Errors
    /// Nowhere, or at another host.
    pub(super) fn url(&mut self, path: &str) -> Result<Url, Cause> {
        // A URL takes as long to read as a small answer does.
        if let Some((_, url)) = self.urls.iter().find(|(known, _)| known == path) {
            return Ok(url.clone());
        }
        let url = if path.starts_with('/') && !path.starts_with("//") {
            let base = self.base.path().trim_end_matches('/');
            target(&self.base, &format!("{base}{path}"))?
        } else {
            target(&self.base, path)?
        };
        if self.urls.len() < URLS_MAX {
            self.urls.push((path.to_owned(), url.clone()));
        }
        Ok(url)
    }

    /// Sends `request` to `url`, and follows where the answer leads unless it `is_kept` for its status.
    pub(super) async fn visit(
        &mut self,
        url: Url,
        mut request: Filled,
        is_kept: impl Fn(u16) -> bool,
    ) -> Result<Visited, Cause> {
        self.is_sent = false;
        let mut visited = Visited::default();
        let mut url = url;
        loop {
            visited.stops.push(url[Position::BeforePath..].to_owned());
            check_end(&visited.stops)?;
            self.ask(&url, &request, &mut visited).await?;
            if !self.is_browser {
                visited.url = Some(url);
                return Ok(visited);
            }
            let fields = text_of(&visited.head);
            for set_cookie in field_values(&fields, "set-cookie") {
                self.cookies.keep(&url, set_cookie)?;
            }
            let location = field_values(&fields, "location").next();
            match location.filter(|_| leads_on(visited.status) && !is_kept(visited.status)) {
                Some(location) => {
                    let next = target(&url, location)?;
                    if becomes_get(visited.status, &request.method) {
                        "GET".clone_into(&mut request.method);
                        request.body = None;
                        request
                            .fields
                            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
                    }
                    url = next;
                }
                None => {
                    visited.url = Some(url);
                    return Ok(visited);
                }
            }
        }
    }

    async fn ask(
        &mut self,
        url: &Url,
        request: &Filled,
        visited: &mut Visited,
    ) -> Result<(), Cause> {
        let mut room = std::mem::take(&mut self.room);
        let written = self.write(url, request, &mut room);
        if let Some(sent) = &mut self.sent {
            sent.push(sent_as(&room, request, url));
        }
        let exchange = async {
            written?;
            match self.exchange(&room, visited).await {
                // The shop may have closed it meanwhile; whoever only looks may ask again (RFC 9110, 9.2.2).
                Err(failure)
                    if request.method == "GET" && failure.is_broken() && self.way.is_reused() =>
                {
                    Ok(self.exchange(&room, visited).await?)
                }
                exchanged => Ok(exchanged?),
            }
        };
        let asked = exchange.await;
        self.is_sent |= match &asked {
            Err(Cause::Failure(failure)) => !failure.did_not_happen() && self.way.is_sent(),
            Err(_) => false,
            Ok(()) => true,
        };
        self.room = room;
        asked
    }

    async fn exchange(&mut self, request: &[u8], visited: &mut Visited) -> Result<(), Failure> {
        let reply = timeout(self.limit, self.way.exchange(request, monotonic_ns())).await;
        let reply = reply.unwrap_or(Err(Failure::Timeout(self.limit)))?;
        visited.status = reply.status;
        visited.head.clear();
        visited.head.extend_from_slice(reply.head);
        visited.body.clear();
        visited.body.extend_from_slice(reply.body);
        Ok(())
    }

    fn write(&self, url: &Url, request: &Filled, room: &mut Vec<u8>) -> Result<(), Cause> {
        let Filled { method, fields, body, .. } = request;
        room.clear();
        let mut put = |parts: &[&str]| {
            for part in parts {
                room.extend_from_slice(part.as_bytes());
            }
        };
        let path = &url[Position::BeforePath..Position::AfterQuery];
        put(&[method, " ", path, " HTTP/1.1\r\nHost: ", &self.host, "\r\n"]);
        for (name, value) in fields.iter().chain(&self.extra_fields) {
            if value.contains(char::is_control) {
                return Err(Cause::NoField(name.clone()));
            }
            put(&[name, ": ", value, "\r\n"]);
        }
        let cookies = self.cookies.field(url);
        let has_own = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        if !cookies.is_empty() && !has_own {
            put(&["Cookie: ", &cookies, "\r\n"]);
        }
        if body.is_some() || matches!(method.as_str(), "POST" | "PUT" | "PATCH") {
            let length = body.as_ref().map_or(0, String::len).to_string();
            put(&["Content-Length: ", &length, "\r\n"]);
        }
        put(&["\r\n", body.as_deref().unwrap_or_default()]);
        Ok(())
    }
}

/// The request that stands in `room`, for people: it may be none where a field was refused.
fn sent_as(room: &[u8], request: &Filled, url: &Url) -> Sent {
    let head = String::from_utf8_lossy(room);
    let lines = head.split("\r\n").skip(1).take_while(|line| !line.is_empty());
    let fields = lines.filter_map(|line| line.split_once(": "));
    Sent {
        method: request.method.clone(),
        url: url.to_string(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: request.body.clone(),
    }
}
