//! TLS: whom a connection trusts, and how it is opened.
//!
//! Every connection makes a whole handshake, as those of independent buyers do.

use std::{
    env,
    ffi::OsString,
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls_native_certs::{load_certs_from_paths, load_native_certs};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
        client::{
            Resumption,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::{self, CryptoProvider},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

use super::{failure::Failure, version::Version};

/// Whom a connection trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trust {
    /// Whoever has a certificate from an authority that this machine knows.
    Authorities,
    /// Anybody: for a shop with a certificate of its own making.
    Anybody,
}

/// The file of authorities that takes the place of the machine's, as OpenSSL has it.
const AUTHORITIES: &str = "SSL_CERT_FILE";

/// Why nobody can be spoken to over TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// There is nobody to trust.
    #[error(
        "this machine knows no certificate authority{}\n\
         hint: install `ca-certificates`, name a file in `SSL_CERT_FILE`, or trust anybody with `-k`",
        .0.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
    )]
    Authorities(Option<String>),
    /// The file that says whom to trust says nobody.
    #[error(
        "`SSL_CERT_FILE`: there is no certificate in `{}`: {reason}\nhint: it must be PEM",
        file.display()
    )]
    Certificates {
        /// The file.
        file: OsString,
        /// Why not.
        reason: String,
    },
    /// No certificate is for such a name.
    #[error("`{0}` is no name that a certificate can have\nhint: trust anybody with `-k`")]
    Name(String),
}

/// How TLS is spoken, for each trust and version; made where it is needed, and shared by all who have a copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsConfigs {
    authorities: Arc<OfVersions>,
    anybody: Arc<OfVersions>,
}

#[derive(Debug, Default)]
struct OfVersions {
    http1: OnceLock<Arc<ClientConfig>>,
    http2: OnceLock<Arc<ClientConfig>>,
}

/// How one shop is spoken to over TLS.
#[derive(Clone)]
pub(in crate::shop) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    version: Version,
}

impl TlsConfigs {
    /// How the shop at `host` is spoken to by whoever trusts so, in this `version` of HTTP.
    ///
    /// # Errors
    /// There is nobody to trust, or the name is none.
    pub(in crate::shop) fn tls(
        &self,
        host: &str,
        trust: Trust,
        version: Version,
    ) -> Result<Tls, TlsError> {
        let name = match (ServerName::try_from(host.to_owned()), trust) {
            (Ok(name), _) => name,
            // Nobody compares it, nor is it sent.
            (Err(_), Trust::Anybody) => ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            (Err(_), Trust::Authorities) => return Err(TlsError::Name(host.to_owned())),
        };
        let made = match trust {
            Trust::Authorities => &self.authorities,
            Trust::Anybody => &self.anybody,
        };
        let made = match version {
            Version::Http1 => &made.http1,
            Version::Http2 => &made.http2,
        };
        let config = match made.get() {
            Some(config) => config,
            None => {
                let config = config(trust, version)?;
                made.get_or_init(|| Arc::new(config))
            }
        };
        Ok(Tls { connector: TlsConnector::from(Arc::clone(config)), name, version })
    }
}

fn config(trust: Trust, version: Version) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().expect("ring has what is usual");
    let mut config = match trust {
        Trust::Authorities => builder.with_root_certificates(authorities()?),
        Trust::Anybody => {
            let verifier = Arc::new(Anybody(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
    }
    .with_no_client_auth();
    config.alpn_protocols = vec![version.name_in_tls().to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn authorities() -> Result<RootCertStore, TlsError> {
    if let Some(file) = env::var_os(AUTHORITIES) {
        let named = load_certs_from_paths(Some(Path::new(&file)), None);
        if named.certs.is_empty() {
            let reason = named.errors.first().map_or("it has none".to_owned(), ToString::to_string);
            return Err(TlsError::Certificates { file, reason });
        }
    }
    let found = load_native_certs();
    let mut authorities = RootCertStore::empty();
    // Some machines have authorities that no program can read; the others are enough.
    authorities.add_parsable_certificates(found.certs);
    if authorities.is_empty() {
        return Err(TlsError::Authorities(found.errors.first().map(ToString::to_string)));
    }
    Ok(authorities)
}

impl Tls {
    /// Opens a connection over `stream`.
    ///
    /// # Errors
    /// The other side speaks no TLS, is not to be trusted, or does not choose HTTP/2 where that is asked for.
    pub(in crate::shop) async fn open(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let opened = self.connector.connect(self.name.clone(), stream).await;
        let opened = opened.map_err(|error| Failure::opening(&error, self.version))?;
        // Who knows nothing of versions speaks HTTP/1.1, and chooses none.
        let is_chosen = opened.get_ref().1.alpn_protocol() == Some(self.version.name_in_tls());
        if self.version == Version::Http2 && !is_chosen {
            return Err(Failure::NoHttp2("its TLS does not choose `h2`"));
        }
        Ok(opened)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Takes any certificate, from whoever shows it: where nobody asks who that is, it does not matter
/// whether it is his own.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
