//! TLS: how connections are opened where the server speaks it.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// The certificate with which connections are opened; another one can take its place.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<TlsAcceptor>>);

impl Tls {
    /// Opens connections as `config` says.
    pub fn new(config: ServerConfig) -> Self {
        Self(Arc::new(RwLock::new(acceptor_of(config))))
    }

    /// Opens connections as `config` says from now on; those that are open stay so.
    pub fn replace(&self, config: ServerConfig) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = acceptor_of(config);
    }

    /// What opens the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn acceptor_of(config: ServerConfig) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(config))
}
