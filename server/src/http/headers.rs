//! Names of headers that HTTP itself does not have.

use axum::http::HeaderName;

/// The header that makes a retry known as one.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that says that an answer was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The header that tells a proxy such as nginx not to hold an answer back (`X-Accel-Buffering: no`).
pub const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
