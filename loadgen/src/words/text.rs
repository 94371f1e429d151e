//! Sentences and long texts.

/// How wide a terminal is taken to be.
const COLUMNS: usize = 80;

/// The longest text of a history that is shown whole, in characters.
const TEXT_MAX: usize = 400;

/// Breaks `text` between words into lines of at most 80 columns; a longer word stays whole.
pub(crate) fn paragraph(text: &str) -> String {
    indented(text, 0)
}

/// The same, each line `by` columns in.
pub(crate) fn indented(text: &str, by: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{:by$}{word}", "")),
        }
    }
    lines.join("\n")
}

/// The colours of our own words and tables; nothing else may speak to a terminal.
const COLOURS: [&str; 10] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[38;5;9m",
    "\u{1b}[38;5;10m",
    "\u{1b}[38;5;11m",
    "\u{1b}[39m",
];

/// `text`, in which somebody may be quoted, as it may be shown: on a terminal, on a page, to a CI. Nothing in it speaks to
/// these instead of to people.
pub(crate) fn harmless(text: &str) -> String {
    harmless_but(&[], text)
}

/// The same of our own words, in which whoever is quoted is plain already: our colours stay.
pub(crate) fn harmless_but_colours(text: &str) -> String {
    harmless_but(&COLOURS, text)
}

fn harmless_but(kept: &[&str], text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let known = kept.iter().find(|kept| rest.starts_with(**kept));
        let length = known.map_or(character.len_utf8(), |known| known.len());
        let (piece, after) = rest.split_at(length);
        let is_shown = known.is_some() || !is_control(character);
        let is_end_of_line = piece == "\r" && after.starts_with('\n');
        plain.push_str(match (is_shown, is_end_of_line) {
            (true, _) => piece,
            (false, true) => "",
            (false, false) => "\u{fffd}",
        });
        rest = after;
    }
    plain
}

/// Whether it speaks to the terminal, turns the direction of what follows (Unicode, UAX 9), or cannot stand in XML.
pub(crate) fn is_control(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    }
}

/// A fragment as a sentence: with a capital letter and a full stop.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let stop = if fragment.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
}

/// `text`, cut where it is too long to be read.
pub(crate) fn clipped(text: &str) -> String {
    clipped_to(text, TEXT_MAX)
}

/// `text`, cut after so many characters.
pub(crate) fn clipped_to(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(clipped_to("äöü", 2), "äö…");
        assert_eq!(clipped_to("äöü", 3), "äöü");
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_word_is_lost(
            words in prop::collection::vec("[a-zü]{1,20}", 0..60),
            by in 0_usize..9,
        ) {
            let text = words.join(" ");
            let broken = indented(&text, by);
            prop_assert!(broken.lines().all(|line| line.chars().count() <= COLUMNS));
            let whole = broken.lines().map(|line| &line[by..]).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(whole, text);
        }
    }

    #[test]
    fn nothing_but_our_own_colours_speaks_to_a_terminal() {
        let said = "\u{1b}[1m\u{1b}[31mviolation\u{1b}[0m\tä\r\n\u{1b}[2J\u{1b}]52;c;eA==\u{7}\r\u{9b}2J\u{202e}";
        let rest = "\tä\n\u{fffd}[2J\u{fffd}]52;c;eA==\u{fffd}\u{fffd}\u{fffd}2J\u{fffd}";
        assert_eq!(
            harmless_but_colours(said),
            format!("\u{1b}[1m\u{1b}[31mviolation\u{1b}[0m{rest}")
        );
        assert_eq!(harmless(said), format!("\u{fffd}[1m\u{fffd}[31mviolation\u{fffd}[0m{rest}"));
    }
}
