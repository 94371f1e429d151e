//! How numbers, lists and long sentences are written for people.

use crate::setup::Mode;

const COLUMNS: usize = 80;

/// Breaks `text` between words into lines of at most 80 columns; a longer word stays whole.
pub(crate) fn paragraph(text: &str) -> String {
    paragraph_of(text, COLUMNS)
}

/// The same for another width.
pub(super) fn paragraph_of(text: &str, columns: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// A number with its noun, as in "1 ticket" and "2 tickets".
pub(crate) fn counted(number: u64, (one, many): (&str, &str)) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// So many workers by what they are, as in "100 processes".
pub(crate) fn crowd(workers: u32, mode: Mode) -> String {
    let names = match mode {
        Mode::Process => ("process", "processes"),
        Mode::Thread => ("thread", "threads"),
        Mode::Task => ("task", "tasks"),
    };
    counted(u64::from(workers), names)
}

/// A time in microseconds, in the unit that suits it, with three digits.
pub(super) fn latency(us: f64) -> String {
    let (value, unit) = match us {
        _ if us < 1_000.0 => (us, "µs"),
        _ if us < 1_000_000.0 => (us / 1_000.0, "ms"),
        _ => (us / 1_000_000.0, "s"),
    };
    let digits = match value {
        _ if value >= 99.95 => 0,
        _ if value >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// "a", "a and b", "a, b, and c".
pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn latencies_have_three_digits() {
        for (us, text) in [
            (0.0, "0.00 µs"),
            (7.4, "7.40 µs"),
            (123.4, "123 µs"),
            (1_234.0, "1.23 ms"),
            (99_960.0, "100 ms"),
            (12_345_678.0, "12.3 s"),
        ] {
            assert_eq!(latency(us), text);
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_word_is_lost(words in prop::collection::vec("[a-zü]{1,20}", 0..60)) {
            let text = words.join(" ");
            let broken = paragraph(&text);
            prop_assert!(broken.lines().all(|line| line.chars().count() <= COLUMNS));
            prop_assert_eq!(broken.replace('\n', " "), text);
        }
    }
}
