//! Whose word is taken for a client's address.
//!
//! `X-Forwarded-For` and `Forwarded` (RFC 7239) say who asked a proxy, and anybody can send them: they
//! count as far as the proxies go that the operator trusts, from the last one on.

use std::{iter, net::IpAddr, str::FromStr as _, sync::Arc};

use axum::http::{HeaderMap, HeaderValue, header};
use ipnet::IpNet;

use crate::http::message::headers::X_FORWARDED_FOR;

/// The networks of trusted proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// Those in `networks`.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether the word of `address` is taken.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who sent a request with `headers` that came over a connection from `peer`: the last address that
    /// no trusted proxy has.
    ///
    /// Where both headers are there and name different clients, one of them was not written by the
    /// proxy, and nobody knows which: then it is the proxy itself that asks.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let by_custom = headers.get_all(X_FORWARDED_FOR);
        let by_standard = headers.get_all(header::FORWARDED);
        let custom = self.last_untrusted(peer, by_custom.iter().rev().flat_map(listed));
        let standard = self.last_untrusted(peer, by_standard.iter().rev().flat_map(elements));
        match (headers.contains_key(X_FORWARDED_FOR), headers.contains_key(header::FORWARDED)) {
            (true, true) if custom == standard => custom,
            (true, false) => custom,
            (false, true) => standard,
            _ => peer,
        }
    }

    /// Follows `nodes`, the last one first, for as long as they are trusted and known.
    fn last_untrusted(&self, peer: IpAddr, nodes: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for node in nodes {
            // Who hides its address, or writes nonsense, is as who told so.
            let Some(address) = node else { return client };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

/// The addresses of an `X-Forwarded-For`, the last one first.
fn listed(value: &HeaderValue) -> impl Iterator<Item = Option<IpAddr>> {
    value.to_str().unwrap_or_default().rsplit(',').map(node)
}

/// The addresses of a `Forwarded`, the last one first.
fn elements(value: &HeaderValue) -> impl Iterator<Item = Option<IpAddr>> {
    let text = value.to_str().unwrap_or_default();
    // IMPORTANT: a quote that a client left open has taken in what the proxy wrote behind it.
    let is_open = !text.matches('"').count().is_multiple_of(2);
    let mut elements: Vec<_> = unquoted(if is_open { "" } else { text }, ',').collect();
    elements.reverse();
    elements.into_iter().map(|element| {
        let mut pairs = unquoted(element, ';').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        node(value.trim().trim_matches('"'))
    })
}

/// `text` cut at each `mark` that stands outside quotes.
fn unquoted(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let mut is_quoted = false;
        let end = text.find(|letter| {
            is_quoted ^= letter == '"';
            letter == mark && !is_quoted
        });
        rest = end.map(|end| &text[end + mark.len_utf8()..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// The address of a node, which may have a port, and brackets where it is of IPv6.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let bare = match bare {
        Some((address, port)) if port.is_empty() || port.starts_with(':') => address,
        _ => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => address,
            _ => text,
        },
    };
    IpAddr::from_str(bare).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"];
        let proxies = Proxies::new(&networks.map(|network| network.parse().unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_client() {
        let by = |value| client("127.0.0.1", &[("x-forwarded-for", value)]);
        assert_eq!(by("203.0.113.9"), "203.0.113.9");
        assert_eq!(by("198.51.100.1, 203.0.113.9"), "203.0.113.9", "the first is hearsay");
        assert_eq!(by("198.51.100.1, 203.0.113.9, 10.1.2.3"), "203.0.113.9");
        assert_eq!(by("203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(by("2001:db8::1"), "2001:db8::1");
        assert_eq!(by("[2001:db8::1]:4711"), "2001:db8::1");
        assert_eq!(by("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(by("10.1.2.3, 10.1.2.4"), "10.1.2.3", "all are trusted");
        let twice = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("::ffff:127.0.0.1", &twice), "203.0.113.9");
    }

    #[test]
    fn nobody_else_is_believed() {
        for value in ["203.0.113.9", "127.0.0.1"] {
            assert_eq!(client("192.0.2.1", &[("x-forwarded-for", value)]), "192.0.2.1");
            assert_eq!(client("192.0.2.1", &[("forwarded", &format!("for={value}"))]), "192.0.2.1");
        }
        assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        for value in
            ["", "unknown", "203.0.113.9, unknown", "203.0.113.9,", "1.2.3", "[::1", "\"\""]
        {
            assert_eq!(client("10.0.0.1", &[("x-forwarded-for", value)]), "10.0.0.1", "{value}");
        }
        assert_eq!(client("127.0.0.1", &[("x-forwarded-for", "x, 10.0.0.1")]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        let by = |value| client("127.0.0.1", &[("forwarded", value)]);
        assert_eq!(by("for=203.0.113.9"), "203.0.113.9");
        assert_eq!(
            by("for=198.51.100.1, For=\"203.0.113.9:80\";proto=https;by=10.0.0.1"),
            "203.0.113.9"
        );
        assert_eq!(by("proto=http;for=\"[2001:db8::1]:4711\", for=10.0.0.1"), "2001:db8::1");
        assert_eq!(by("for=203.0.113.9;host=\"a,for=1.2.3.4\""), "203.0.113.9");
        assert_eq!(by("for=1.2.3.4;x=\"\\\", for=203.0.113.9"), "203.0.113.9");
        for value in [
            "for=_hidden",
            "for=unknown",
            "proto=https",
            "for",
            "\"",
            "for=\"1.2.3.4",
            "for=1.2.3.4;x=\", for=203.0.113.9",
            "for=1.2.3.4;x=\", for=\"[2001:db8::1]:80\"",
        ] {
            assert_eq!(by(value), "127.0.0.1", "{value}");
        }
    }

    #[test]
    fn two_headers_that_contradict_each_other_are_both_left_alone() {
        let both = |standard| {
            client("10.0.0.1", &[("x-forwarded-for", "203.0.113.9"), ("forwarded", standard)])
        };
        assert_eq!(both("for=203.0.113.9"), "203.0.113.9");
        assert_eq!(both("for=198.51.100.1"), "10.0.0.1");
    }
}
