//! The cookies of one client.

use std::fmt;

use cookie_store::{CookieError, CookieStore};
use url::Url;

/// The cookies of one client, as a browser keeps them (RFC 6265).
#[derive(Default)]
pub(super) struct Cookies(CookieStore);

/// A cookie that no browser would keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForeignCookie {
    /// What it is called.
    pub(super) name: String,
    /// Where it is to be sent.
    pub(super) domain: String,
}

impl Cookies {
    /// Keeps what an answer from `url` sets.
    ///
    /// # Errors
    /// It is for another host.
    pub(super) fn keep(&mut self, url: &Url, set_cookie: &str) -> Result<(), ForeignCookie> {
        // One that has expired, or is none, changes nothing else.
        if self.0.parse(set_cookie, url) != Err(CookieError::DomainMismatch) {
            return Ok(());
        }
        let mut parts =
            set_cookie.split(';').map(|part| part.split_once('=').unwrap_or((part, "")));
        let name = parts.next().map_or("", |(name, _)| name).trim().to_owned();
        let domain = parts.find(|(attribute, _)| attribute.trim().eq_ignore_ascii_case("domain"));
        let domain = domain.map_or("", |(_, value)| value).trim().to_owned();
        Err(ForeignCookie { name, domain })
    }

    /// What a request to `url` has of them; empty where that is nothing.
    pub(super) fn field(&self, url: &Url) -> String {
        let pairs = self.0.get_request_values(url).map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The value of the cookie `name` that a request to `url` has.
    pub(super) fn value(&self, url: &Url, name: &str) -> Option<String> {
        let mut values = self.0.get_request_values(url);
        values.find_map(|(other, value)| (other == name).then(|| value.to_owned()))
    }
}

/// Without values: those are secrets.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_back_to_whoever_set_it_and_to_nobody_else() {
        let url = |text: &str| Url::parse(text).unwrap();
        let shop = url("http://shop.test:8080/cart/add");
        let mut cookies = Cookies::default();
        for set in ["session=a; HttpOnly; Path=/", "cart=7; Path=/cart", "gone=1; Max-Age=0", "="] {
            assert_eq!(cookies.keep(&shop, set), Ok(()), "{set}");
        }
        assert_eq!(cookies.value(&shop, "cart").as_deref(), Some("7"));
        assert_eq!(cookies.field(&url("http://shop.test:8080/login")), "session=a");
        assert_eq!(cookies.field(&url("http://other.test/cart/add")), "");
        cookies.keep(&shop, "session=; Max-Age=0; Path=/").unwrap();
        assert_eq!(cookies.field(&shop), "cart=7");
        let foreign = cookies.keep(&shop, "session=x; Domain=.pay.test; Path=/").unwrap_err();
        assert_eq!((foreign.name.as_str(), foreign.domain.as_str()), ("session", ".pay.test"));
        assert_eq!(cookies.field(&shop), "cart=7");
        assert!(!format!("{cookies:?}").contains('7'));
    }
}
