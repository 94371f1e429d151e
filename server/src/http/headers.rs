//! Names of headers that HTTP itself does not have.

use axum::http::{HeaderMap, HeaderName, header};

/// How long an idle connection is kept (RFC 9112, appendix C.2.2, as everybody writes it).
pub const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Whether a proxy may keep an answer back to fill its buffers (nginx).
pub const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whom a proxy asks for, as everybody writes it who does not write `Forwarded`.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The header that makes a retry known as one.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that says that an answer was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Whether a client asks by name for `media_type`, such as `text/csv` (RFC 9110, section 12.5.1).
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type));
        is_named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}
