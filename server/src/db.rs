//! Where a counter is kept, as it is typed.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

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

impl Db {
    /// What is typed is: whatever is no address of the others is a path.
    pub fn of(typed: &str) -> Self {
        match typed.split_once("://") {
            Some(("etcd", address)) => Self::Etcd(address.into()),
            Some(("postgres" | "postgresql", address)) => Self::Postgres(address.into()),
            _ => Self::File(typed.into()),
        }
    }
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
    type Err = Infallible;

    fn from_str(typed: &str) -> Result<Self, Infallible> {
        Ok(Self::of(typed))
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
    fn what_is_no_address_is_a_path() {
        for path in ["db.txt", "/srv/etcd:/db.txt", "postgres:db.txt"] {
            assert_eq!(path.parse(), Ok(Db::File(path.into())));
        }
    }
}
