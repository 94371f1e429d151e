//! Numbers as JSON of any program has them: 7.0 is 7. Pure.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected, Visitor},
};

/// `number` where it is a whole one, and no other is read into the same float.
pub(crate) fn whole(number: f64) -> Option<i64> {
    /// From here on a float holds every second one only.
    const BEYOND: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far below what 64 bits hold")]
    let whole = number as i64;
    (number.fract() == 0.0 && number.abs() < BEYOND).then_some(whole)
}

/// The number that is written so in JSON, in one way for each: all of its digits, without an exponent where it needs no
/// more than some forty of them, and without zeros that say nothing.
pub(super) fn spelt(text: &str) -> String {
    /// As many zeros are written out at most.
    const ZEROS_MAX: i64 = 40;
    const ZEROS_MIN: i64 = -ZEROS_MAX;

    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => ("-", size),
        None => ("", text),
    };
    let (mantissa, exponent) = size.split_once(['e', 'E']).unwrap_or((size, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    // What the significant digits are multiplied by, as a power of ten.
    let moved = i64::try_from(zeros).ok().zip(i64::try_from(fraction.len()).ok());
    let power = exponent.parse::<i64>().ok().zip(moved);
    let power = power.and_then(|(power, (zeros, places))| power.checked_add(zeros - places));
    let length = i64::try_from(significant.len()).unwrap_or(i64::MAX);
    match power {
        Some(power @ 0..=ZEROS_MAX) => {
            format!("{sign}{significant}{}", "0".repeat(usize::try_from(power).unwrap_or(0)))
        }
        Some(power @ ZEROS_MIN..0) if length + power > 0 => {
            let (whole, fraction) =
                significant.split_at(usize::try_from(length + power).unwrap_or(0));
            format!("{sign}{whole}.{fraction}")
        }
        Some(power @ ZEROS_MIN..0) => {
            let zeros = "0".repeat(usize::try_from(-length - power).unwrap_or(0));
            format!("{sign}0.{zeros}{significant}")
        }
        Some(power) => format!("{sign}{significant}e{power}"),
        None => text.to_owned(),
    }
}

/// The number that is written so in JSON, where a float that it was read into is another one: all its digits, without
/// zeros at the end of a fraction.
pub(crate) fn digits_beyond_floats(text: &str) -> Option<&str> {
    /// So many digits of a decimal survive a float, whichever they are.
    const DIGITS: usize = 15;

    let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_integer {
        return (text.parse::<i64>().is_err() && text.parse::<u64>().is_err()).then_some(text);
    }
    let (mantissa, has_exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, _)) => (mantissa, true),
        None => (text, false),
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0');
    let is_read_as_written =
        || serde_json::from_str::<f64>(text).is_ok_and(|read| read.to_string() == text);
    if digits.count() <= DIGITS || is_read_as_written() {
        return None;
    }
    let without_zeros = text.trim_end_matches('0').trim_end_matches('.');
    Some(if has_exponent { text } else { without_zeros })
}

/// Reads a whole number, which other programs may write as a float; for `deserialize_with`.
///
/// # Errors
/// It is none, or none that fits.
pub(super) fn number<'de, D: Deserializer<'de>, T: Integer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Whole::deserialize(deserializer).map(|whole| whole.0)
}

/// The same where there may be none.
///
/// # Errors
/// As for [`number`].
pub(super) fn number_or_null<'de, D: Deserializer<'de>, T: Integer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Whole<T>>::deserialize(deserializer)?.map(|whole| whole.0))
}

/// The same where none is 0.
///
/// # Errors
/// As for [`number`].
pub(super) fn number_or_zero<'de, D: Deserializer<'de>, T: Integer<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    number_or_null(deserializer).map(Option::unwrap_or_default)
}

/// Types of whole numbers.
pub(super) trait Integer<'de>: Deserialize<'de> + TryFrom<u64> + TryFrom<i64> {}

impl<'de, T: Deserialize<'de> + TryFrom<u64> + TryFrom<i64>> Integer<'de> for T {}

struct Whole<T>(T);

impl<'de, T: Integer<'de>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<T>(PhantomData<T>);

        impl<'de, T: Integer<'de>> Visitor<'de> for Number<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
                let unfit = || E::invalid_value(Unexpected::Unsigned(number), &"one that fits");
                T::try_from(number).map_err(|_| unfit())
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
                let is_never_below = T::try_from(-1_i64).is_err() && number < 0;
                let expected = if is_never_below { "one from 0 on" } else { "one that fits" };
                let unfit = || E::invalid_value(Unexpected::Signed(number), &expected);
                T::try_from(number).map_err(|_| unfit())
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
                match whole(number) {
                    Some(number) => self.visit_i64(number),
                    None => Err(E::invalid_value(Unexpected::Float(number), &self)),
                }
            }
        }

        // A format that does not say what comes has no floats for them.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Number(PhantomData)).map(Self)
        } else {
            T::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_no_float_holds_are_kept() {
        for (text, kept) in [
            ("7", None),
            ("-1", None),
            ("18446744073709551615", None),
            ("18446744073709551616", Some("18446744073709551616")),
            ("-9223372036854775809", Some("-9223372036854775809")),
            ("20000000000000000001.0", Some("20000000000000000001")),
            ("0.12345678901234567890", Some("0.1234567890123456789")),
            ("0.30000000000000004", None),
            ("7.50", None),
            ("1e3", None),
            ("2.00000000000000000010e19", Some("2.00000000000000000010e19")),
        ] {
            assert_eq!(digits_beyond_floats(text), kept, "{text}");
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        for (spelling, texts) in [
            ("7", &["7", "7.0", "7e0", "0.7e1", "70e-1", "7E+0"][..]),
            ("0", &["0", "-0", "0.0", "0e9"]),
            ("-7", &["-7", "-7.00"]),
            ("20000000000000000000", &["20000000000000000000", "2e19", "2.0E+19", "0.2e20"]),
            ("20000000000000000001", &["20000000000000000001.0", "2.0000000000000000001e19"]),
            ("1.5", &["1.5", "1.50", "15e-1"]),
            ("0.015", &["0.015", "1.5e-2", "0.15e-1"]),
            ("1e300", &["1e300", "10e299"]),
            ("1e99999999999999999999", &["1e99999999999999999999"]),
        ] {
            for text in texts {
                assert_eq!(spelt(text), spelling, "{text}");
            }
        }
    }

    #[test]
    fn only_what_a_float_holds_exactly_is_whole() {
        for (number, found) in [
            (7.0, Some(7)),
            (-7.0, Some(-7)),
            (7.5, None),
            (9_007_199_254_740_991.0, Some(9_007_199_254_740_991)),
            (9_007_199_254_740_992.0, None),
            (f64::INFINITY, None),
            (f64::NAN, None),
        ] {
            assert_eq!(whole(number), found, "{number}");
        }
    }
}
