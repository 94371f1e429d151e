//! Who keeps everybody else from a ledger.

/// A process that holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The number of the process that took it.
    pub process: u32,
    /// Whether that one has ended, and something that it started holds on.
    pub has_ended: bool,
}

/// Names the holders of a lock, as in ` by process 4711`.
pub fn by_whom(holders: &[Holder]) -> String {
    let name = |holder: &Holder| match holder {
        Holder { process, has_ended: false } => process.to_string(),
        Holder { process, has_ended: true } => {
            format!("{process} (it has ended, and something that it started holds on)")
        }
    };
    let names: Vec<_> = holders.iter().map(name).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(" by process {one}"),
        more => format!(" by the processes {}", more.join(", ")),
    }
}
