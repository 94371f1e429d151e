//! TLS: whom a connection trusts, and how it is opened.

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, DigitallySignedStruct, InvalidMessage, RootCertStore,
        SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{self, CryptoProvider},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

use super::failure::Failure;

/// Whom a connection trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trust {
    /// Whoever has a certificate from an authority that this machine knows.
    Authorities,
    /// Anybody: for a shop with a certificate of its own making.
    Anybody,
}

/// Why nobody can be spoken to over TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// There is nobody to trust.
    #[error(
        "this machine knows no certificate authority{}\n\
         hint: install `ca-certificates`, name a file in `SSL_CERT_FILE`, or trust anybody with `-k`",
        .0.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
    )]
    NoAuthorities(Option<String>),
    /// No certificate is for such a name.
    #[error("`{0}` is no name that a certificate can have")]
    NoName(String),
}

/// What it takes to speak TLS; made once, and shared by all who have a copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keyring(Arc<OnceLock<Arc<ClientConfig>>>);

/// How one shop is spoken to over TLS.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Keyring {
    /// How the shop at `host` is spoken to by whoever trusts so; all who share a keyring trust alike.
    ///
    /// # Errors
    /// There is nobody to trust, or the name is none.
    pub(super) fn tls(&self, host: &str, trust: Trust) -> Result<Tls, TlsError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| TlsError::NoName(host.to_owned()))?;
        let config = match self.0.get() {
            Some(config) => Arc::clone(config),
            None => {
                let config = Arc::new(config(trust)?);
                Arc::clone(self.0.get_or_init(|| config))
            }
        };
        Ok(Tls { connector: TlsConnector::from(config), name })
    }
}

fn config(trust: Trust) -> Result<ClientConfig, TlsError> {
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
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn authorities() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    // Some machines have authorities that no program can read; the others are enough.
    authorities.add_parsable_certificates(found.certs);
    if authorities.is_empty() {
        return Err(TlsError::NoAuthorities(found.errors.first().map(ToString::to_string)));
    }
    Ok(authorities)
}

impl Tls {
    /// Opens a connection over `stream`.
    ///
    /// # Errors
    /// The other side speaks no TLS, or is not to be trusted.
    pub(super) async fn open(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let opened = self.connector.connect(self.name.clone(), stream).await;
        opened.map_err(|error| refused(&error))
    }
}

/// What it means that a connection could not be opened.
fn refused(error: &io::Error) -> Failure {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Failure::NoTls,
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(cause))) => {
            Failure::Untrusted(cause.to_string())
        }
        Some(rustls::Error::InvalidCertificate(cause)) => Failure::Untrusted(cause.to_string()),
        Some(cause) => Failure::Handshake(cause.to_string()),
        None => Failure::Handshake(error.to_string()),
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Takes any certificate, and checks only that the other side has its key.
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
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
