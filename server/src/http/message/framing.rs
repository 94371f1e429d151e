//! Where a request ends: by its length, or by its chunks, and by nothing else (RFC 9112, section 6).
//!
//! Whoever stands between may have read it in the other way, and would take the rest of this request for
//! the next one. hyper goes by the chunks where there is a length, too, and forgets the length: so behind
//! chunks nothing is read from a connection, whether there was one or not.

use axum::http::{HeaderMap, Request, Version, header};

use crate::http::message::problem::{Code, Problem};

/// Whether a request with these `headers` is the last of its connection: it comes in chunks.
pub fn is_last(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
}

/// Whether a client may send more behind `request`, as far as that says.
pub fn asks_for_more<B>(request: &Request<B>) -> bool {
    let mut wishes = request.headers().get_all(header::CONNECTION).iter();
    let is_close = |wish: &[u8]| wish.trim_ascii().eq_ignore_ascii_case(b"close");
    request.version() >= Version::HTTP_11
        && !wishes.any(|wishes| wishes.as_bytes().split(|byte| *byte == b',').any(is_close))
}

/// Lets a request pass whose end is where everybody sees it.
///
/// # Errors
/// A [`Problem`] for another coding than `chunked`.
pub fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_fine = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    let detail = "expected no other `Transfer-Encoding` than `chunked`";
    if is_fine { Ok(()) } else { Err(Problem::new(Code::InvalidRequest, detail)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_coding_but_chunked_is_taken() {
        let is_fine = |fields: &[(header::HeaderName, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(name, value.parse().unwrap());
            }
            check(&headers).is_ok()
        };
        let coding = header::TRANSFER_ENCODING;
        assert!(is_fine(&[]) && is_fine(&[(header::CONTENT_LENGTH, "2")]));
        assert!(is_fine(&[(coding.clone(), "Chunked")]));
        assert!(!is_fine(&[(coding.clone(), "gzip, chunked")]));
        assert!(!is_fine(&[(coding.clone(), "gzip"), (coding, "chunked")]));
    }
}
