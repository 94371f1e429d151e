//! Names under which the server was called and does not answer, told to the operator once each.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use crate::http::access::host_name::HostName;

/// How many names are told: a client may make up any number.
const TOLD_MAX: usize = 64;

/// The names that the log has had.
#[derive(Debug, Default)]
pub struct RefusedHosts {
    told: Mutex<BTreeSet<String>>,
}

impl RefusedHosts {
    /// Tells the operator of `name`, and of the flag that allows it, unless that was done before.
    ///
    /// One of odd letters is not told.
    pub fn tell(&self, name: &HostName) {
        let name = name.as_str();
        let Some(place) = self.note(name) else { return };
        tracing::warn!(
            "refused a call as `{name}`; if that is a name of this server, start it with \
             `--allow-host {name}`"
        );
        if place == TOLD_MAX {
            tracing::warn!("that was the last of {TOLD_MAX} refused names that are told");
        }
    }

    /// The how manyth it is that is told; `None` where it is not to be told.
    fn note(&self, name: &str) -> Option<usize> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new =
            name.bytes().all(is_plain) && told.len() < TOLD_MAX && told.insert(name.to_owned());
        is_new.then(|| told.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_once() {
        let refused = RefusedHosts::default();
        assert_eq!(refused.note("shop.example"), Some(1));
        assert_eq!(refused.note("shop.example"), None);
        assert_eq!(refused.note("other.example"), Some(2));
    }

    #[test]
    fn no_more_names_are_told_than_there_is_room_for() {
        let refused = RefusedHosts::default();
        for count in 1..=TOLD_MAX {
            assert_eq!(refused.note(&format!("host-{count}.example")), Some(count));
        }
        assert_eq!(refused.note("one-more.example"), None);
    }

    #[test]
    fn a_name_of_odd_letters_is_not_told() {
        for name in ["a b", "a\u{7}b", "a\"b", "http://shop.example"] {
            assert_eq!(RefusedHosts::default().note(name), None, "{name}");
        }
    }
}
