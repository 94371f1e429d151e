//! What a database must be set to, for a sale to survive what it has to survive. Pure.

/// The oldest version that has all that the tables need.
const VERSION_MIN: u32 = 120_000;

/// How a server is set, as far as it says; what it does not know is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) version: u32,
    pub(super) fsync: Option<String>,
    pub(super) full_page_writes: Option<String>,
    pub(super) data_sync_retry: Option<String>,
    pub(super) synchronous_standby_names: Option<String>,
}

impl Settings {
    /// Why nothing may be sold from it, if so.
    pub(super) fn refusal(&self) -> Option<String> {
        let is = |setting: &Option<String>, value: &str| setting.as_deref() == Some(value);
        if self.version < VERSION_MIN {
            let (found, needed) = (self.version / 10_000, VERSION_MIN / 10_000);
            return Some(format!(
                "PostgreSQL `{found}`, and `{needed}` is the oldest that will do"
            ));
        }
        let unsafe_ones = [
            (is(&self.fsync, "off"), "`fsync` is off: a power cut loses what was sold"),
            (
                is(&self.full_page_writes, "off"),
                "`full_page_writes` is off: a power cut can tear what was sold",
            ),
            (
                is(&self.data_sync_retry, "on"),
                "`data_sync_retry` is on: a failed sync is tried again, and what it lost is not missed",
            ),
        ];
        let found = unsafe_ones.into_iter().find(|(is_unsafe, _)| *is_unsafe);
        found.map(|(_, reason)| reason.to_owned())
    }

    /// What whoever runs it should know.
    pub(super) fn warnings(&self) -> Vec<String> {
        let is_alone = self.synchronous_standby_names.as_deref().is_none_or(str::is_empty);
        let alone = "`synchronous_standby_names` is empty: what is sold is on one disk, and whoever \
                     promotes a standby may lose the last sales, which buyers were told of";
        is_alone.then(|| alone.to_owned()).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(fsync: &str, full_page_writes: &str, data_sync_retry: &str) -> Settings {
        let some = |value: &str| Some(value.to_owned());
        Settings {
            version: 150_018,
            fsync: some(fsync),
            full_page_writes: some(full_page_writes),
            data_sync_retry: some(data_sync_retry),
            synchronous_standby_names: some("*"),
        }
    }

    #[test]
    fn what_loses_sales_is_refused_by_name() {
        assert_eq!(set("on", "on", "off").refusal(), None);
        assert_eq!(Settings { version: 150_018, ..Settings::default() }.refusal(), None);
        let refused = [
            (set("off", "on", "off"), "`fsync`"),
            (set("on", "off", "off"), "`full_page_writes`"),
            (set("on", "on", "on"), "`data_sync_retry`"),
            (Settings { version: 110_022, ..set("on", "on", "off") }, "PostgreSQL `11`"),
        ];
        for (settings, word) in refused {
            let refusal = settings.refusal().unwrap_or_default();
            assert!(refusal.starts_with(word), "{refusal}");
        }
    }

    #[test]
    fn who_has_no_synchronous_standby_is_told_what_that_means() {
        assert_eq!(set("on", "on", "off").warnings(), Vec::<String>::new());
        let alone =
            Settings { synchronous_standby_names: Some(String::new()), ..set("on", "on", "off") };
        assert_eq!(alone.warnings().len(), 1);
    }
}
