//! The runner of GitHub Actions, which takes commands from what a step prints: what a shop says is none of them.
//!
//! It looks at both, what goes to stdout and what goes to stderr, line by line (`actions/runner`, `ActionCommand.cs`).

use std::env;

use crate::words::{harmless, harmless_but_colours, is_control};

/// Whether GitHub Actions runs this.
pub(crate) fn is_on_github() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// `text` as a terminal or a runner may read it: what a shop says in it, such as the name of a ticket, is no command
/// there.
pub(crate) fn for_runner(text: &str) -> String {
    let text = harmless(text);
    if is_on_github() { without_commands(&text) } else { text }
}

/// The same of a text that has our colours, and in which what a shop says is plain already.
pub(crate) fn coloured_for_runner(text: String) -> String {
    let text = if text.contains(is_control) { harmless_but_colours(&text) } else { text };
    if is_on_github() { without_commands(&text) } else { text }
}

/// The same of `json`, which stays the same value.
pub(crate) fn json_for_runner(json: String) -> String {
    let json = json_without_controls(json);
    if is_on_github() { json_without_commands(&json) } else { json }
}

/// JSON has its own escapes for the first 32, and none has to be written for the others.
pub(crate) fn json_without_controls(json: String) -> String {
    let is_other = |character: char| character > ' ' && is_control(character);
    if !json.contains(is_other) {
        return json;
    }
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if is_other(character) {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// What begins a command of the first runners, wherever it stands.
const ANYWHERE: &str = "##[";

/// A command is a line that begins with two colons, behind white space and colours that are taken out.
fn without_commands(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string().replace('\r', " ");
    let mut safe = String::new();
    for line in plain.split_inclusive('\n') {
        if line.trim_start().starts_with("::") {
            safe.push('|');
        }
        safe.push_str(&line.replace(ANYWHERE, "# #["));
    }
    safe
}

/// No line of JSON begins with a colon, and only a text can have the other kind in it.
fn json_without_commands(json: &str) -> String {
    json.replace(ANYWHERE, "#\\u0023[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_shop_says_is_a_command() {
        let said =
            "a\n::error::x\n  \u{1b}[31m::add-mask::y\r::stop-commands::z\nb ::c ##[error]d\n";
        assert_eq!(
            without_commands(said),
            "a\n|::error::x\n|  ::add-mask::y ::stop-commands::z\nb ::c # #[error]d\n"
        );
    }

    #[test]
    fn json_without_commands_is_the_same_value() {
        let value = serde_json::json!({
            "ticket": "##[error]x \n::error::y\r::z", "###[": ["##["], "\u{9b}2J": "\u{202e}\u{7f}ä"
        });
        for json in [value.to_string(), format!("{value:#}")] {
            let safe = json_without_commands(&json_without_controls(json));
            assert!(!safe.contains("##["), "{safe}");
            assert!(!safe.contains(is_control), "{safe}");
            let is_command = |line: &str| line.trim_start().starts_with("::");
            assert!(!safe.split(['\n', '\r']).any(is_command), "{safe}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        }
    }
}
