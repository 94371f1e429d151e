//! The counter of a race in etcd or PostgreSQL: one of its own, beside the one that was named. Pure.

use std::ffi::{OsStr, OsString};

/// The longest name of a counter, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A counter that a race makes for itself, and removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnCounter {
    db: OsString,
    /// The same for people: without what stands ahead of the host.
    shown: String,
    name: String,
    kept_in: KeptIn,
}

/// What it is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeptIn {
    /// An etcd cluster.
    Etcd,
    /// A PostgreSQL database.
    Postgres,
}

impl OwnCounter {
    /// A counter whose name is the one in `typed` and `mark` behind it; `None` where that is no address of one.
    pub(crate) fn beside(typed: &str, mark: &str) -> Option<Self> {
        let (scheme, rest) = typed.split_once("://")?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let own = |name: &str| {
            let kept = name.chars().take(NAME_BYTES_MAX.saturating_sub(mark.len()));
            (!name.is_empty()).then(|| kept.collect::<String>() + mark)
        };
        let behind =
            |query: &str| if query.is_empty() { String::new() } else { format!("?{query}") };
        let (kept_in, name, rest) = match scheme {
            "etcd" => {
                let (members, name) = place.split_once('/')?;
                let name = own(name)?;
                let rest = format!("{members}/{name}{}", behind(query));
                (KeptIn::Etcd, name, rest)
            }
            "postgres" | "postgresql" => {
                let counter = query.split('&').find_map(|part| part.strip_prefix("counter="))?;
                let name = own(counter)?;
                let part = |part: &str| match part.strip_prefix("counter=") {
                    Some(_) => format!("counter={name}"),
                    None => part.to_owned(),
                };
                let query = query.split('&').map(part).collect::<Vec<_>>().join("&");
                let rest = format!("{place}{}", behind(&query));
                (KeptIn::Postgres, name, rest)
            }
            _ => return None,
        };
        let hosts = rest.rsplit_once('@').map_or(&*rest, |(_, hosts)| hosts);
        let shown = format!("{scheme}://{}", hosts.split('?').next().unwrap_or_default());
        let shown = match kept_in {
            KeptIn::Etcd => shown,
            KeptIn::Postgres => format!("{shown}?counter={name}"),
        };
        Some(Self { db: format!("{scheme}://{rest}").into(), shown, name, kept_in })
    }

    /// Where it is, as `server --db` takes it.
    pub(crate) fn db(&self) -> &OsStr {
        &self.db
    }

    /// Where it is, for people.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// What it is kept in.
    pub(crate) fn kept_in(&self) -> KeptIn {
        self.kept_in
    }

    /// How somebody removes it by hand.
    pub(crate) fn removal(&self) -> String {
        let name = &self.name;
        match self.kept_in {
            KeptIn::Etcd => format!("`etcdctl del --prefix tickets/{name}/` removes it"),
            KeptIn::Postgres => {
                format!("`DELETE FROM ticket_counter.counter WHERE name = '{name}'` removes it")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(typed: &str) -> Option<(String, String)> {
        let own = OwnCounter::beside(typed, "-race-7")?;
        Some((own.db().to_string_lossy().into_owned(), own.shown().to_owned()))
    }

    #[test]
    fn it_is_called_after_the_counter_that_was_named() {
        let both = |db: &str, shown: &str| Some((db.to_owned(), shown.to_owned()));
        assert_eq!(
            own("etcd://box@a:1,b:2/hall?ca=ca.pem&password-file=x"),
            both(
                "etcd://box@a:1,b:2/hall-race-7?ca=ca.pem&password-file=x",
                "etcd://a:1,b:2/hall-race-7"
            )
        );
        assert_eq!(
            own("postgres://box:office@db/tickets?sslmode=disable&counter=hall&passfile=x"),
            both(
                "postgres://box:office@db/tickets?sslmode=disable&counter=hall-race-7&passfile=x",
                "postgres://db/tickets?counter=hall-race-7"
            )
        );
        let long = OwnCounter::beside(&format!("etcd://a:1/{}", "x".repeat(64)), "-race-7");
        assert_eq!(long.map(|own| own.name.len()), Some(64));
    }

    #[test]
    fn whatever_names_no_counter_elsewhere_is_none() {
        for typed in
            ["db.txt", "/srv/db.txt", "etcd://a:1", "etcd://a:1/", "postgres://a/t", "http://a/b"]
        {
            assert_eq!(own(typed), None, "{typed}");
        }
    }
}
