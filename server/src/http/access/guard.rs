//! Who may talk to the server: the checks in front of every route.
//!
//! A browser can be made to send requests here by any page that its user
//! visits. The host check defeats DNS rebinding, the origin check a form that
//! posts across sites. Clients that are no browsers send no `Origin` and pass.
//! Whoever asks too often for something that changes the counter is told to wait.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::http::{HeaderMap, HeaderValue, Request, Uri, Version, header};

use crate::http::{
    access::{
        host_name::{HostName, without_port},
        proxies::Proxies,
        rate_limit::RateLimit,
        refused_hosts::RefusedHosts,
    },
    message::{
        headers::X_FORWARDED_FOR,
        problem::{Code, Problem},
    },
};

/// Names that always mean this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The host names under which the server may be called.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The host as nearly all clients write it.
    address: String,
    /// Names that mean this machine, whatever program serves there.
    own: Vec<String>,
    allowed: Vec<HostName>,
    /// Whether the server speaks TLS itself.
    is_tls: bool,
    /// How often a client may change something; `None` as often as it likes.
    rate_limit: Option<Arc<RateLimit>>,
    /// Who says on whose behalf it asks.
    proxies: Proxies,
    refused: Arc<RefusedHosts>,
}

impl Guard {
    /// A guard that lets the loopback names pass, the address `own`, and the names in `allowed`.
    pub fn new(own: SocketAddr, allowed: &[HostName]) -> Self {
        let names = LOOPBACK.map(str::to_owned).into_iter().chain([host_of(own)]);
        Self {
            address: own.to_string(),
            own: names.collect(),
            allowed: allowed.to_vec(),
            is_tls: false,
            rate_limit: None,
            proxies: Proxies::default(),
            refused: Arc::default(),
        }
    }

    /// The same for a server that speaks TLS itself: a page that came in the clear is none of its own.
    #[must_use]
    pub fn over_tls(self) -> Self {
        Self { is_tls: true, ..self }
    }

    /// The same where each client may only change something as often as `rate_limit` says, also behind one
    /// of these `proxies`.
    #[must_use]
    pub fn limiting(self, rate_limit: Option<Arc<RateLimit>>, proxies: Proxies) -> Self {
        Self { rate_limit, proxies, ..self }
    }

    /// The client on whose behalf `peer` sent `headers`: itself, unless it is a proxy that is believed.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.proxies.client(peer, headers)
    }

    /// Lets a request pass that came over a connection from `peer`, or says why not.
    ///
    /// # Errors
    /// A [`Problem`] for a missing or second `Host`, for a host that is not
    /// allowed, for a page of another origin, and for a client that asks too often.
    pub fn check<B>(&self, request: &Request<B>, peer: IpAddr) -> Result<(), Problem> {
        self.check_names(request.uri(), request.headers())?;
        match &self.rate_limit {
            // Reading is cheap, and is what pages do by themselves.
            Some(rate_limit) if !request.method().is_safe() => {
                self.check_rate(rate_limit, peer, request.headers())
            }
            _ => Ok(()),
        }
    }

    fn check_rate(
        &self,
        rate_limit: &RateLimit,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        let client = self.client(peer, headers);
        let Err(wait) = rate_limit.count(client) else { return Ok(()) };
        let is_proxy =
            headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
        let hint = if is_proxy && !self.proxies.trusts(peer) {
            format!("; if that is a proxy, the operator can name it with `--trust-proxy {peer}`")
        } else {
            String::new()
        };
        let detail =
            format!("more than {} a second came from {client}{hint}", rate_limit.per_second());
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(Problem::new(Code::TooManyRequests, detail).retry_after(seconds.max(1)))
    }

    fn check_names(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(one_host());
        };
        let target = uri.authority().map(axum::http::uri::Authority::as_str);
        if !self.allows(host) || target.is_some_and(|target| !self.allows_name(target)) {
            let host = String::from_utf8_lossy(target.map_or(host.as_bytes(), str::as_bytes));
            let hint = self.way_out(without_port(&host));
            let detail = format!("this server does not answer to the host `{host}`{hint}");
            return Err(Problem::new(Code::WrongHost, detail));
        }
        match headers.get(header::ORIGIN) {
            Some(origin) => self.check_origin(origin, host),
            None => Ok(()),
        }
    }

    /// Lets a probe pass, which calls the server by whatever name it is reached under.
    ///
    /// # Errors
    /// A [`Problem`] for a request of HTTP/1.1 without exactly one `Host` (RFC 9112, section 3.2).
    pub fn check_probe(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
        let hosts = headers.get_all(header::HOST).iter().count();
        if hosts == 1 || (hosts == 0 && version == Version::HTTP_10) {
            Ok(())
        } else {
            Err(one_host())
        }
    }

    /// Whether `host` is a name of this server, with any port: behind a proxy, the port is the proxy's.
    fn allows(&self, host: &HeaderValue) -> bool {
        let is_allowed = |host| self.allows_name(host);
        *host == self.address || str::from_utf8(host.as_bytes()).is_ok_and(is_allowed)
    }

    fn allows_name(&self, host: &str) -> bool {
        is_among(self.own.iter().map(String::as_str).chain(self.allowed()), without_port(host))
    }

    fn allowed(&self) -> impl Iterator<Item = &str> + Clone {
        self.allowed.iter().map(HostName::as_str)
    }

    /// Tells the operator of `name`, which is none of this server, and gives how it is allowed; nothing where no flag
    /// can allow that.
    fn way_out(&self, name: &str) -> String {
        let Ok(name) = HostName::parse(name) else { return String::new() };
        self.refused.tell(&name);
        format!("; the operator can allow it with `--allow-host {}`", name.as_str())
    }

    /// Lets a page pass that is of this server as the client called it, or of a name that was allowed,
    /// at the port that its scheme implies: another port is another program.
    fn check_origin(&self, origin: &HeaderValue, host: &HeaderValue) -> Result<(), Problem> {
        let text = String::from_utf8_lossy(origin.as_bytes());
        let (scheme, authority) = text.split_once("://").unwrap_or_default();
        let implied = match scheme {
            "http" if !self.is_tls => ":80",
            "https" => ":443",
            _ => return Err(foreign(&text, "")),
        };
        let name = authority.strip_suffix(implied).unwrap_or(authority);
        let is_own = host.to_str().is_ok_and(|host| host.eq_ignore_ascii_case(authority));
        if is_own || is_among(self.allowed(), name) {
            return Ok(());
        }
        let bare = without_port(authority);
        if is_among(self.allowed(), bare) {
            let hint = "; its port is another one: a proxy in front has to pass the host on as it came \
                        (nginx: `proxy_set_header Host $http_host`)";
            return Err(foreign(&text, hint));
        }
        let hint = self.way_out(bare);
        Err(foreign(&text, if authority == bare { &hint } else { "" }))
    }
}

