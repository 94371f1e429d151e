//! Where a counter in PostgreSQL is: `postgres://user@host:port,host:port/database?counter=name`.
//!
//! Pure. What is shown of an address has neither a user nor a password in it.

use std::{fmt, path::PathBuf};

use tokio_postgres::config::{Config, Host};
use url::form_urlencoded;

/// What the address of a counter in PostgreSQL begins with.
pub const SCHEME: &str = "postgres://";

/// The port where the address names none.
const PORT: u16 = 5432;

/// The longest name of a counter.
const NAME_BYTES_MAX: usize = 64;

/// What may stand behind the `?`.
const PARAMETERS: &str = "`counter`, `sslmode`, `sslrootcert` and `passfile`";

/// Where a counter is, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The servers, of which one is the primary, in the order in which they are tried.
    pub hosts: Vec<Server>,
    /// The database.
    pub database: String,
    /// The role; `None` for the system's user.
    pub user: Option<String>,
    /// The password, where the address has it.
    pub password: Option<Password>,
    /// The counter's name.
    pub counter: String,
    /// Whether it is spoken to through TLS, with a certificate that is checked.
    pub is_encrypted: bool,
    /// The file of those who may sign that certificate; `None` for those whom the system trusts.
    pub authorities: Option<PathBuf>,
    /// The file in which the password is looked up.
    pub passfile: Option<PathBuf>,
}

/// One server of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name or address; a folder where it is a socket in one.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// A password, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub Vec<u8>);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Why a text is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL of PostgreSQL's.
    #[error("no address of a counter in PostgreSQL: {0}")]
    Malformed(String),
    /// It does not say something.
    #[error("the address names no {0}")]
    Missing(&'static str),
    /// It says something that means nothing here.
    #[error("unknown parameter `{0}`: there are {PARAMETERS}")]
    Unknown(String),
    /// A counter cannot be called so.
    #[error("`counter={0}`: a name is 1 to {NAME_BYTES_MAX} letters, digits, `.`, `_` and `-`")]
    Name(String),
    /// It is not told apart from speaking in the clear.
    #[error(
        "`sslmode={0}`: there are `verify-full` (TLS, and the certificate is checked) and `disable`"
    )]
    Encryption(String),
}

impl Address {
    /// Reads an address.
    ///
    /// TLS is spoken unless `sslmode=disable` says otherwise, or every server is on this machine.
    ///
    /// # Errors
    /// [`AddressError`]; it does not repeat what may be a password.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let config: Config = base.parse().map_err(|error| AddressError::Malformed(told(&error)))?;
        let hosts = servers(&config)?;
        let database = config.get_dbname().ok_or(AddressError::Missing("database"))?.to_owned();
        let mut address = Self {
            is_encrypted: !hosts.iter().all(Server::is_local),
            hosts,
            database,
            user: config.get_user().map(str::to_owned),
            password: config.get_password().map(|password| Password(password.to_vec())),
            counter: String::new(),
            authorities: None,
            passfile: None,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "counter" => address.counter = named(&value)?,
                "sslmode" => address.is_encrypted = encryption(&value)?,
                "sslrootcert" => address.authorities = Some(PathBuf::from(&*value)),
                "passfile" => address.passfile = Some(PathBuf::from(&*value)),
                _ => return Err(AddressError::Unknown(name.into_owned())),
            }
        }
        if address.counter.is_empty() {
            return Err(AddressError::Missing("counter, as in `?counter=concert`"));
        }
        Ok(address)
    }
}

/// What the parser says, without the words ahead of it.
fn told(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn servers(config: &Config) -> Result<Vec<Server>, AddressError> {
    let ports = config.get_ports();
    let port = |nth: usize| ports.get(nth).or(ports.first()).copied().unwrap_or(PORT);
    let host = |(nth, host): (usize, &Host)| {
        let host = match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        };
        Server { host, port: port(nth) }
    };
    let hosts: Vec<_> = config.get_hosts().iter().enumerate().map(host).collect();
    if hosts.is_empty() { Err(AddressError::Missing("host")) } else { Ok(hosts) }
}

fn named(value: &str) -> Result<String, AddressError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = (1..=NAME_BYTES_MAX).contains(&value.len()) && value.bytes().all(is_plain);
    if is_name { Ok(value.to_owned()) } else { Err(AddressError::Name(value.to_owned())) }
}

fn encryption(value: &str) -> Result<bool, AddressError> {
    match value {
        "disable" => Ok(false),
        "verify-full" => Ok(true),
        // `require` checks nobody's certificate, and `prefer` does not even ask for TLS.
        other => Err(AddressError::Encryption(other.to_owned())),
    }
}

impl Server {
    /// Whether nothing leaves this machine on the way there.
    fn is_local(&self) -> bool {
        let is_loopback = || {
            let address: Option<std::net::IpAddr> = self.host.parse().ok();
            address.is_some_and(|address| address.is_loopback())
        };
        self.is_folder() || self.host == "localhost" || is_loopback()
    }

    /// Whether it is a socket in a folder.
    pub fn is_folder(&self) -> bool {
        self.host.starts_with('/')
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        let Self { database, counter, .. } = self;
        write!(f, "postgres://{}/{database}?counter={counter}", hosts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn address_is_told_without_who_asks() {
        let text = "postgres://ann:s%3Acret@db1.example:5433,db2.example/tickets?counter=concert";
        let address = parsed(text);
        assert_eq!(
            address.to_string(),
            "postgres://db1.example:5433,db2.example:5432/tickets?counter=concert"
        );
        assert_eq!(address.user.as_deref(), Some("ann"));
        assert_eq!(address.password, Some(Password(b"s:cret".to_vec())));
        assert!(!format!("{address:?}").contains("cret"), "{address:?}");
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_somebody_says_otherwise() {
        let encrypted = |hosts: &str, more: &str| {
            parsed(&format!("postgres://{hosts}/tickets?counter=c{more}")).is_encrypted
        };
        for local in ["localhost", "127.0.0.1:1,127.0.0.2:2", "%2Frun%2Fpostgresql", "[::1]"] {
            assert!(!encrypted(local, ""), "{local}");
            assert!(encrypted(local, "&sslmode=verify-full"), "{local}");
        }
        for remote in ["db.example", "localhost,db.example", "10.0.0.1"] {
            assert!(encrypted(remote, ""), "{remote}");
            assert!(!encrypted(remote, "&sslmode=disable"), "{remote}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason_and_without_the_password() {
        let refused = [
            ("postgres://a/t", "the address names no counter, as in `?counter=concert`"),
            ("postgres:///t?counter=c", "the address names no host"),
            ("postgres://a?counter=c", "the address names no database"),
            (
                "postgres://a/t?counter=c&sslmode=require",
                "`sslmode=require`: there are `verify-full` (TLS, and the certificate is checked) and `disable`",
            ),
            (
                "postgres://a/t?counter=c&ssl=1",
                "unknown parameter `ssl`: there are `counter`, `sslmode`, `sslrootcert` and `passfile`",
            ),
            (
                "postgres://a/t?counter=a%2Fb",
                "`counter=a/b`: a name is 1 to 64 letters, digits, `.`, `_` and `-`",
            ),
        ];
        for (text, reason) in refused {
            assert_eq!(Address::parse(text).map_err(|error| error.to_string()), Err(reason.into()));
        }
        let error = Address::parse("postgres://ann:secret@a:port/t?counter=c").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
