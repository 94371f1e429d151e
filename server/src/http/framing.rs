//! Where a request ends: by its length, or by its chunks, and by nothing else (RFC 9112, section 6).
//!
//! Whoever stands between may have read it in the other way, and would take the rest of this request for
//! the next one.

use axum::http::{HeaderMap, header};

use crate::http::problem::{Code, Problem};

/// Lets a request pass whose end is where everybody sees it.
///
/// # Errors
/// A [`Problem`] for a length beside a transfer coding, and for another coding than `chunked`; the
/// connection must end with it.
pub fn check(headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(());
    }
    let invalid = |detail: &str| Err(Problem::new(Code::InvalidRequest, detail));
    if headers.contains_key(header::CONTENT_LENGTH) {
        return invalid("the request has both `Content-Length` and `Transfer-Encoding`");
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked =
        codings.next().is_some_and(|one| one.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !is_chunked || codings.next().is_some() {
        return invalid("expected no other `Transfer-Encoding` than `chunked`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_end() {
        let is_fine = |fields: &[(header::HeaderName, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(name, value.parse().unwrap());
            }
            check(&headers).is_ok()
        };
        let (length, coding) = (header::CONTENT_LENGTH, header::TRANSFER_ENCODING);
        assert!(is_fine(&[]) && is_fine(&[(length.clone(), "2")]));
        assert!(is_fine(&[(coding.clone(), "Chunked")]));
        assert!(!is_fine(&[(coding.clone(), "chunked"), (length, "2")]));
        assert!(!is_fine(&[(coding.clone(), "gzip, chunked")]));
        assert!(!is_fine(&[(coding.clone(), "gzip"), (coding, "chunked")]));
    }
}
