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
