//! Words of a command that somebody may paste into a shell. Pure.

/// `word` as a shell reads it again: in quotes where it has to be (POSIX, Shell Command Language, 2.2.2).
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_every_word_as_it_was() {
        for word in [
            "",
            "plain/word-1.txt",
            "two words",
            "it's",
            "$HOME `id` \"x\" \\ ;&|<>*?",
            "'",
            "ä\n-",
        ] {
            let command = format!("printf %s {}", shell_word(word));
            let said = Command::new("sh").arg("-c").arg(&command).output().unwrap().stdout;
            assert_eq!(String::from_utf8(said).as_deref(), Ok(word), "{command}");
        }
        assert_eq!(shell_word("tickets/hall/"), "tickets/hall/");
    }
}
