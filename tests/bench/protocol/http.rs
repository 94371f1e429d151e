//! HTTP/1.1 with keep-alive: the status and the `Content-Length` of an answer.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};

use super::{Answer, Protocol};

/// Buys one ticket from the server at `address`.
pub(crate) fn buy(address: SocketAddr) -> Protocol {
    let request = format!("POST /buy HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    Protocol { greetings: Vec::new(), request: request.into(), read: |bytes| read(bytes, b"201") }
}

/// Asks the server at `address` what is left.
pub(crate) fn search(address: SocketAddr) -> Protocol {
    let request = format!("GET /search HTTP/1.1\r\nHost: {address}\r\n\r\n");
    Protocol { greetings: Vec::new(), request: request.into(), read: |bytes| read(bytes, b"200") }
}

/// A call of the server at `address` that changes something: `body` is JSON, and `token` the operator's.
pub(crate) fn post(address: SocketAddr, path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let (host, length) = (format!("Host: {address}"), body.len());
    let kind = format!("Content-Type: application/json\r\nContent-Length: {length}");
    format!("POST {path} HTTP/1.1\r\n{host}\r\n{token}{kind}\r\n\r\n{body}").into()
}

/// The first number behind the member `name` of an answer, which may be the first of a list.
pub(crate) fn number(answer: &[u8], name: &str) -> anyhow::Result<u64> {
    let text = str::from_utf8(answer)?;
    let (_, value) = text.split_once(&format!("\"{name}\":")).context("no such member")?;
    let digits = value.trim_start_matches('[').split(|char: char| !char.is_ascii_digit()).next();
    let number = digits.and_then(|digits| digits.parse().ok());
    number.with_context(|| format!("no number `{name}` in {text}"))
}

/// Reads an answer; it is wanted when it has the status `wanted`.
fn read(bytes: &[u8], wanted: &[u8; 3]) -> anyhow::Result<Option<Answer>> {
    let Some(head_end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, body) = bytes.split_at(head_end + 4);
    let Some(status) = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)) else {
        bail!("no HTTP/1.1 but `{}`", String::from_utf8_lossy(bytes));
    };
    let length = content_length(head).context("an answer without a `Content-Length`")?;
    let whole = Answer { length: head.len() + length, is_wanted: status == wanted };
    Ok((body.len() >= length).then_some(whole))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let mut lines = head.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then_some(value)
    })?;
    str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLD: &[u8] = b"HTTP/1.1 201 Created\r\nx: y\r\ncontent-length: 2\r\n\r\n{}";

    #[test]
    fn sale_is_told_once_it_is_whole() {
        let whole = Answer { length: SOLD.len(), is_wanted: true };
        assert_eq!(read(SOLD, b"201").unwrap(), Some(whole));
        for end in 0..SOLD.len() {
            assert_eq!(read(&SOLD[..end], b"201").unwrap(), None, "{end}");
        }
    }

    #[test]
    fn numbers_are_found_by_their_names() {
        let sold = br#"{"tickets":[17,18],"remaining":97,"revision":3,"receipt":"7"}"#;
        assert_eq!(number(sold, "tickets").unwrap(), 17);
        assert_eq!(number(sold, "remaining").unwrap(), 97);
        assert!(number(sold, "receipt").is_err() && number(sold, "count").is_err());
    }

    #[test]
    fn another_status_is_not_wanted() {
        let answer = b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n";
        assert!(!read(answer, b"201").unwrap().unwrap().is_wanted);
    }

    #[test]
    fn answer_without_a_length_is_refused() {
        assert!(read(b"HTTP/1.1 201 Created\r\n\r\n", b"201").is_err());
        assert!(read(b"SSH-2.0\r\n\r\n", b"201").is_err());
    }
}
