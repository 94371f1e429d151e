//! The name of one request, by which the lines of a proxy's log and of ours are found together.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::http::{HeaderMap, HeaderValue};

use crate::http::message::headers::REQUEST_ID;

/// The longest name that is taken over, in bytes.
const LENGTH_MAX: usize = 128;

/// Names requests that come without a name of their own.
#[derive(Debug)]
pub struct RequestIds {
    seed: u64,
    given: AtomicU64,
}

impl RequestIds {
    /// Names that begin with `seed`, which nobody else has.
    pub fn new(seed: u64) -> Self {
        Self { seed, given: AtomicU64::new(0) }
    }

    /// The name that a proxy gave in `headers`, or a new one where there is none or it is odd.
    pub fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(REQUEST_ID).filter(|given| is_sane(given.as_bytes()));
        given.cloned().unwrap_or_else(|| self.another())
    }

    fn another(&self) -> HeaderValue {
        let name = format!("{:016x}-{}", self.seed, self.given.fetch_add(1, Relaxed));
        HeaderValue::try_from(name).expect("digits are a header value")
    }
}

/// Whether `name` can stand in a log as it is.
fn is_sane(name: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(byte);
    (1..=LENGTH_MAX).contains(&name.len()) && name.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(given: &str) -> HeaderValue {
        let value = HeaderValue::from_bytes(given.as_bytes()).unwrap();
        RequestIds::new(7).of(&HeaderMap::from_iter([(REQUEST_ID, value)]))
    }

    #[test]
    fn a_sane_name_is_taken_over() {
        for given in ["a", "4f1c0e7c-9c5b-4d55-8b0e-1f2a3b4c5d6e", "Root=1-67891233:abc/+=@_."] {
            assert_eq!(name_of(given), given);
        }
    }

    #[test]
    fn an_odd_name_is_replaced() {
        for given in ["", "a b", "a\"b", "name=\u{e9}", &"a".repeat(LENGTH_MAX + 1)] {
            assert_eq!(name_of(given), "0000000000000007-0", "{given}");
        }
    }

    #[test]
    fn no_name_is_given_twice() {
        let ids = RequestIds::new(7);
        let none = HeaderMap::new();
        assert_ne!(ids.of(&none), ids.of(&none));
    }
}
