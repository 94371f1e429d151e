//! Durations as people write them: `10ms`, `0.1s`, `2m`, `1h30m`.

use std::time::Duration;

/// The longest duration that a flag takes: one day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads numbers with their units, from nothing to one day.
///
/// # Errors
/// Says what is wrong with the text: no number, no unit, finer than a nanosecond, or too long.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| match error {
        humantime::DurationError::NumberOverflow => {
            "longer than `24h`, which is the longest, or finer than a nanosecond".to_owned()
        }
        _ => "expected a number and a unit, as in `10ms`, `0.1s`, `2m` or `1h30m`".to_owned(),
    })?;
    if duration > LONGEST {
        return Err("longer than `24h`, which is the longest".to_owned());
    }
    Ok(duration)
}

/// Writes `duration` as people do: `100ms`, `1h 30m`.
pub(crate) fn format(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_units_are_exact() {
        for (text, ns) in [
            ("10ms", 10_000_000),
            ("0.1s", 100_000_000),
            ("0s", 0),
            ("1.50us", 1_500),
            ("1.5h", 5_400_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("24h", 86_400_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "10", "ms", "1.2.3s", "-1s", "0.1ns", "25h", "1e3ms", "NaNs", "99999999999999999s"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("86401s").unwrap_err().contains("`24h`"));
    }
}
