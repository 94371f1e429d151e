//! Where a counter in etcd is, as typed: `etcd://[user@]host:port[,host:port]…/name[?ca=FILE&…]`.
//!
//! Pure: the files that it names are read by others.

use std::{fmt, path::PathBuf, str::FromStr};

/// How an address begins.
pub const SCHEME: &str = "etcd://";

/// The longest name of a counter.
const NAME_BYTES_MAX: usize = 64;

/// Where a counter in etcd is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdAddress {
    /// The members of the cluster, each as `host:port`; at least one.
    pub members: Vec<String>,
    /// The counter's name: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Who asks, and the file with the password.
    pub user: Option<(String, PathBuf)>,
    /// The certificates of the authorities that vouch for the members, in PEM; with them TLS is spoken.
    pub ca: Option<PathBuf>,
    /// The certificate with which this side is known, and its key, in PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It begins otherwise, or its parts are not there.
    #[error("expected `etcd://host:port,host:port/name`")]
    Shape,
    /// A member is not `host:port`.
    #[error("`{0}` is not a host and a port")]
    Member(String),
    /// The name cannot be one.
    #[error("`{0}` is no name of a counter: 1 to 64 letters, digits, `.`, `_` or `-`")]
    Name(String),
    /// A password stands where everybody on the machine can read it.
    #[error("a password on a command line is no secret: `user@…/name?password-file=FILE`")]
    Password,
    /// A parameter that there is not, or that is there twice.
    #[error("`{0}`: expected `ca`, `cert`, `key` or `password-file`, each once, and a file")]
    Parameter(String),
    /// Parameters that go together only.
    #[error("{0}")]
    Alone(&'static str),
}

impl FromStr for EtcdAddress {
    type Err = AddressError;

    fn from_str(typed: &str) -> Result<Self, AddressError> {
        let rest = typed.strip_prefix(SCHEME).ok_or(AddressError::Shape)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (members, name) = place.split_once('/').ok_or(AddressError::Shape)?;
        let (user, members) = match members.rsplit_once('@') {
            Some((user, members)) => (Some(user), members),
            None => (None, members),
        };
        let members = members.split(',').map(member).collect::<Result<_, _>>()?;
        if !is_name(name) {
            return Err(AddressError::Name(name.to_owned()));
        }
        let mut files: [(&str, Option<PathBuf>); 4] =
            [("ca", None), ("cert", None), ("key", None), ("password-file", None)];
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let unknown = || AddressError::Parameter(parameter.to_owned());
            let (typed, file) = parameter.split_once('=').ok_or_else(unknown)?;
            let known = files.iter_mut().find(|(name, _)| *name == typed).ok_or_else(unknown)?;
            if file.is_empty() || known.1.replace(file.into()).is_some() {
                return Err(unknown());
            }
        }
        let [ca, certificate, key, password] = files.map(|(_, file)| file);
        let user = match (user, password) {
            (None, None) => None,
            (Some(user), _) if user.contains(':') => return Err(AddressError::Password),
            (Some(user), Some(password)) if !user.is_empty() => Some((user.to_owned(), password)),
            _ => return Err(AddressError::Alone("`user@` and `password-file` go together")),
        };
        let identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) if ca.is_some() => Some((certificate, key)),
            _ => return Err(AddressError::Alone("`cert` and `key` go together, and with `ca`")),
        };
        Ok(Self { members, name: name.to_owned(), user, ca, identity })
    }
}

/// Without what only this side needs to know.
impl fmt::Display for EtcdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.members.join(","), self.name)
    }
}

fn member(typed: &str) -> Result<String, AddressError> {
    let is_host = |host: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_address = |address: &str| address.parse::<std::net::Ipv6Addr>().is_ok();
        address.map_or(!host.is_empty() && host.bytes().all(is_part), is_address)
    };
    let parts = typed.rsplit_once(':').filter(|(host, _)| is_host(host));
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port > 0);
    port.map(|_| typed.to_owned()).ok_or_else(|| AddressError::Member(typed.to_owned()))
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Result<EtcdAddress, AddressError> {
        typed.parse()
    }

    #[test]
    fn an_address_names_members_and_counter_and_files_with_secrets() {
        let typed = "etcd://ann@a:2379,[::1]:2,10.0.0.1:3/con-cert.1\
                     ?password-file=/p&ca=/ca&cert=/c&key=/k";
        let address = parse(typed).unwrap();
        assert_eq!(address.members, ["a:2379", "[::1]:2", "10.0.0.1:3"]);
        assert_eq!(address.name, "con-cert.1");
        assert_eq!(address.user, Some(("ann".to_owned(), "/p".into())));
        assert_eq!(address.ca, Some("/ca".into()));
        assert_eq!(address.identity, Some(("/c".into(), "/k".into())));
        assert_eq!(address.to_string(), "etcd://a:2379,[::1]:2,10.0.0.1:3/con-cert.1");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let cases = [
            ("etcd:/a:1/n", AddressError::Shape),
            ("etcd://a:1", AddressError::Shape),
            ("etcd://a/n", AddressError::Member("a".to_owned())),
            ("etcd://a:0/n", AddressError::Member("a:0".to_owned())),
            ("etcd://a:1,/n", AddressError::Member(String::new())),
            ("etcd://http:a:1/n", AddressError::Member("http:a:1".to_owned())),
            ("etcd://a:1/", AddressError::Name(String::new())),
            ("etcd://a:1/n/m", AddressError::Name("n/m".to_owned())),
            ("etcd://ann:secret@a:1/n?password-file=p", AddressError::Password),
            ("etcd://a:1/n?tls=1", AddressError::Parameter("tls=1".to_owned())),
            ("etcd://a:1/n?ca=", AddressError::Parameter("ca=".to_owned())),
            ("etcd://a:1/n?ca=a&ca=b", AddressError::Parameter("ca=b".to_owned())),
            ("etcd://ann@a:1/n", AddressError::Alone("`user@` and `password-file` go together")),
            (
                "etcd://a:1/n?cert=c&key=k",
                AddressError::Alone("`cert` and `key` go together, and with `ca`"),
            ),
        ];
        for (typed, error) in cases {
            assert_eq!(parse(typed), Err(error), "{typed}");
        }
    }
}
