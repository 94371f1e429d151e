//! The keys of a counter in etcd; pure.
//!
//! All stand under one prefix, which ends with a slash: no counter's keys are among another's.
//!
//! # Layout
//! - `counter`: the first line of the ledger, made once; with its create revision it is the *incarnation*.
//! - `import`: the same in place of `counter`, as long as the counter is copied from elsewhere: so it is none yet.
//! - `head`: what stands on the counter; written with each batch, and compared by each, as is the incarnation.
//! - `wanted`: who was late with a batch, and asks whoever leads for a gap; a hint, and nothing rests on it.
//! - `batches/R`: a batch whose first record is R.
//! - `pages/R`: batches that were merged, the first record of which is R; `folded` is the last of them.
//! - `snapshot`: which snapshot is to be read; `snapshots/R/P`: part P of the one at revision R.

/// A revision has so many hexadecimal digits, so that keys sort as numbers do.
const DIGITS: usize = 16;

/// The keys of one counter.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
    first_line: &'static str,
}

impl Keys {
    /// The keys of the counter with this name.
    pub fn of(name: &str) -> Self {
        Self { prefix: format!("tickets/{name}/"), first_line: "counter" }
    }

    /// The same while it is made of another's records.
    pub fn of_import(name: &str) -> Self {
        Self { first_line: "import", ..Self::of(name) }
    }

    /// What all of them begin with.
    pub fn prefix(&self) -> Vec<u8> {
        self.prefix.clone().into_bytes()
    }

    /// The first line of the ledger.
    pub fn counter(&self) -> Vec<u8> {
        self.key(self.first_line)
    }

    /// What stands on the counter.
    pub fn head(&self) -> Vec<u8> {
        self.key("head")
    }

    /// Who asks for a gap.
    pub fn wanted(&self) -> Vec<u8> {
        self.key("wanted")
    }

    /// A key that is never there.
    pub fn nothing(&self) -> Vec<u8> {
        self.key("nothing")
    }

    /// The batch that begins with the record `first`.
    pub fn batch(&self, first: u64) -> Vec<u8> {
        self.key(&format!("batches/{first:0DIGITS$x}"))
    }

    /// Behind all batches.
    pub fn batches_end(&self) -> Vec<u8> {
        self.key("batches0")
    }

    /// The page that begins with the record `first`.
    pub fn page(&self, first: u64) -> Vec<u8> {
        self.key(&format!("pages/{first:0DIGITS$x}"))
    }

    /// The last record that was merged into a page.
    pub fn folded(&self) -> Vec<u8> {
        self.key("folded")
    }

    /// Which snapshot is to be read.
    pub fn snapshot(&self) -> Vec<u8> {
        self.key("snapshot")
    }

    /// Part `part` of the snapshot at `revision`.
    pub fn snapshot_part(&self, revision: u64, part: u64) -> Vec<u8> {
        self.key(&format!("snapshots/{revision:0DIGITS$x}/{part:0DIGITS$x}"))
    }

    /// Behind all parts of all snapshots.
    pub fn snapshots_end(&self) -> Vec<u8> {
        self.key("snapshots0")
    }

    fn key(&self, name: &str) -> Vec<u8> {
        format!("{}{name}", self.prefix).into_bytes()
    }
}

/// The first record of the batch or page with this key.
pub fn first_of(key: &[u8]) -> Option<u64> {
    let digits = key.rsplit(|byte| *byte == b'/').next()?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == DIGITS)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_revisions_and_no_counter_is_in_another() {
        let keys = Keys::of("a");
        assert!(keys.batch(9) < keys.batch(10) && keys.batch(u64::MAX) < keys.batches_end());
        assert!(keys.page(255) < keys.page(256));
        assert!(keys.snapshot_part(1, u64::MAX) < keys.snapshot_part(2, 0));
        assert!(keys.snapshot_part(u64::MAX, 0) < keys.snapshots_end());
        assert_eq!(first_of(&keys.batch(77)), Some(77));
        assert!(!Keys::of("ab").head().starts_with(&keys.prefix()));
        assert_ne!(Keys::of_import("a").counter(), keys.counter());
        assert_eq!(Keys::of_import("a").head(), keys.head());
    }
}
