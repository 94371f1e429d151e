//! What flags of several commands take: whole numbers and addresses.

use std::{net::SocketAddr, ops::RangeInclusive};

/// What reads a whole number of `range`, also as `10k` and `2m`.
///
/// # Errors
/// Says what it would take.
pub(crate) fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let expected = || match (range.start(), range.end()) {
            (least, most) if *most >= u64::from(u32::MAX) => {
                format!("expected a whole number from {least} on, as in `500`, `10k` or `2m`")
            }
            (least, most @ ..1000) => format!("expected a whole number from {least} to {most}"),
            (least, most) => {
                format!("expected a whole number from {least} to {most}, as in `500` or `1k`")
            }
        };
        let (digits, times) = match text.chars().next_back().map(|unit| unit.to_ascii_lowercase()) {
            Some('k') => (&text[..text.len() - 1], 1_000),
            Some('m') => (&text[..text.len() - 1], 1_000_000),
            _ => (text, 1),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(expected());
        }
        let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(times));
        match number.filter(|number| number <= range.end()) {
            None if *range.end() >= u64::from(u32::MAX) => {
                Err(format!("more than {}", range.end()))
            }
            Some(number) if number >= *range.start() => T::try_from(number).map_err(|_| expected()),
            None | Some(_) => Err(expected()),
        }
    }
}

/// Reads an address with its port.
///
/// # Errors
/// Says what it would take.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_have_a_unit() {
        let read = whole::<u64>(1..=1_000_000_000_000);
        assert_eq!((read("7"), read("10k"), read("2M")), (Ok(7), Ok(10_000), Ok(2_000_000)));
        for text in
            ["", "0", "0k", "-1", "1.5k", "k", "10kk", "10g", "99999999999999999999", "2000000m"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_taken_is_said() {
        for (said, text) in [
            (whole::<u32>(1..=100)("many"), "a whole number from 1 to 100"),
            (whole::<u32>(0..=10_000)("-1"), "from 0 to 10000, as in `500` or `1k`"),
            (whole::<u32>(1..=10_000)("99k"), "from 1 to 10000"),
            (whole::<u64>(0..=u64::MAX)("1x").map(|_| 0), "from 0 on, as in `500`, `10k` or `2m`"),
            (address("localhost:9").map(|_| 0), "an IP address and a port"),
        ] {
            assert!(said.as_ref().is_err_and(|said| said.contains(text)), "{text}: {said:?}");
        }
    }
}
