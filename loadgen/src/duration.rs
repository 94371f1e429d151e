//! Durations as people write them: `10ms`, `0.1s`, `2m`, `1h`.
//!
//! The arithmetic is in whole nanoseconds, so that `0.1s` is exactly 100,000,000 of them.

use std::time::Duration;

/// The longest duration that a flag takes: one day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

const TOO_LONG: &str = "longer than `24h`, which is the longest";

const UNITS_NS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a decimal number with a unit (`ns`, `us`, `ms`, `s`, `m` or `h`), from nothing to one day.
///
/// # Errors
/// Says what is wrong with the text: no number, no unit, finer than a nanosecond, or too long.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let Some((_, unit_ns)) = UNITS_NS.iter().find(|(name, _)| *name == unit) else {
        return Err("expected a number and a unit, as in `10ms`, `0.1s`, `1m` or `2h`".to_owned());
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || number.ends_with('.') {
        return Err("expected a number before the unit, as in `10ms` or `0.1s`".to_owned());
    }
    let ns = nanoseconds(whole, fraction, *unit_ns)?;
    let duration = Duration::from_nanos(ns);
    if duration > LONGEST {
        return Err(TOO_LONG.to_owned());
    }
    Ok(duration)
}

fn nanoseconds(whole: &str, fraction: &str, unit_ns: u64) -> Result<u64, String> {
    let whole: u64 = whole.parse().map_err(|_| TOO_LONG.to_owned())?;
    let mut ns = whole.checked_mul(unit_ns).ok_or_else(|| TOO_LONG.to_owned())?;
    let mut digit_ns = unit_ns;
    for digit in fraction.trim_end_matches('0').bytes() {
        if !digit_ns.is_multiple_of(10) {
            return Err("finer than a nanosecond".to_owned());
        }
        digit_ns /= 10;
        ns = ns
            .checked_add(u64::from(digit - b'0') * digit_ns)
            .ok_or_else(|| TOO_LONG.to_owned())?;
    }
    Ok(ns)
}

/// Writes `duration` in the largest unit up to seconds that gives a whole number: `100ms`, `2s`.
pub(crate) fn format(duration: Duration) -> String {
    let ns = duration.as_nanos();
    UNITS_NS[..4]
        .iter()
        .rev()
        .find(|(_, unit_ns)| ns.is_multiple_of(u128::from(*unit_ns)))
        .filter(|_| ns > 0)
        .map_or_else(
            || "0ms".to_owned(),
            |(unit, unit_ns)| format!("{}{unit}", ns / u128::from(*unit_ns)),
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_and_units_are_exact() {
        for (text, ns) in [
            ("10ms", 10_000_000),
            ("0.1s", 100_000_000),
            ("0.2s", 200_000_000),
            ("1s", 1_000_000_000),
            ("0ms", 0),
            ("1.50us", 1_500),
            ("2m", 120_000_000_000),
            ("7ns", 7),
            ("2h", 7_200_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("24h", 86_400_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "10",
            "ms",
            ".5s",
            "1.s",
            "1.2.3s",
            "-1s",
            "1 s",
            "1d",
            "0.1ns",
            "1h30m",
            "24.1h",
            "1441m",
            "1e3ms",
            "NaNs",
            "infs",
            "1000000000000000000000000000000s",
            "99999999999999999s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_told_the_limit() {
        for text in ["25h", "86401s", "99999999999999999h"] {
            assert!(parse(text).unwrap_err().contains("`24h`"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(ns in 0_u64..86_400_000_000_000) {
            let duration = Duration::from_nanos(ns);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }
    }
}
