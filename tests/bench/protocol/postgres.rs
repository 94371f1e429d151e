//! PostgreSQL's protocol, version 3, without a password: the start, a simple query, and a
//! statement that is prepared once and executed again and again
//! (<https://www.postgresql.org/docs/15/protocol-message-formats.html>).

use anyhow::bail;

use super::{Answer, Protocol};

/// The type of a message and its length, in bytes.
const HEADER_BYTES: usize = 5;

/// Executes `statement`, prepared once a connection; its answer has to have a row.
pub(crate) fn repeat(user: &str, database: &str, statement: &str) -> Protocol {
    let prepare = [
        message(b'P', &[b"sell\0", statement.as_bytes(), b"\0", &0_u16.to_be_bytes()]),
        message(b'S', &[]),
    ];
    let execute = [
        message(b'B', &[b"\0sell\0", &[0; 6]]),
        message(b'E', &[b"\0", &0_u32.to_be_bytes()]),
        message(b'S', &[]),
    ];
    let greetings = vec![start(user, database), prepare.concat()];
    Protocol { greetings, request: execute.concat(), read }
}

/// What opens a connection.
pub(crate) fn start(user: &str, database: &str) -> Vec<u8> {
    const VERSION: u32 = 3 << 16;
    let body = format!("user\0{user}\0database\0{database}\0\0");
    let framed = message(b' ', &[&VERSION.to_be_bytes(), body.as_bytes()]);
    // The first message of all has no type.
    framed[1..].to_vec()
}

/// One or more statements, separated by semicolons.
pub(crate) fn query(statements: &str) -> Vec<u8> {
    message(b'Q', &[statements.as_bytes(), b"\0"])
}

/// Reads all messages up to `ReadyForQuery`; wanted is an answer that has a row.
pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Option<Answer>> {
    let (mut rest, mut is_wanted) = (bytes, false);
    while let Some((kind, body, after)) = next(rest) {
        rest = after;
        match kind {
            b'D' => is_wanted = true,
            b'E' => bail!("PostgreSQL: {}", String::from_utf8_lossy(body).replace('\0', " ")),
            b'R' if body != [0; 4] => bail!("PostgreSQL asks for a password"),
            b'Z' => return Ok(Some(Answer { length: bytes.len() - rest.len(), is_wanted })),
            _ => {}
        }
    }
    Ok(None)
}

/// The columns of the last row in `answer`, as text; nothing where there is no row.
pub(crate) fn last_row(answer: &[u8]) -> Vec<String> {
    let (mut rest, mut row) = (answer, Vec::new());
    while let Some((kind, body, after)) = next(rest) {
        rest = after;
        if kind == b'D' {
            row = columns(body.get(2..).unwrap_or_default());
        }
    }
    row
}

fn columns(mut body: &[u8]) -> Vec<String> {
    let mut columns = Vec::new();
    while let Some((length, after)) = body.split_first_chunk() {
        // A length of -1 is a null, without bytes.
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
        let (text, after) = after.split_at(length.min(after.len()));
        columns.push(String::from_utf8_lossy(text).into_owned());
        body = after;
    }
    columns
}

/// The first message's type and body, and what comes after it; `None` while it is not whole.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let [kind, length @ ..] = *header;
    // The length counts itself and not the type.
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?;
    let (body, after) = rest.split_at_checked(length)?;
    Some((kind, body, after))
}

fn message(kind: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = u32::try_from(body.len() + 4).expect("our messages are short");
    [&[kind], &length.to_be_bytes()[..], &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Vec<u8> {
        message(b'Z', &[b"I"])
    }

    #[test]
    fn row_makes_a_sale_once_the_answer_is_whole() {
        let row = message(b'D', &[&1_u16.to_be_bytes(), &2_u32.to_be_bytes(), b"42"]);
        let sold = [row, message(b'C', &[b"INSERT 0 1\0"]), ready()].concat();
        for end in 0..sold.len() {
            assert_eq!(read(&sold[..end]).unwrap(), None, "{end}");
        }
        let whole = Answer { length: sold.len(), is_wanted: true };
        assert_eq!(read(&sold).unwrap(), Some(whole));
        assert_eq!(last_row(&sold), ["42"]);
    }

    #[test]
    fn answer_without_a_row_is_no_sale() {
        let sold_out = [message(b'C', &[b"INSERT 0 0\0"]), ready()].concat();
        assert!(!read(&sold_out).unwrap().unwrap().is_wanted);
        assert_eq!(last_row(&sold_out), [""; 0]);
    }

    #[test]
    fn error_is_refused() {
        assert!(read(&message(b'E', &[b"SERROR\0Mno such table\0\0"])).is_err());
    }

    #[test]
    fn request_for_a_password_is_refused() {
        assert!(read(&message(b'R', &[&3_u32.to_be_bytes()])).is_err());
    }
}
