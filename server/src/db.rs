//! Where a counter is kept, as it is typed.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where a counter is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Db {
    /// On this machine: the counter's file, `db.txt`.
    File(PathBuf),
    /// In an etcd cluster: `host:port[,…]/name`.
    Etcd(Box<str>),
    /// In a PostgreSQL database: what stands behind `postgres://`.
    Postgres(Box<str>),
}

/// An address that begins as those of something else.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing is kept under `{scheme}://`: expected `etcd://`, `postgres://`, or the path of a file"
)]
pub struct UnknownScheme {
    scheme: String,
}

impl Db {
    /// What it is kept in, in a word.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Etcd(_) => "etcd",
            Self::Postgres(_) => "postgres",
        }
    }
}

impl FromStr for Db {
    type Err = UnknownScheme;

    /// What is typed is: whatever is no address is a path.
    fn from_str(typed: &str) -> Result<Self, UnknownScheme> {
        let is_scheme = |text: &str| {
            let mut bytes = text.bytes();
            bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        match typed.split_once("://") {
            Some(("etcd", address)) => Ok(Self::Etcd(address.into())),
            Some(("postgres" | "postgresql", address)) => Ok(Self::Postgres(address.into())),
            Some((scheme, _)) if is_scheme(scheme) => {
                Err(UnknownScheme { scheme: scheme.to_owned() })
            }
            _ => Ok(Self::File(typed.into())),
        }
    }
}

/// As it is typed, but without what stands ahead of the host: a user's password is nobody else's business.
impl fmt::Display for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, address) = match self {
            Self::File(path) => return path.display().fmt(f),
            Self::Etcd(address) => ("etcd", address),
            Self::Postgres(address) => ("postgres", address),
        };
        let hosts = address.rsplit_once('@').map_or(&**address, |(_, hosts)| hosts);
        write!(f, "{scheme}://{hosts}")
    }
}

/// As it is shown: whole configurations are printed, too.
impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let db: Db = "postgres://box:office@db.example/concert?counter=hall".parse().unwrap();
        assert_eq!(format!("{db} {db:?}").matches("postgres://db.example/concert").count(), 2);
        assert!(!format!("{db} {db:?}").contains("office"));
    }

    #[test]
    fn what_is_no_address_is_a_path_and_an_address_of_something_else_is_refused() {
        for typed in ["mysql://x/y", "http://x", "ETCD://x/y", "file:///srv/db.txt"] {
            let refused = typed.parse::<Db>().unwrap_err().to_string();
            assert!(refused.contains(typed.split_once('/').unwrap().0), "{refused}");
        }
        for path in ["db.txt", "/srv/etcd:/db.txt", "postgres:db.txt", "./http://db.txt", "a b://c"]
        {
            assert_eq!(path.parse(), Ok(Db::File(path.into())));
        }
    }
}
