//! Names of headers that HTTP itself does not have.

use axum::http::HeaderName;

/// How long an idle connection is kept (RFC 9112, appendix C.2.2, as everybody writes it).
pub const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Whether a proxy may keep an answer back to fill its buffers (nginx).
pub const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whom a proxy asks for, as everybody writes it who does not write `Forwarded`.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The name of a request, which a proxy may have given it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that makes a retry known as one.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that says that an answer was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Where a ticket's page is, as its browser sees it: for the QR code.
pub const PAGE_ADDRESS: HeaderName = HeaderName::from_static("page-address");
