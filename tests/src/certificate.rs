//! Certificates of the test's own making, by `openssl`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::program::Program;

/// What makes a certificate a server's and no authority's.
pub const SERVER: &str = "basicConstraints=critical,CA:FALSE";

/// The names that a test calls a server by, as an extension of its certificate.
pub(crate) const LOOPBACK: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1";

/// A certificate that has no authority but itself, and its key, in a folder of their own.
pub struct Certificate {
    folder: TempDir,
}

impl Certificate {
    /// One for `localhost` and 127.0.0.1, with a key on P-256.
    ///
    /// # Panics
    /// When `openssl` makes none.
    #[track_caller]
    pub fn of_loopback() -> Certificate {
        Certificate::of_loopback_with(&["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
    }

    /// The same with the kind of key that `openssl req -newkey` takes as `kind`.
    ///
    /// # Panics
    /// When `openssl` makes none.
    #[track_caller]
    pub fn of_loopback_with(kind: &[&str]) -> Certificate {
        Certificate::made(kind, &[LOOPBACK, SERVER])
    }

    /// The same with these extensions, and a key on P-256.
    ///
    /// # Panics
    /// When `openssl` makes none.
    #[track_caller]
    pub fn with(extensions: &[&str]) -> Certificate {
        Certificate::made(&["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], extensions)
    }

    #[track_caller]
    fn made(kind: &[&str], extensions: &[&str]) -> Certificate {
        let certificate = Certificate { folder: TempDir::new().expect("a folder of its own") };
        let (key, chain) = (certificate.key(), certificate.chain());
        let made = Program::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-newkey"])
            .args(kind)
            .args(extensions.iter().flat_map(|extension| ["-addext", extension]))
            .args([Path::new("-keyout"), &key, Path::new("-out"), &chain])
            .run();
        assert_eq!(made.code, Some(0), "no certificate: {made:?}");
        let secret = fs::Permissions::from_mode(0o600);
        fs::set_permissions(key, secret).expect("the test's own file");
        certificate
    }

    /// Where the certificate is.
    pub fn chain(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Where its key is.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The folder of both.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The flags with which a server speaks TLS with it.
    pub fn flags(&self) -> [String; 4] {
        let [cert, key] = [self.chain(), self.key()].map(|path| path.display().to_string());
        ["--tls-cert".to_owned(), cert, "--tls-key".to_owned(), key]
    }

    /// Puts `other` in the place of this one, as whoever renews certificates does.
    ///
    /// # Panics
    /// When the system refuses.
    #[track_caller]
    pub fn replace_by(&self, other: &Certificate) {
        for (from, to) in [(other.chain(), self.chain()), (other.key(), self.key())] {
            fs::copy(from, to).expect("the test's own files");
        }
    }
}
