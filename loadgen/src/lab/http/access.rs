//! Who may ask the lab at all, and who may drive it.
//!
//! A browser can be made to send requests here by any page that its user visits. The host check
//! defeats DNS rebinding, which needs a name: only `localhost` and plain addresses pass. The origin
//! check and the token keep the pages of others from driving.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, StatusCode, header};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use rustix::rand::{GetRandomFlags, getrandom};

/// Who may do what.
#[derive(Clone, Debug)]
pub(super) struct Access {
    token: String,
    /// Whether everybody who can ask at all may drive: nobody can who is not on this machine.
    is_loopback: bool,
}

impl Access {
    /// The access to a lab that listens on `address`, with a new token.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(super) fn new(address: SocketAddr) -> std::io::Result<Self> {
        let mut bytes = [0; 18];
        getrandom(&mut bytes, GetRandomFlags::empty())?;
        let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Ok(Self { token, is_loopback: address.ip().is_loopback() })
    }

    /// What is printed for whoever started the lab: the path of the page that drives.
    pub(super) fn path(&self) -> String {
        if self.is_loopback { "/".to_owned() } else { format!("/?drive={}", self.token) }
    }

    /// The token for the page that is asked for with this `query`; `None`: it may only watch.
    pub(super) fn page_token(&self, query: Option<&str>) -> Option<&str> {
        (self.is_loopback || self.is_driver(query)).then_some(&*self.token)
    }

    /// Whether a `query` has the token.
    pub(super) fn is_driver(&self, query: Option<&str>) -> bool {
        let pairs = query.unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.strip_prefix("drive=")).any(|token| self.is_token(token))
    }

    /// Whether a request with these `headers` may drive.
    pub(super) fn may_drive(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        token
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|token| self.is_token(token))
    }

    /// In a time that tells nothing of where they differ.
    fn is_token(&self, token: &str) -> bool {
        let differ = |(a, b): (u8, u8)| a ^ b;
        let difference =
            token.bytes().zip(self.token.bytes()).map(differ).fold(0, |all, one| all | one);
        token.len() == self.token.len() && difference == 0
    }
}

/// Lets a request pass that calls the lab by a name that nobody else can claim, and comes from no
/// other page.
///
/// # Errors
/// The status to refuse it with, and why.
pub(super) fn check(headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next())
    else {
        return Err((StatusCode::BAD_REQUEST, "expected exactly one `Host` header\n"));
    };
    if !is_own(host) {
        let why = "the lab answers to `localhost` and to the number of its address, to no name\n";
        return Err((StatusCode::MISDIRECTED_REQUEST, why));
    }
    // A page of another site that shows a picture from here tells no origin, but its browser tells this (Fetch Metadata
    // Request Headers, section 2.3). To follow a link is not to look.
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let is_page = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if !is_page && matches!(site, Some("cross-site" | "same-site")) {
        return Err((StatusCode::FORBIDDEN, "a page of another site may not look at the lab\n"));
    }
    match headers.get(header::ORIGIN).map(|origin| origin.to_str()) {
        None => Ok(()),
        Some(Ok(origin)) if origin.strip_prefix("http://") == Some(host) => Ok(()),
        Some(_) => Err((StatusCode::FORBIDDEN, "a page of another origin may not call the lab\n")),
    }
}

fn is_own(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.eq_ignore_ascii_case("localhost") || matches!(name.parse(), Ok(IpAddr::V4(_))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pairs: &[(header::HeaderName, &str)]) -> Option<StatusCode> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        check(&headers).err().map(|(status, _)| status)
    }

    #[test]
    fn the_loopback_and_addresses_pass_and_names_do_not() {
        for host in ["localhost", "LOCALHOST:8090", "127.0.0.1:8090", "192.0.2.7", "[::1]:8090"] {
            assert_eq!(refused(&[(header::HOST, host)]), None, "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example:8090", "localhost.evil.example", "", "::1"]
        {
            let status = refused(&[(header::HOST, host)]);
            assert_eq!(status, Some(StatusCode::MISDIRECTED_REQUEST), "{host}");
        }
        assert_eq!(refused(&[]), Some(StatusCode::BAD_REQUEST));
        let two = [(header::HOST, "localhost"), (header::HOST, "localhost")];
        assert_eq!(refused(&two), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn pages_of_others_do_not_pass() {
        let host = (header::HOST, "127.0.0.1:8090");
        let from = |origin| refused(&[host.clone(), (header::ORIGIN, origin)]);
        assert_eq!(from("http://127.0.0.1:8090"), None);
        for origin in ["http://127.0.0.1:8091", "https://127.0.0.1:8090", "null", "http://x"] {
            assert_eq!(from(origin), Some(StatusCode::FORBIDDEN), "{origin}");
        }
    }

    #[test]
    fn pages_of_others_do_not_look() {
        let name = |name: &'static str| header::HeaderName::from_static(name);
        let asked = |site, mode| {
            let site = (name("sec-fetch-site"), site);
            refused(&[(header::HOST, "localhost"), site, (name("sec-fetch-mode"), mode)])
        };
        for (site, mode) in
            [("same-origin", "no-cors"), ("none", "navigate"), ("cross-site", "navigate")]
        {
            assert_eq!(asked(site, mode), None, "{site} {mode}");
        }
        for (site, mode) in [("cross-site", "no-cors"), ("same-site", "cors")] {
            assert_eq!(asked(site, mode), Some(StatusCode::FORBIDDEN), "{site} {mode}");
        }
    }

    #[test]
    fn on_the_loopback_everybody_drives_and_elsewhere_who_has_the_token() {
        let address = |text: &str| text.parse().unwrap();
        let own = Access::new(address("127.0.0.1:8090")).unwrap();
        assert_eq!(own.path(), "/");
        assert!(own.page_token(None).is_some());

        let open = Access::new(address("0.0.0.0:8090")).unwrap();
        assert_eq!(open.page_token(None), None);
        assert_eq!(open.page_token(Some("drive=x")), None);
        assert_eq!(open.page_token(Some("drive=")), None);
        let path = open.path();
        let (_, query) = path.split_once('?').unwrap();
        let token = open.page_token(Some(query)).unwrap().to_owned();
        assert_ne!(own.token, token);

        let mut headers = HeaderMap::new();
        assert!(!open.may_drive(&headers));
        headers.insert(header::AUTHORIZATION, "Bearer ".parse().unwrap());
        assert!(!open.may_drive(&headers));
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        assert!(open.may_drive(&headers));
    }
}
