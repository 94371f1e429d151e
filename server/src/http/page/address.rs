//! Where a browser sees a ticket: the address in its QR code.
//!
//! A server behind a proxy cannot know. A stock proxy passes on neither the name nor the path under which
//! it was called, so the page says itself where it is, in the header [`PAGE_ADDRESS`], as soon as its script
//! runs. Until then, and without a script, it is what the headers of the proxy say.

use axum::http::{HeaderMap, header};
use url::Url;

use crate::http::message::headers::PAGE_ADDRESS;

/// The longest address, in bytes: the code of a longer one is too fine for a phone.
const ADDRESS_BYTES_MAX: usize = 300;

/// The address of the ticket of `receipt`, as far as it can be told; `is_tls` says how the server itself
/// was asked.
pub fn of_ticket(headers: &HeaderMap, receipt: &str, is_tls: bool) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let told = text(PAGE_ADDRESS.as_str()).filter(|told| is_of(told, receipt));
    told.map_or_else(|| guess(text, receipt, is_tls), str::to_owned)
}

/// Whether `address` is one under which a browser can see the ticket of `receipt`.
fn is_of(address: &str, receipt: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_ticket = url.path().ends_with(&format!("/receipts/{receipt}"));
    let is_bare = url.query().is_none() && url.fragment().is_none();
    address.len() <= ADDRESS_BYTES_MAX && is_plain && is_web && is_ticket && is_bare
}

/// What proxies that say something say: scheme, host and prefix.
fn guess<'a>(text: impl Fn(&str) -> Option<&'a str>, receipt: &str, is_tls: bool) -> String {
    let is_plain = |text: &&str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]/".contains(&byte))
    };
    let scheme = text("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https"));
    let host = text("x-forwarded-host").filter(is_plain).or_else(|| text(header::HOST.as_str()));
    let prefix = text("x-forwarded-prefix").filter(is_plain).unwrap_or_default();
    let prefix = prefix.trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    let (scheme, host) =
        (scheme.unwrap_or(if is_tls { "https" } else { "http" }), host.unwrap_or("localhost"));
    format!("{scheme}://{host}{slash}{prefix}/receipts/{receipt}")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn seen(headers: &[(&'static str, &str)]) -> String {
        let pairs = headers
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        of_ticket(&pairs.collect(), "abc", false)
    }

    #[test]
    fn without_a_proxy_it_is_the_host_that_was_asked() {
        assert_eq!(seen(&[("host", "localhost:8080")]), "http://localhost:8080/receipts/abc");
        let over_tls = of_ticket(&HeaderMap::new(), "abc", true);
        assert_eq!(over_tls, "https://localhost/receipts/abc");
    }

    #[test]
    fn proxy_says_scheme_host_and_prefix() {
        let headers = [
            ("host", "127.0.0.1:8080"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-prefix", "/tickets/"),
        ];
        assert_eq!(seen(&headers), "https://shop.example/tickets/receipts/abc");
        let wrong = [("host", "h"), ("x-forwarded-proto", "js"), ("x-forwarded-prefix", "/\"<")];
        assert_eq!(seen(&wrong), "http://h/receipts/abc");
    }

    #[test]
    fn page_knows_better_than_any_proxy() {
        let told = "https://shop.example/a/b/receipts/abc";
        assert_eq!(seen(&[("host", "h"), ("page-address", told)]), told);
    }

    #[test]
    fn address_of_anything_else_is_not_taken() {
        for told in [
            "https://shop.example/receipts/other",
            "https://shop.example/abc",
            "https://user@shop.example/receipts/abc",
            "https://shop.example/receipts/abc?x=1",
            "https://shop.example/receipts/abc#x",
            "javascript:/receipts/abc",
            "/receipts/abc",
            &format!("https://{}.example/receipts/abc", "x".repeat(300)),
        ] {
            assert_eq!(seen(&[("host", "h"), ("page-address", told)]), "http://h/receipts/abc");
        }
    }
}
