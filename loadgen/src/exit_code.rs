//! How a `loadgen` program ends: the exit codes that scripts rely on.

/// Everything that was judged is valid, and every unsafe run was caught.
pub const VALID: u8 = 0;

/// A run that had to be safe has a violation.
pub const VIOLATION: u8 = 1;

/// The command line cannot be carried out: a wrong flag, or more than this machine allows.
pub const USAGE: u8 = 2;

/// The judge could not decide, or had nothing to decide on.
pub const UNKNOWN: u8 = 3;

/// Something failed that is nobody's answer: a server that does not start, a full disk.
pub const INTERNAL: u8 = 70;

/// A threshold was missed.
pub const THRESHOLD: u8 = 99;

/// Ended by Ctrl-C or a signal; nothing is left behind.
pub const INTERRUPTED: u8 = 130;

/// Where a show that came to `code` could not keep all that it was asked to, for which `lost` stands: what was found to
/// be wrong is told all the same, and so is that it was interrupted.
pub(crate) fn or_lost(code: u8, lost: Option<u8>) -> u8 {
    lost.filter(|_| ![VIOLATION, INTERRUPTED].contains(&code)).unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_is_lost_hides_neither_a_violation_nor_an_interruption() {
        for (code, lost, ends) in [
            (VALID, None, VALID),
            (VALID, Some(INTERNAL), INTERNAL),
            (UNKNOWN, Some(INTERNAL), INTERNAL),
            (THRESHOLD, Some(INTERNAL), INTERNAL),
            (VIOLATION, Some(INTERNAL), VIOLATION),
            (INTERRUPTED, Some(INTERNAL), INTERRUPTED),
        ] {
            assert_eq!(or_lost(code, lost), ends, "{code}");
        }
    }
}
