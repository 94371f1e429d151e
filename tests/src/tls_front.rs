//! A front that speaks TLS before a server that does not, as a proxy does: `socat`.

use std::path::PathBuf;

use crate::{
    certificate::{Certificate, LOOPBACK, SERVER},
    process::Process,
    program::Program,
    wait::PATIENCE,
};

/// A front that speaks TLS on a free port of 127.0.0.1, and passes everything on.
pub struct TlsFront {
    process: Process,
    port: u16,
    certificate: Certificate,
}

impl TlsFront {
    /// A front before the server at `address`, with a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn before(address: &str) -> TlsFront {
        TlsFront::with(address, &[LOOPBACK, SERVER], "verify=0")
    }

    /// The same with a certificate that has these extensions, and with options of `socat`'s.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn with(address: &str, extensions: &[&str], options: &str) -> TlsFront {
        let certificate = Certificate::with(extensions);
        let (key, chain) = (certificate.key(), certificate.chain());
        let [key, cert, ca] = [("key", &key), ("cert", &chain), ("cafile", &chain)]
            .map(|(option, path)| format!("{option}={}", path.display()));
        let process = Program::new("socat")
            .args(["-d", "-d"])
            .arg(format!(
                "OPENSSL-LISTEN:0,bind=127.0.0.1,reuseaddr,fork,{key},{cert},{ca},{options}"
            ))
            .arg(format!("TCP:{address}"))
            .start();
        let port = process.stderr().find_line(PATIENCE, |line| {
            line.contains("listening on").then(|| line.rsplit(':').next()?.parse().ok())?
        });
        let Some(port) = port else {
            panic!("no line `listening on` from socat but:\n{}", process.stderr().text());
        };
        TlsFront { process, port, certificate }
    }

    /// Its URL by the name that its certificate has.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Where it listens, such as `127.0.0.1:40001`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections it has taken so far.
    pub fn connections(&self) -> usize {
        self.process.stderr().text().matches("accepting connection").count()
    }

    /// Its certificate, which has no authority but itself.
    pub fn certificate(&self) -> PathBuf {
        self.certificate.chain()
    }
}
