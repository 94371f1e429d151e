//! The head of an HTTP/1.1 answer, and how long the body behind it is. Pure.

use std::mem::MaybeUninit;

use super::failure::Failure;

/// The longest head that is read, in bytes.
pub(super) const HEAD_MAX: usize = 16 * 1024;

/// The longest body that is read, in bytes.
pub(super) const BODY_MAX: usize = 1024 * 1024;

/// For so many fields there is room on the stack.
const FIELDS_MAX: usize = 64;

/// The shortest field with its end, `a:` and two bytes.
const FIELD_MIN: usize = 4;

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// It has so many bytes.
    Length(usize),
    /// It comes in chunks, each with its length.
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// What the head of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The status code.
    pub(super) status: u16,
    /// How many bytes the head has.
    pub(super) length: usize,
    /// How the end of the body is known.
    pub(super) framing: Framing,
    /// Whether the connection takes another request afterwards.
    pub(super) keeps_alive: bool,
}

/// Reads the head that `bytes` begin with; `None` while it is not whole.
// Apart: seldom needed, and its room for fields would be on the stack of every request.
#[inline(never)]
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    // Room for 64 fields is 2 KiB, which nobody writes to in vain for every answer.
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut many_fields = Vec::new();
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let mut parsed = config.parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
    if parsed == Err(httparse::Error::TooManyHeaders) {
        // As many as fit the longest head.
        many_fields.resize(HEAD_MAX / FIELD_MIN, httparse::EMPTY_HEADER);
        response = httparse::Response::new(&mut many_fields);
        parsed = response.parse(bytes);
    }
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() > HEAD_MAX => {
            return Err(Failure::TooLong(HEAD_MAX));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) if is_tls(bytes) => return Err(Failure::Tls),
        Err(_) if is_http2(bytes) => {
            return Err(Failure::Garbage("it is HTTP/2, which `http2` in a map asks for"));
        }
        Err(_) => return Err(Failure::Garbage("no status line and header fields")),
    };
    let status = response.code.unwrap_or(0);
    let mut head = Head {
        status,
        length,
        framing: Framing::UntilClose,
        keeps_alive: response.version == Some(1),
    };
    for field in response.headers.iter() {
        read_field(&mut head, field)?;
    }
    if matches!(status, 100..=199 | 204 | 304) {
        head.framing = Framing::Length(0);
    }
    head.keeps_alive &= head.framing != Framing::UntilClose;
    Ok(Some(head))
}

fn read_field(head: &mut Head, field: &httparse::Header<'_>) -> Result<(), Failure> {
    if field.name.eq_ignore_ascii_case("content-length") {
        let length = str::from_utf8(field.value).ok().and_then(|text| text.trim().parse().ok());
        let length = length.ok_or(Failure::Garbage("no number in `content-length`"))?;
        if length > BODY_MAX {
            return Err(Failure::TooLong(BODY_MAX));
        }
        // Chunks win where both are said (RFC 9112, 6.3).
        if head.framing != Framing::Chunked {
            head.framing = Framing::Length(length);
        }
    } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
        if !field.value.eq_ignore_ascii_case(b"chunked") {
            return Err(Failure::Garbage("a `transfer-encoding` other than `chunked`"));
        }
        head.framing = Framing::Chunked;
    } else if field.name.eq_ignore_ascii_case("connection") {
        if field.value.eq_ignore_ascii_case(b"close") {
            head.keeps_alive = false;
        } else if field.value.eq_ignore_ascii_case(b"keep-alive") {
            head.keeps_alive = true;
        }
    }
    Ok(())
}

/// A TLS record, an alert or a handshake, as a server sends it that was spoken to in plain text.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

/// The frame of settings with which a server of HTTP/2 begins (RFC 9113, 3.4).
pub(super) fn is_http2(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, _, 4, 0, 0, 0, 0, 0, ..])
}

