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

/// Reads a time of whole seconds, from one second to a day.
///
/// # Errors
/// It is none.
pub(crate) fn whole_seconds(text: &str) -> Result<u64, String> {
    let time = parse(text)?;
    let is_whole = time.subsec_nanos() == 0 && !time.is_zero();
    let seconds = is_whole.then_some(time.as_secs());
    seconds.ok_or_else(|| "expected whole seconds, from `1s` on".to_owned())
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
    fn seconds_are_whole() {
        assert_eq!((whole_seconds("1s"), whole_seconds("2m")), (Ok(1), Ok(120)));
        for text in ["", "0s", "1.5s", "100ms", "25h", "5"] {
            assert!(whole_seconds(text).is_err(), "{text}");
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
