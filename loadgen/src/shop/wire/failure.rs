//! Why a request got no answer.

use std::{io, time::Duration};

use tokio_rustls::rustls::{self, AlertDescription, CertificateError, InvalidMessage};

use super::version::Version;
use crate::duration;

/// What is said of a connection that broke behind an answer.
pub(crate) const HAD_ANSWERED: &str = "and the connection had answered before";

/// Why a request got no answer, or none that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// No way leads there.
    #[error("host unreachable")]
    Unreachable,
    /// No connection within the limit.
    #[error("no connection within {}", duration::format(*.0))]
    ConnectTimeout(Duration),
    /// No connection, for another reason, in the system's own words.
    #[error("no connection: {0}")]
    Connect(String),
    /// The connection broke before the whole request was handed over.
    #[error("connection lost while sending: {0}")]
    Send(io::ErrorKind),
    /// The connection was cut.
    #[error("connection reset")]
    Reset,
    /// The other side closed the connection before its answer was whole.
    #[error("connection closed before the answer was whole")]
    ClosedEarly,
    /// The same of a connection that had answered before, and may have been closed by the time of the request.
    #[error("{0}, {HAD_ANSWERED}")]
    Stale(Box<Self>),
    /// Reading failed, for another reason.
    #[error("the answer cannot be read: {0}")]
    Read(io::ErrorKind),
    /// No answer within the limit.
    #[error("no answer within {}", duration::format(*.0))]
    Timeout(Duration),
    /// The other side speaks TLS, and was not spoken to in it.
    #[error("the answer is TLS, which `https://` asks for")]
    Tls,
    /// The other side speaks no TLS, and was spoken to in it.
    #[error("no TLS there, which `https://` asks for")]
    NoTls,
    /// The other side has a certificate from an authority that nobody has named.
    #[error("its certificate is not trusted: no authority that is known vouches for it")]
    UnknownAuthority,
    /// The other side has a certificate that is not to be trusted, for another reason.
    #[error("its certificate is not trusted: {0}")]
    Untrusted(String),
    /// No connection over TLS, for another reason.
    #[error("no connection over TLS: {0}")]
    Handshake(String),
    /// The other side speaks no HTTP/2, and was to be spoken to in it; how that shows.
    #[error("no HTTP/2 there, which `http2` in the map asks for: {0}")]
    NoHttp2(&'static str),
    /// The other side speaks HTTP/2 alone, and was to be spoken to in HTTP/1.1.
    #[error("no HTTP/1.1 there: its TLS takes other protocols")]
    NoHttp1,
    /// A request that HTTP/2 has no form for.
    #[error("the request cannot be sent over HTTP/2: {0}")]
    Unsendable(String),
    /// The server says that it has not looked at the request (RFC 9113, 8.7); how it says so.
    #[error("the server did not process it: {0}")]
    NotProcessed(&'static str),
    /// The server has broken off the one request; its reason.
    #[error("the server broke it off: {0}")]
    BrokenOff(String),
    /// The connection broke over what TLS says.
    #[error("the connection over TLS broke: {0}")]
    BrokenTls(String),
    /// The answer is no HTTP.
    #[error("the answer is no HTTP/1.1: {0}")]
    Garbage(&'static str),
    /// The answer is no HTTP/2.
    #[error("the answer is no HTTP/2: {0}")]
    BrokenHttp2(String),
    /// The answer is longer than any that is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Failure {
    /// What it means that connecting failed.
    pub(super) fn connecting(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            _ => Self::Connect(error.to_string()),
        }
    }

    /// What it means that a connection over TLS, for this `version` of HTTP, could not be opened.
    pub(super) fn opening(error: &io::Error, version: Version) -> Self {
        match cause(error) {
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Self::NoTls,
            Some(rustls::Error::InvalidCertificate(cause)) => untrusted(cause),
            Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                match version {
                    Version::Http1 => Self::NoHttp1,
                    Version::Http2 => Self::NoHttp2("its TLS takes other protocols"),
                }
            }
            Some(cause) => Self::Handshake(cause.to_string()),
            None => Self::Handshake(error.to_string()),
        }
    }

    /// What it means that reading failed.
    pub(super) fn reading(error: &io::Error) -> Self {
        if let Some(cause) = cause(error) {
            return Self::BrokenTls(cause.to_string());
        }
        match error.kind() {
            io::ErrorKind::ConnectionReset => Self::Reset,
            // TLS tells an end from a cut, and this is a cut.
            io::ErrorKind::UnexpectedEof => Self::ClosedEarly,
            kind => Self::Read(kind),
        }
    }

    /// Whether the server cannot have carried out the request, since it never had the whole of it.
    pub(crate) fn did_not_happen(&self) -> bool {
        if let Self::Stale(failure) = self {
            return failure.did_not_happen();
        }
        matches!(
            self,
            Self::Refused
                | Self::Unreachable
                | Self::ConnectTimeout(_)
                | Self::Connect(_)
                | Self::Send(_)
                | Self::NoTls
                | Self::UnknownAuthority
                | Self::Untrusted(_)
                | Self::Handshake(_)
                | Self::NoHttp2(_)
                | Self::NoHttp1
                | Self::Unsendable(_)
                | Self::NotProcessed(_)
        )
    }

    /// Whether the connection broke.
    pub(in crate::shop) fn is_broken(&self) -> bool {
        matches!(self, Self::Reset | Self::ClosedEarly | Self::Send(_) | Self::Stale(_))
    }

    /// Whether somebody was reached and could not be spoken to: another address would not help.
    pub(super) fn is_of_the_shop(&self) -> bool {
        matches!(
            self,
            Self::NoTls
                | Self::UnknownAuthority
                | Self::Untrusted(_)
                | Self::Handshake(_)
                | Self::NoHttp2(_)
                | Self::NoHttp1
        )
    }

    /// What to do about it, where a run cannot even begin.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoTls => "for a shop without TLS write `http://`",
            Self::UnknownAuthority => {
                "name its authority's file in `SSL_CERT_FILE`, or trust anybody with `-k`"
            }
            Self::Untrusted(_) => "trust anybody with `-k`",
            Self::Handshake(_) => {
                "it must speak TLS 1.2 or 1.3 and HTTP/1.1; for a shop without TLS write `http://`"
            }
            Self::NoHttp2(_) => "for a shop that speaks HTTP/1.1 take `http2` out of its map",
            Self::NoHttp1 => "for a shop that speaks HTTP/2 say `http2 = true` in its map",
            _ => "start the shop first, or see to the address",
        }
    }
}

