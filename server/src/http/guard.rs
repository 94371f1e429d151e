//! Who may talk to the server: the checks in front of every route.
//!
//! A browser can be made to send requests here by any page that its user
//! visits. The host check defeats DNS rebinding, the origin check a form that
//! posts across sites. Clients that are no browsers send no `Origin` and pass.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::http::problem::{Code, Problem};

/// Names that always mean this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The host names under which the server may be called.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The host as nearly all clients write it.
    address: String,
    names: Vec<String>,
    /// How many of `names`, from the front, mean this machine whatever program serves there.
    own: usize,
}

impl Guard {
    /// A guard that lets the loopback names pass, the address `own`, and the names in `allowed`.
    pub fn new(own: SocketAddr, allowed: &[String]) -> Self {
        let own_names = LOOPBACK.map(str::to_owned).into_iter().chain([host_of(own)]);
        let names = own_names.chain(allowed.iter().cloned());
        Self { address: own.to_string(), names: names.collect(), own: LOOPBACK.len() + 1 }
    }

    /// Lets a request pass, or says why not.
    ///
    /// # Errors
    /// A [`Problem`] for a missing or second `Host`, for a host that is not
    /// allowed, and for a page of another origin.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            let detail = "expected exactly one `Host` header";
            return Err(Problem::new(Code::InvalidRequest, detail));
        };
        let target = uri.authority().map(axum::http::uri::Authority::as_str);
        if !self.allows(host) || target.is_some_and(|target| !self.allows_name(target)) {
            let host = String::from_utf8_lossy(target.map_or(host.as_bytes(), str::as_bytes));
            let detail = format!("this server does not answer to the host `{host}`");
            return Err(Problem::new(Code::WrongHost, detail));
        }
        match headers.get(header::ORIGIN) {
            Some(origin) if !self.allows_origin(origin, host) => {
                let origin = String::from_utf8_lossy(origin.as_bytes());
                let detail = format!("a page of `{origin}` may not call this server");
                Err(Problem::new(Code::ForeignOrigin, detail))
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, host: &HeaderValue) -> bool {
        *host == self.address || host.to_str().is_ok_and(|host| self.allows_name(host))
    }

    /// Whether `origin` is this server as the client called it, or a name that was allowed.
    ///
    /// Another port of this machine is another program.
    fn allows_origin(&self, origin: &HeaderValue, host: &HeaderValue) -> bool {
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let Some((_, authority)) = authority else { return false };
        let host = host.to_str().unwrap_or_default();
        let allowed = &self.names[self.own..];
        authority.eq_ignore_ascii_case(host) || is_one_of(allowed, authority)
    }

    fn allows_name(&self, host: &str) -> bool {
        is_one_of(&self.names, host)
    }
}

/// How a client writes the host of an address.
pub fn host_of(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// Whether `host`, with or without a port, is one of `names`.
fn is_one_of(names: &[String], host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(header::HeaderName, &str)]) -> Option<Code> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        let own = SocketAddr::from(([192, 0, 2, 1], 8080));
        let guard = Guard::new(own, &["tickets.example".to_owned()]);
        guard.check(&Uri::from_static("/buy"), &map).err().map(|problem| problem.code())
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
}
