//! Where the counters of this suite are kept: in files.

pub(crate) use e2e::Counter;