/// What is wrong with TLS, where that is what `error` is about.
fn cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn untrusted(cause: &CertificateError) -> Failure {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, Other, UnknownIssuer,
    };
    Failure::Untrusted(match cause {
        // There is one of that name, with another key.
        UnknownIssuer | BadSignature => return Failure::UnknownAuthority,
        Expired | ExpiredContext { .. } => "it has expired".to_owned(),
        NotValidYet | NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        NotValidForName | NotValidForNameContext { .. } => "it is for another name".to_owned(),
        // As `openssl req -x509` makes them.
        Other(cause) if cause.to_string() == "CaUsedAsEndEntity" => {
            "it is an authority's own, and no server's".to_owned()
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_without_a_name_of_ours_is_told_in_the_words_of_the_system() {
        let error = io::Error::from(rustix::io::Errno::MFILE);
        let failure = Failure::connecting(&error);
        assert!(failure.to_string().contains("Too many open files"), "{failure}");
        assert!(failure.did_not_happen());
    }

    #[test]
    fn a_server_that_speaks_the_other_version_alone_is_told_of_with_a_way_out() {
        let alert = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
        let error = io::Error::new(io::ErrorKind::InvalidData, alert);
        for (version, named) in [(Version::Http1, "say `http2"), (Version::Http2, "take `http2`")] {
            let failure = Failure::opening(&error, version);
            assert!(failure.is_of_the_shop() && failure.did_not_happen(), "{failure}");
            assert!(failure.hint().contains(named), "{failure}");
        }
    }
}
