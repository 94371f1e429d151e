//! Times, each in the unit that suits it.

use super::numbers::trimmed;

/// A time in nanoseconds with at most four digits, and no zero behind them.
pub(crate) fn time(ns: f64) -> String {
    let (value, unit) = match ns.abs() {
        size if size < 1e3 => (ns, "ns"),
        size if size < 1e6 => (ns / 1e3, "µs"),
        size if size < 1e10 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{} {unit}", trimmed(value, decimals))
}

/// The same of a clock in whole nanoseconds.
pub(crate) fn time_ns(ns: u64) -> String {
    time(ns as f64)
}

/// A time in microseconds with three digits, as it stands in a column of others.
pub(crate) fn latency(us: f64) -> String {
    let (value, unit) = match us {
        _ if us < 1e3 => (us, "µs"),
        _ if us < 1e6 => (us / 1e3, "ms"),
        _ => (us / 1e6, "s"),
    };
    let decimals = match value {
        _ if value >= 99.95 => 0,
        _ if value >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let texts = [0.0, 12.0, 1500.0, 31_260_000.0, 999_000_000.0, 12e9].map(time);
        assert_eq!(texts, ["0 ns", "12 ns", "1.5 µs", "31.3 ms", "999 ms", "12 s"]);
    }

    #[test]
    fn latencies_have_three_digits() {
        let texts = [0.0, 7.4, 123.4, 1_234.0, 99_960.0, 12_345_678.0].map(latency);
        assert_eq!(texts, ["0.00 µs", "7.40 µs", "123 µs", "1.23 ms", "100 ms", "12.3 s"]);
    }
}
