//! Which HTTP is spoken.

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shop) enum Version {
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113), without asking in HTTP/1.1 first.
    Http2,
}

impl Version {
    /// Its name where TLS begins (ALPN, RFC 7301).
    pub(super) fn name_in_tls(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}
