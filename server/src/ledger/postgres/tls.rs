//! TLS to a database, by a certificate that is checked for its server's name.

use std::{path::Path, sync::Arc};

use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::ledger::postgres::error::PostgresError;

/// TLS that trusts the certificates in the file `authorities`, or those that the system trusts.
///
/// # Errors
/// [`PostgresError::Tls`].
pub(super) fn connector(authorities: Option<&Path>) -> Result<MakeRustlsConnect, PostgresError> {
    let trusted = match authorities {
        Some(path) => of_file(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(trusted);
    if added == 0 {
        return Err(PostgresError::Tls("there is no certificate to trust".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| PostgresError::Tls(error.to_string()))?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, PostgresError> {
    let told = |reason: String| PostgresError::Tls(format!("{}: {reason}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path);
    let certificates = certificates.map_err(|error| told(error.to_string()))?;
    let read: Result<_, _> = certificates.collect();
    read.map_err(|error| told(error.to_string()))
}