/// Takes the chunks that `bytes` begin with apart into `body`, and says how long they were; `None`
/// while they are not whole.
pub(super) fn unchunk(bytes: &[u8], body: &mut Vec<u8>) -> Result<Option<usize>, Failure> {
    const BROKEN: Failure = Failure::Garbage("a chunk without its length");
    body.clear();
    let mut at = 0;
    loop {
        let (start, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(BROKEN),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > BODY_MAX - body.len() {
            return Err(Failure::TooLong(BODY_MAX));
        }
        at += start;
        if size == 0 {
            return trailer_end(bytes, at);
        }
        let Some(chunk) = bytes.get(at..at + size + 2) else { return Ok(None) };
        if !chunk.ends_with(b"\r\n") {
            return Err(BROKEN);
        }
        body.extend_from_slice(&chunk[..size]);
        at += size + 2;
    }
}

/// Where the trailer that begins at `at` ends: behind an empty line.
fn trailer_end(bytes: &[u8], mut at: usize) -> Result<Option<usize>, Failure> {
    loop {
        let Some(line) = bytes[at..].windows(2).position(|pair| pair == b"\r\n") else {
            return if bytes.len() - at > HEAD_MAX {
                Err(Failure::TooLong(HEAD_MAX))
            } else {
                Ok(None)
            };
        };
        at += line + 2;
        if line == 0 {
            return Ok(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOLD: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\n{}";

    fn head(text: &str) -> Head {
        parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_told_once_it_is_whole() {
        for end in 0..SOLD.len() - 2 {
            assert_eq!(parse(&SOLD[..end]), Ok(None), "{end}");
        }
        let whole = Head {
            status: 201,
            length: SOLD.len() - 2,
            framing: Framing::Length(2),
            keeps_alive: true,
        };
        assert_eq!(parse(SOLD), Ok(Some(whole)));
    }

    #[test]
    fn the_end_of_a_body_is_known_in_three_ways() {
        let framing = |text| head(text).framing;
        assert_eq!(framing("HTTP/1.1 200 OK\r\n\r\n"), Framing::UntilClose);
        let both = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(framing(both), Framing::Chunked);
        assert_eq!(framing("HTTP/1.1 204 No Content\r\n\r\n"), Framing::Length(0));
    }

    #[test]
    fn a_connection_is_kept_unless_the_answer_says_otherwise() {
        let keeps = |text| head(text).keeps_alive;
        assert!(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n"));
        assert!(!keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\n\r\n"));
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let failure = |bytes: &[u8]| parse(bytes).unwrap_err();
        assert_eq!(failure(&[0x15, 3, 1, 0, 2, 2, 70]), Failure::Tls);
        let http2 = failure(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 128]).to_string();
        assert!(http2.contains("`http2` in a map"), "{http2}");
        assert!(matches!(failure(b"SSH-2.0-x\r\n"), Failure::Garbage(_)));
        assert!(matches!(
            failure(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
            Failure::Garbage(_)
        ));
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_MAX));
        assert!(matches!(failure(long.as_bytes()), Failure::TooLong(_)));
        assert!(matches!(
            failure(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
            Failure::TooLong(_)
        ));
    }

    #[test]
    fn broken_chunks_are_garbage() {
        let mut body = Vec::new();
        assert!(unchunk(b"x\r\n", &mut body).is_err());
        assert!(unchunk(b"2\r\nabcd\r\n0\r\n\r\n", &mut body).is_err());
        assert!(unchunk(b"ffffffffffffff\r\n", &mut body).is_err());
    }

    proptest! {
        #[test]
        fn chunks_give_the_body_however_it_is_cut(chunks in prop::collection::vec("[a-z]{1,40}", 0..8)) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend(format!("{:x}\r\n{chunk}\r\n", chunk.len()).into_bytes());
            }
            bytes.extend(b"0\r\nTrailer: x\r\n\r\n");
            let mut body = Vec::new();
            for end in 0..bytes.len() {
                prop_assert_eq!(unchunk(&bytes[..end], &mut body), Ok(None));
            }
            prop_assert_eq!(unchunk(&bytes, &mut body), Ok(Some(bytes.len())));
            prop_assert_eq!(body, chunks.concat().into_bytes());
        }
    }
}
