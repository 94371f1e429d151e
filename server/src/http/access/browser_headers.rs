//! What keeps a browser from making more of an answer than it is.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The headers of whatever a browser may show, where the answer does not say otherwise: it is what its
/// type says, runs and loads nothing, stands in no frame, and tells no other site where one came from.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Adds to the `headers` of an answer that a browser may show.
pub fn add(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
}

/// Adds to the `headers` of one of the two calls that are nearly all that is asked: their answers are
/// JSON, which runs nothing.
pub fn add_to_json(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_says_more_keeps_its_word() {
        let mut headers = HeaderMap::new();
        let own = HeaderValue::from_static("default-src 'self'");
        headers.insert(header::CONTENT_SECURITY_POLICY, own.clone());
        add(&mut headers);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], own);
        assert_eq!(headers.len(), HEADERS.len());
    }
}
