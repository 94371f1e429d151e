//! Numbers, with their nouns and in rows.

use std::fmt;

use crate::setup::Mode;

/// A number with its noun, as in "1 ticket" and "2 tickets".
pub(crate) fn counted(number: impl fmt::Display, (one, many): (&str, &str)) -> String {
    let number = number.to_string();
    format!("{number} {}", if number == "1" { one } else { many })
}

/// The same of a number that may be large, as in "12,345 tickets".
pub(crate) fn counted_grouped(number: impl TryInto<i128>, nouns: (&str, &str)) -> String {
    counted(grouped(number), nouns)
}

/// So many workers by what they are, as in "100 processes".
pub(crate) fn crowd(workers: u32, mode: Mode) -> String {
    let names = match mode {
        Mode::Process => ("process", "processes"),
        Mode::Thread => ("thread", "threads"),
        Mode::Task => ("task", "tasks"),
    };
    counted(workers, names)
}

/// Groups digits by commas, from five digits on, and writes a real minus.
pub(crate) fn grouped(number: impl TryInto<i128>) -> String {
    let number = number.try_into().unwrap_or(i128::MAX);
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "−" } else { "" }.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len() > 4 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The same of a whole number that came out of a scale.
#[expect(clippy::cast_possible_truncation, reason = "a count is far below what 128 bits hold")]
pub(crate) fn grouped_f64(number: f64) -> String {
    grouped(number.round() as i128)
}

/// `value` with at most so many decimals, none of them a zero at the end.
pub(crate) fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => &text,
    };
    match text.strip_prefix('-') {
        Some("0") => "0".to_owned(),
        Some(size) => format!("−{size}"),
        None => text.to_owned(),
    }
}

/// "a", "a and b", "a, b, and c".
pub(crate) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_have_a_real_minus() {
        assert_eq!(
            [-90, 9999, -12345].map(|number: i64| grouped(number)),
            ["−90", "9999", "−12,345"]
        );
        let tickets = ("ticket", "tickets");
        assert_eq!([counted(0, tickets), counted(1_u64, tickets)], ["0 tickets", "1 ticket"]);
        assert_eq!(counted_grouped(-12345, tickets), "−12,345 tickets");
        assert_eq!([trimmed(-0.001, 2), trimmed(-1.50, 2)], ["0", "−1.5"]);
    }
}
