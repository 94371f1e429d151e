//! Where a shop is: the URL that a user gives.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
};

use tokio::net::lookup_host;
use url::{Host, Url};

/// Why a URL leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocationError {
    /// It is none, or one of something else than a shop.
    #[error("`{url}` is no URL of a shop: {what}\nhint: it looks like `http://127.0.0.1:8080`")]
    NoUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// The name has no address.
    #[error("cannot resolve the host `{host}`: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// The name resolves to nothing.
    #[error("the host `{0}` has no address")]
    NoAddress(String),
}

/// Host, port and the path that all calls begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    is_encrypted: bool,
    host: Host,
    port: u16,
    base: String,
}

impl Location {
    /// Reads `http://host[:port][/path]` as browsers do, or the same with `https` or with neither.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn parse(typed: &str) -> Result<Self, LocationError> {
        let no_url =
            |what: &str| LocationError::NoUrl { url: typed.to_owned(), what: what.to_owned() };
        if typed.contains("${") {
            return Err(no_url("`${…}` stands in maps only"));
        }
        if !typed.contains("://") && typed.ends_with(".toml") {
            return Err(no_url(
                "it is a map, which goes behind `--map`, and the shop's URL goes here",
            ));
        }
        let whole = if typed.contains("://") { typed } else { &format!("http://{typed}") };
        let url = Url::parse(whole).map_err(|error| no_url(&error.to_string()))?;
        let is_encrypted = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(no_url("it begins with `http://` or `https://`")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(no_url("it has a user; send who asks with `-H 'Authorization: …'`"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(no_url("it has a query or a fragment, and all paths begin with it"));
        }
        let host = url.host().ok_or_else(|| no_url("it has no host"))?.to_owned();
        let port = url.port_or_known_default().filter(|port| *port > 0);
        let port = port.ok_or_else(|| no_url("its port is none: 1 to 65535"))?;
        let base = url.path().trim_end_matches('/').to_owned();
        Ok(Self { is_encrypted, host, port, base })
    }

    /// The addresses of the host.
    ///
    /// # Errors
    /// It has none.
    pub(crate) async fn resolve(&self) -> Result<Vec<SocketAddr>, LocationError> {
        let name = match &self.host {
            Host::Ipv4(ip) => return Ok(vec![(IpAddr::V4(*ip), self.port).into()]),
            Host::Ipv6(ip) => return Ok(vec![(IpAddr::V6(*ip), self.port).into()]),
            Host::Domain(name) => name,
        };
        let found = lookup_host((name.as_str(), self.port))
            .await
            .map_err(|source| LocationError::Resolve { host: name.clone(), source })?;
        let addresses: Vec<SocketAddr> = found.collect();
        if addresses.is_empty() {
            return Err(LocationError::NoAddress(name.clone()));
        }
        Ok(addresses)
    }

    /// The name that the shop's certificate must have, where it is spoken to over TLS.
    pub(super) fn encrypted_host(&self) -> Option<String> {
        self.is_encrypted.then(|| match &self.host {
            Host::Ipv6(ip) => ip.to_string(),
            host => host.to_string(),
        })
    }

    /// Scheme, host and port.
    pub(crate) fn url(&self) -> String {
        format!("{}://{self}", if self.is_encrypted { "https" } else { "http" })
    }

    /// The path that all calls begin with; empty where that is the root.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

/// Host and port as the header field `Host` has them.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_paths_are_told_apart() {
        for (url, authority, base) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", ""),
            ("127.0.0.1:8080", "127.0.0.1:8080", ""),
            ("localhost/shop", "localhost:80", "/shop"),
            ("HTTP://localhost/", "localhost:80", ""),
            ("http://shop.test:1/a/b/", "shop.test:1", "/a/b"),
            ("http://[::1]:8080/x", "[::1]:8080", "/x"),
            ("http://[::1]", "[::1]:80", ""),
            ("https://shop.test", "shop.test:443", ""),
            ("HTTPS://[::1]:8443/x", "[::1]:8443", "/x"),
            ("http://x/a%20b/$c;v=1,2(~)", "x:80", "/a%20b/$c;v=1,2(~)"),
            ("http://x/a b", "x:80", "/a%20b"),
            ("http://Käse.test/ü", "xn--kse-qla.test:80", "/%C3%BC"),
        ] {
            let location = Location::parse(url).unwrap();
            assert_eq!((location.to_string().as_str(), location.base()), (authority, base));
            let is_encrypted = url.to_ascii_lowercase().starts_with("https:");
            assert_eq!(location.encrypted_host().is_some(), is_encrypted);
        }
    }

    #[test]
    fn what_is_no_url_is_refused_by_name() {
        for url in [
            "",
            "ftp://x",
            "https://",
            "https:x",
            "http:///",
            "http://",
            "http://:80",
            "http://x:0",
            "http://x:65536",
            "http://x:port",
            "http://[::1",
            "http://[::1]80",
            "http://a b",
            "http://x/${key}",
            "http://u@x",
            "http://x/?q=1",
            "shop.toml",
        ] {
            let error = Location::parse(url).expect_err(url).to_string();
            assert!(error.contains(&format!("`{url}`")) && error.contains("hint:"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_named() {
        let location = Location::parse("http://no-such-host.invalid").unwrap();
        let error = location.resolve().await.unwrap_err().to_string();
        assert!(error.contains("`no-such-host.invalid`"), "{error}");
    }
}
