//! The command line of a run, for its page.

/// As it was typed, the program by its name alone.
pub(crate) fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    shown(words)
}

/// The words in a row; of header fields the names alone, and no command: a page is passed on, a password is not.
fn shown(words: impl Iterator<Item = String>) -> String {
    let mut line = "loadgen".to_owned();
    let mut is_field = false;
    let mut is_command = false;
    for word in words {
        if std::mem::take(&mut is_command) {
            line.push_str(" '…'");
            continue;
        }
        is_command = word == "--reset";
        if word.starts_with("--reset=") {
            line.push_str(" --reset='…'");
            continue;
        }
        // `-H` may stand behind other letters: `-kH`.
        let flag = ["--header=", "-H", "-kH"].into_iter().find(|flag| word.starts_with(flag));
        let is_attached = flag.is_some_and(|flag| word.len() > flag.len());
        let name = word.split_once(':').filter(|_| is_field || is_attached);
        line.push(' ');
        match name {
            Some((name, _)) => line.push_str(&format!("'{name}: …'")),
            None => line.push_str(&word),
        }
        is_field = ["-H", "-kH", "--header"].contains(&word.as_str());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_field_is_drawn() {
        let words =
            ["run", "http://x", "-H", "A: secret", "-HB:secret", "--header=C: secret", "-c"];
        let line = shown(words.into_iter().map(str::to_owned));
        assert_eq!(line, "loadgen run http://x -H 'A: …' '-HB: …' '--header=C: …' -c");
        let words = ["run", "-kH", "A: secret", "-kHB: secret"];
        let line = shown(words.into_iter().map(str::to_owned));
        assert_eq!(line, "loadgen run -kH 'A: …' '-kHB: …'");
    }

    #[test]
    fn no_command_is_drawn() {
        let words = ["run", "--reset", "curl -u me:secret shop", "--reset=mysql -psecret", "-c"];
        let line = shown(words.into_iter().map(str::to_owned));
        assert_eq!(line, "loadgen run --reset '…' --reset='…' -c");
    }
}
