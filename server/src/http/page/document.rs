//! What every page is made of beside its own markup, and how it is answered.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

/// The heading where the operator gave none.
pub const EVENT: &str = "Tickets";

/// The style and the script of a page, which stand in it.
pub struct Assets {
    /// The style.
    pub style: &'static str,
    /// The script; empty: none.
    pub script: &'static str,
    /// The value of `Content-Security-Policy`.
    policy: String,
}

impl Assets {
    /// These, with the policy that lets nothing else run.
    ///
    /// Script and style are named by their SHA-256, as CSP Level 3 has it (<https://www.w3.org/TR/CSP3/>,
    /// section 2.3.1).
    pub fn new(style: &'static str, script: &'static str) -> Self {
        let policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; \
             img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
            hash_source(script),
            hash_source(style),
        );
        Self { style, script, policy }
    }

    /// Answers with `page`, which has these assets in it.
    pub fn answer(&self, status: StatusCode, page: &impl Template) -> Response<Body> {
        let text = page.render().expect("a template writes to a string, which takes everything");
        let mut answer = Response::new(Body::from(text));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Nobody else learns a receipt; the page's own form says where it comes from, which it would not
        // under `no-referrer` (Fetch, "append a request `Origin` header").
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        let policy = HeaderValue::try_from(&self.policy);
        let policy = policy.expect("hashes in base64 are ASCII");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        answer
    }
}

fn hash_source(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_the_one_that_openssl_gives() {
        let hash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(hash_source("abc"), hash);
    }
}
