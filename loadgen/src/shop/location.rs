//! Where a shop is: the URL that a user gives.

use std::{fmt, io, net::SocketAddr};

use tokio::net::lookup_host;

/// Why a URL leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocationError {
    /// Something else than `http` and `https`.
    #[error("`{0}` is no URL of a shop\nhint: it looks like `http://127.0.0.1:8080`")]
    NoUrl(String),
    /// The host or the port is none.
    #[error("`{url}` has {what}\nhint: it looks like `http://127.0.0.1:8080`")]
    Part {
        /// The URL.
        url: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It has a character that no URL has.
    #[error(
        "`{url}` has the character `{}`, and no URL has\nhint: in a path it is written as `{}`",
        character.escape_debug(),
        encoded(*character)
    )]
    Character {
        /// The URL.
        url: String,
        /// The first such character.
        character: char,
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
    host: String,
    port: u16,
    base: String,
}

impl Location {
    /// Reads `http://host[:port][/path]`, or the same with `https`.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn parse(url: &str) -> Result<Self, LocationError> {
        let part = |what| LocationError::Part { url: url.to_owned(), what };
        let no_url = || LocationError::NoUrl(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
        let is_encrypted = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(no_url()),
        };
        if let Some(character) = url.chars().find(|c| !is_of_url(*c)) {
            return Err(LocationError::Character { url: url.to_owned(), character });
        }
        if rest.contains(['?', '#', '@']) {
            return Err(part("a user, a query or a fragment, and takes none"));
        }
        let (authority, base) = match rest.find('/') {
            Some(at) => (&rest[..at], rest[at..].trim_end_matches('/')),
            None => (rest, ""),
        };
        if base.contains(['[', ']']) {
            return Err(part("a bracket in its path"));
        }
        let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((host, port))) => (host, port),
            Some(None) => return Err(part("a `[` without `]`")),
            None => match authority.split_once(':') {
                Some((host, _)) => (host, &authority[host.len()..]),
                None => (authority, ""),
            },
        };
        if host.is_empty() {
            return Err(part("no host"));
        }
        let port = match port.strip_prefix(':') {
            Some(number) => number.parse().ok().filter(|port| *port > 0),
            None if port.is_empty() => Some(if is_encrypted { 443 } else { 80 }),
            None => None,
        };
        let port = port.ok_or_else(|| part("a port that is none: 1 to 65535"))?;
        Ok(Self { is_encrypted, host: host.to_owned(), port, base: base.to_owned() })
    }

    /// The addresses of the host.
    ///
    /// # Errors
    /// It has none.
    pub(crate) async fn resolve(&self) -> Result<Vec<SocketAddr>, LocationError> {
        let found = lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|source| LocationError::Resolve { host: self.host.clone(), source })?;
        let addresses: Vec<SocketAddr> = found.collect();
        if addresses.is_empty() {
            return Err(LocationError::NoAddress(self.host.clone()));
        }
        Ok(addresses)
    }

    /// The name that the shop's certificate must have, where it is spoken to over TLS.
    pub(super) fn encrypted_host(&self) -> Option<&str> {
        self.is_encrypted.then_some(&self.host)
    }

    /// The path that all calls begin with; empty where that is the root.
    pub(super) fn base(&self) -> &str {
        &self.base
    }
}

/// Whether a URL may have `character` (RFC 3986, 2): unreserved, reserved, or the `%` of an encoded one.
fn is_of_url(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(character)
}

/// `character` as a URL has it that may not have the character itself.
fn encoded(character: char) -> String {
    let mut room = [0; 4];
    character.encode_utf8(&mut room).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Host and port as the header field `Host` has them.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_paths_are_told_apart() {
        for (url, authority, base) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", ""),
            ("HTTP://localhost/", "localhost:80", ""),
            ("http://shop.test:1/a/b/", "shop.test:1", "/a/b"),
            ("http://[::1]:8080/x", "[::1]:8080", "/x"),
            ("http://[::1]", "[::1]:80", ""),
            ("https://shop.test", "shop.test:443", ""),
            ("HTTPS://[::1]:8443/x", "[::1]:8443", "/x"),
            ("http://x/a%20b/$c;v=1,2(~)", "x:80", "/a%20b/$c;v=1,2(~)"),
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
            "127.0.0.1:8080",
            "ftp://x",
            "https://",
            "https:x",
            "http://",
            "http://:80",
            "http://x:0",
            "http://x:65536",
            "http://x:port",
            "http://x:",
            "http://[::1",
            "http://[::1]80",
            "http://a b",
            "http://x/a b",
            "http://x/${key}",
            "http://x/${seat",
            "http://x/a|b",
            "http://x/[1]",
            "http://x/a\tb",
            "http://u@x",
            "http://x/?q=1",
            "http://ü",
        ] {
            let error = Location::parse(url).expect_err(url).to_string();
            assert!(error.contains(&format!("`{url}`")) && error.contains("hint:"), "{error}");
        }
        let error = Location::parse("http://x/${key}").unwrap_err().to_string();
        assert!(error.contains("`{`") && error.contains("`%7B`"), "{error}");
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_named() {
        let location = Location::parse("http://no-such-host.invalid").unwrap();
        let error = location.resolve().await.unwrap_err().to_string();
        assert!(error.contains("`no-such-host.invalid`"), "{error}");
    }
}
