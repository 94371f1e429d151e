//! The certificate of a server that speaks TLS: read from its files, and checked before it is used.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::rustls::{
    self, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};

use crate::{config::TlsFiles, run::secret_file::read_secret};

/// What is agreed on with clients (RFC 7301): nothing but what is spoken.
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{flag} {}: {source}", path.display())]
    Read {
        /// What names the file.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not PEM, or has nothing in it of what is looked for.
    #[error("{flag} {}: {reason}", path.display())]
    Pem {
        /// What names the file.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The certificate cannot be used.
    #[error("--tls-cert {}: no certificate that a server can have: {source}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The key cannot be used.
    #[error("--tls-key {}: no key that TLS can use: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The key is another certificate's.
    #[error("--tls-key {}: not the key of the certificate in {}", key.display(), certificate.display())]
    OtherKey {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
    /// What comes with TLS, such as randomness, is not to be had.
    #[error("TLS: {0}")]
    System(#[source] rustls::Error),
}

impl TlsError {
    /// A way out, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } | Self::System(_) => None,
            Self::Pem { flag, .. } if *flag == CERTIFICATE => {
                Some("PEM, as in `-----BEGIN CERTIFICATE-----`: the server's own first")
            }
            Self::Certificate { .. } => {
                Some("the server's own certificate stands first in the file")
            }
            Self::Pem { .. } => Some(
                "PEM, as in `-----BEGIN PRIVATE KEY-----`; `openssl pkey -in FILE -out NEW` decrypts one",
            ),
            Self::Key { .. } => {
                Some("RSA of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519")
            }
            Self::OtherKey { .. } => Some("the server's own certificate stands first in its file"),
        }
    }
}

const CERTIFICATE: &str = "--tls-cert";
const KEY: &str = "--tls-key";

/// Reads what `files` say.
///
/// # Errors
/// [`TlsError`], which names the file and what is wrong with it.
pub(super) fn read_certificate(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let TlsFiles { certificate, key } = files;
    let unread = |flag, path: &PathBuf| {
        let path = path.clone();
        move |source| TlsError::Read { flag, path, source }
    };
    let text = fs::read(certificate).map_err(unread(CERTIFICATE, certificate))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| told(CERTIFICATE, certificate, &error, ""))?;
    if chain.is_empty() {
        return Err(told(CERTIFICATE, certificate, &pem::Error::NoItemsFound, "certificate"));
    }
    let text = read_secret(KEY, key).map_err(unread(KEY, key))?;
    let what = if text.contains("ENCRYPTED") { "key that is not encrypted" } else { "private key" };
    let private = PrivateKeyDer::from_pem_slice(text.as_bytes());
    let private = private.map_err(|error| told(KEY, key, &error, what))?;
    config(chain, private).map_err(|source| match source {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::OtherKey { key: key.clone(), certificate: certificate.clone() }
        }
        rustls::Error::InvalidCertificate(_) => {
            TlsError::Certificate { path: certificate.clone(), source }
        }
        rustls::Error::General(_) => TlsError::Key { path: key.clone(), source },
        source => TlsError::System(source),
    })
}

fn told(flag: &'static str, path: &Path, error: &pem::Error, what: &str) -> TlsError {
    let reason = match error {
        pem::Error::NoItemsFound => format!("there is no {what} in it"),
        error => format!("no PEM: {error}"),
    };
    TlsError::Pem { flag, path: path.to_owned(), reason }
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // Clients keep what a later handshake is shortened by, and not the server. What they would send
    // ahead of it (0-RTT) can be sent twice by anybody: it is not taken.
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}
