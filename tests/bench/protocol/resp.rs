//! Redis's protocol: a command is an array of strings, an answer begins with its type
//! (<https://redis.io/docs/latest/develop/reference/protocol-spec/>, version 2).

use anyhow::{Context as _, bail};

use super::{Answer, Protocol};

/// Sends `command` again and again; its answer has to be a number above 0.
pub(crate) fn repeat(command: &[&str]) -> Protocol {
    Protocol { greetings: Vec::new(), request: encode(command), read }
}

/// A command as bytes.
pub(crate) fn encode(command: &[&str]) -> Vec<u8> {
    let words = command.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", command.len(), words.collect::<String>()).into()
}

/// Reads an answer: a line of text, a number or one string; wanted is a number above 0.
pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    let line = str::from_utf8(&bytes[..end])?;
    let after_line = end + 2;
    let number = || line.get(1..).unwrap_or_default().parse::<i64>().context("no number");
    match line.as_bytes().first() {
        Some(b'+') => Ok(Some(Answer { length: after_line, is_wanted: false })),
        Some(b':') => Ok(Some(Answer { length: after_line, is_wanted: number()? > 0 })),
        Some(b'$') => {
            let string = usize::try_from(number()?).context("nothing is kept there")?;
            let length = after_line + string + 2;
            Ok((bytes.len() >= length).then_some(Answer { length, is_wanted: false }))
        }
        _ => bail!("an error or no RESP: `{line}`"),
    }
}

/// The text of an answer that [`read`] has found to be whole.
pub(crate) fn text(answer: &[u8]) -> anyhow::Result<&str> {
    let mut lines = str::from_utf8(answer)?.lines();
    let first = lines.next().context("an empty answer")?;
    match first.strip_prefix('$') {
        Some(_) => lines.next().context("a string without its text"),
        None => first.get(1..).context("an answer without its type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_above_0_is_a_sale() {
        let is_sale = |answer: &[u8]| read(answer).unwrap().unwrap().is_wanted;
        assert!(is_sale(b":7\r\n"));
        assert!(!is_sale(b":0\r\n"));
        assert!(!is_sale(b":-1\r\n"));
        assert!(!is_sale(b"+PONG\r\n"));
        assert!(read(b"-NOSCRIPT No matching script\r\n").is_err());
    }

    #[test]
    fn string_is_told_once_it_is_whole() {
        let answer = b"$3\r\nabc\r\n";
        for end in 0..answer.len() {
            assert_eq!(read(&answer[..end]).unwrap(), None, "{end}");
        }
        assert_eq!(read(answer).unwrap().map(|answer| answer.length), Some(answer.len()));
        assert_eq!(text(answer).unwrap(), "abc");
        assert_eq!(text(b":12\r\n").unwrap(), "12");
    }

    #[test]
    fn command_is_an_array_of_strings() {
        assert_eq!(encode(&["GET", "count"]), b"*2\r\n$3\r\nGET\r\n$5\r\ncount\r\n");
    }
}
