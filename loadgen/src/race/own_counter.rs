//! The counter of a race in etcd or PostgreSQL: one of its own, beside the one that was named. Pure.

use std::ffi::{OsStr, OsString};

use url::form_urlencoded::{byte_serialize, parse};

use crate::words::shell_word;

/// The longest name of a counter, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// The parameter of an address in PostgreSQL that says its name.
const COUNTER: &str = "counter";

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
            let room = NAME_BYTES_MAX.saturating_sub(mark.len()).min(name.len());
            let end = (0..=room).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
            (!name.is_empty()).then(|| format!("{}{mark}", &name[..end]))
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
                let parameters = parse(query.as_bytes());
                // Of several the last one counts.
                let typed = parameters.filter(|(key, _)| key == COUNTER).last()?;
                let name = own(&typed.1)?;
                let counter: String = byte_serialize(name.as_bytes()).collect();
                let part = |part: &str| match parse(part.as_bytes()).next() {
                    Some((key, _)) if key == COUNTER => format!("{COUNTER}={counter}"),
                    _ => part.to_owned(),
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
            KeptIn::Postgres => format!("{shown}?{COUNTER}={name}"),
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
            KeptIn::Etcd => {
                let prefix = shell_word(&format!("tickets/{name}/"));
                format!("`etcdctl del --prefix {prefix}` removes it")
            }
            KeptIn::Postgres => {
                let name = name.replace('\'', "''");
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

    /// A name of 64 letters may be typed in 192.
    #[test]
    fn a_name_is_cut_as_it_is_and_not_as_it_is_typed() {
        let typed = format!("postgres://a/t?counter=old&%63ounter={}&passfile=x", "%78".repeat(64));
        let name = format!("{}-race-7", "x".repeat(57));
        let (db, shown) = own(&typed).unwrap();
        assert_eq!(db, format!("postgres://a/t?counter={name}&counter={name}&passfile=x"));
        assert_eq!(shown, format!("postgres://a/t?counter={name}"));
        // A server says that these are no names: they come to it whole.
        let (db, _) = own(&format!("postgres://a/t?counter={}", "%C3%A4".repeat(64))).unwrap();
        assert_eq!(db, format!("postgres://a/t?counter={}-race-7", "%C3%A4".repeat(28)));
        let (db, _) = own(&format!("etcd://a:1/{}", "ä".repeat(64))).unwrap();
        assert_eq!(db, format!("etcd://a:1/{}-race-7", "ä".repeat(28)));
    }

    #[test]
    fn whatever_the_name_is_its_removal_can_be_pasted() {
        let removal = |typed: &str| OwnCounter::beside(typed, "-race-7").unwrap().removal();
        assert_eq!(
            removal("etcd://a:1/hall"),
            "`etcdctl del --prefix tickets/hall-race-7/` removes it"
        );
        assert_eq!(
            removal("etcd://a:1/o'hara; x"),
            r"`etcdctl del --prefix 'tickets/o'\''hara; x-race-7/'` removes it"
        );
        assert_eq!(
            removal("postgres://a/t?counter=o'hara"),
            "`DELETE FROM ticket_counter.counter WHERE name = 'o''hara-race-7'` removes it"
        );
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
