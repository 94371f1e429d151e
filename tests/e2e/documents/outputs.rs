//! What the commands of a document write, beside what the document says they do.

use super::script::{MARK, command, run_blocks};

/// Complains about each `console` command in `text` that wrote something else than stands below it.
///
/// `…` stands for anything. A word of digits and letters, such as a receipt or a date, and a number of eight digits
/// or more, such as a time, may be another one.
pub(super) fn differences(text: &str, stdout: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, wanted) in documented(text) {
        let begin = format!("{MARK}{number}\n");
        let written = stdout.split_once(&begin).map_or("", |(_, rest)| rest);
        let written = written.split_once(&format!("\n{MARK}")).map_or(written, |(this, _)| this);
        let (wanted, written) = (masked(&wanted), masked(written));
        if !is_like(&written, &wanted) {
            complaints.push(format!("line {number} says:\n{wanted}\nand it wrote:\n{written}"));
        }
    }
    complaints
}

/// The line of each command in a `console` block, and what stands below it.
fn documented(text: &str) -> Vec<(usize, String)> {
    let mut documented: Vec<(usize, String)> = Vec::new();
    for fence in run_blocks(text).iter().filter(|fence| fence.info == "console") {
        for (number, line) in &fence.lines {
            match (command(fence, line), documented.last_mut()) {
                (Some(_), _) => documented.push((*number, String::new())),
                (None, Some((_, output))) => *output += &format!("{line}\n"),
                (None, None) => {}
            }
        }
    }
    documented
}

/// `text` without what is another one each time, and without white space at the ends of lines.
fn masked(text: &str) -> String {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || "_-:.".contains(c);
    let mut masked = String::new();
    for piece in text.split_inclusive(|c| !is_of_word(c)) {
        let word = piece.trim_end_matches(|c| !is_of_word(c));
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let is_mixed = word.len() >= 8 && digits > 0 && digits < word.len();
        // One receipt in forty has no digit behind its zeros.
        let has = |case: fn(&char) -> bool| word.chars().any(|letter| case(&letter));
        let is_token =
            word.len() >= 24 && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
        let is_passing = is_mixed || is_token || (digits == word.len() && digits >= 8);
        masked += if is_passing { "*" } else { word };
        masked += &piece[word.len()..];
    }
    let lines: Vec<&str> = masked.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Whether `text` is `pattern`, in which `…` stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, between)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in between {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn another_output_is_named_with_its_line() {
    let text = "```console\n$ a\n{\"left\":5,\"receipt\":\"AAAAAAAB17\"}\n$ b\nx … y\n```\n";
    let right = "\n@@ line 2\n{\"left\":5,\"receipt\":\"AAAAAAAC99\"}\n@@ line 4\nx 1 y\n";

    assert_eq!(differences(text, right), Vec::<String>::new());
    let letters = right.replace("AAAAAAAC99", "AAAAAAAAAATeHzSzdW-iWmrinAYJKMrR");
    assert_eq!(differences(text, &letters), Vec::<String>::new());
    for (from, to, line) in [("5", "6", "line 2"), ("x 1", "1", "line 4"), ("y\n", "z\n", "line 4")]
    {
        let complaints = differences(text, &right.replacen(from, to, 1));
        assert!(complaints.len() == 1 && complaints[0].starts_with(line), "{complaints:?}");
    }
}