/// Whether `name` is one of `names`, however it is spelled: in capitals, with the dot of the root at its end.
fn is_among<'a>(mut names: impl Iterator<Item = &'a str> + Clone, name: &str) -> bool {
    names.clone().any(|one| one.eq_ignore_ascii_case(name))
        || HostName::parse(name).is_ok_and(|name| names.any(|one| one == name.as_str()))
}

fn one_host() -> Problem {
    Problem::new(Code::InvalidRequest, "expected exactly one `Host` header")
}

fn foreign(origin: &str, hint: &str) -> Problem {
    let detail = format!("a page of `{origin}` may not call this server{hint}");
    Problem::new(Code::ForeignOrigin, detail)
}

/// How a client writes the host of an address.
pub fn host_of(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let own = SocketAddr::from(([192, 0, 2, 1], 8080));
        Guard::new(own, &[HostName::parse("tickets.example").unwrap()])
    }

    #[track_caller]
    fn check(headers: &[(header::HeaderName, &str)]) -> Option<Code> {
        check_by(&guard(), headers)
    }

    #[track_caller]
    fn check_by(guard: &Guard, headers: &[(header::HeaderName, &str)]) -> Option<Code> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        guard.check_names(&Uri::from_static("/buy"), &map).err().map(|problem| problem.code())
    }

    #[test]
    fn allowed_hosts_pass_with_and_without_a_port() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8080",
            "[::1]:1",
            "192.0.2.1:8080",
            "192.0.2.1",
            "tickets.example",
            "Tickets.Example.:443",
            "[0:0::1]",
        ] {
            assert_eq!(check(&[(header::HOST, host)]), None, "{host}");
        }
    }

    #[test]
    fn a_missing_second_or_foreign_host_is_refused() {
        assert_eq!(check(&[]), Some(Code::InvalidRequest));
        let two = [(header::HOST, "localhost"), (header::HOST, "localhost")];
        assert_eq!(check(&two), Some(Code::InvalidRequest));
        for host in ["evil.example", "localhost.evil.example", "", ":80", "127.0.0.1.evil:80"] {
            assert_eq!(check(&[(header::HOST, host)]), Some(Code::WrongHost), "{host}");
        }
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let from = |origin| check(&[(header::HOST, "localhost:1"), (header::ORIGIN, origin)]);
        assert_eq!(from("http://localhost:1"), None);
        assert_eq!(from("https://tickets.example"), None);
        let others =
            ["http://evil.example", "null", "http://localhost.evil.example", "http://localhost:2"];
        for origin in others {
            assert_eq!(from(origin), Some(Code::ForeignOrigin), "{origin}");
        }
    }

    #[test]
    fn over_tls_a_page_that_came_in_the_clear_is_refused() {
        let guard = guard().over_tls();
        let from = |origin| {
            check_by(&guard, &[(header::HOST, "tickets.example"), (header::ORIGIN, origin)])
        };
        assert_eq!(from("https://tickets.example"), None);
        assert_eq!(from("https://tickets.example:443"), None);
        assert_eq!(from("http://tickets.example"), Some(Code::ForeignOrigin));
        assert_eq!(from("http://tickets.example:443"), Some(Code::ForeignOrigin));
    }
}
