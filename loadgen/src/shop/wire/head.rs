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

/// Reads the head that `bytes` begin with; `None` while it is not whole. A field that goes on in the next line is
/// put into one, with spaces for what was between.
// Apart: seldom needed, and its room for fields would be on the stack of every request.
#[inline(never)]
pub(super) fn parse(bytes: &mut [u8]) -> Result<Option<Head>, Failure> {
    match read(bytes)? {
        Read::Head(head) => return Ok(Some(head)),
        Read::Part => return Ok(None),
        Read::Folded(length) => unfold(&mut bytes[..length]),
    }
    match read(bytes)? {
        Read::Head(head) => Ok(Some(head)),
        Read::Part | Read::Folded(_) => Err(NO_HEAD),
    }
}

const NO_HEAD: Failure = Failure::Garbage("no status line and header fields");

/// What bytes are.
enum Read {
    /// A part of a head.
    Part,
    /// A head.
    Head(Head),
    /// A head of so many bytes in which a field goes on in the next line.
    Folded(usize),
}

/// Puts spaces where a field goes on in the next line, as whoever reads an answer must (RFC 9112, 5.2).
fn unfold(head: &mut [u8]) {
    for at in 1..head.len() {
        if let (b'\n', b' ' | b'\t') = (head[at - 1], head[at]) {
            head[at - 1] = b' ';
            if at > 1 && head[at - 2] == b'\r' {
                head[at - 2] = b' ';
            }
        }
    }
}

fn read(bytes: &[u8]) -> Result<Read, Failure> {
    // Room for 64 fields is 2 KiB, which nobody writes to in vain for every answer.
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut many_fields = Vec::new();
    let mut response = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.allow_spaces_after_header_name_in_responses(true);
    let mut parsed = config.parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
    if parsed == Err(httparse::Error::TooManyHeaders) {
        // As many as fit the longest head.
        many_fields.resize(HEAD_MAX / FIELD_MIN, httparse::EMPTY_HEADER);
        response = httparse::Response::new(&mut many_fields);
        parsed = config.parse_response(&mut response, bytes);
    }
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() > HEAD_MAX => {
            return Err(Failure::TooLong(HEAD_MAX));
        }
        Ok(httparse::Status::Partial) => return Ok(Read::Part),
        Err(_) if is_tls(bytes) => return Err(Failure::Tls),
        Err(_) if is_http2(bytes) => {
            return Err(Failure::Garbage("it is HTTP/2, which `http2` in a map asks for"));
        }
        Err(_) => return Err(NO_HEAD),
    };
    if response.headers.iter().any(|field| field.value.contains(&b'\n')) {
        return Ok(Read::Folded(length));
    }
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
    Ok(Read::Head(head))
}

fn read_field(head: &mut Head, field: &httparse::Header<'_>) -> Result<(), Failure> {
    if field.name.eq_ignore_ascii_case("content-length") {
        let length = length(field.value)?;
        if length > BODY_MAX {
            return Err(Failure::TooLong(BODY_MAX));
        }
        match head.framing {
            // Chunks win where both are said (RFC 9112, 6.3).
            Framing::Chunked => {}
            Framing::Length(other) if other != length => return Err(LENGTHS),
            _ => head.framing = Framing::Length(length),
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

const LENGTHS: Failure = Failure::Garbage("two numbers in `content-length`");

/// The length that `value` says, more than once perhaps (RFC 9110, 8.6).
fn length(value: &[u8]) -> Result<usize, Failure> {
    let number = |text: &str| text.trim().parse().ok();
    let mut lengths = str::from_utf8(value).unwrap_or_default().split(',').map(number);
    let first =
        lengths.next().flatten().ok_or(Failure::Garbage("no number in `content-length`"))?;
    if lengths.all(|length| length == Some(first)) { Ok(first) } else { Err(LENGTHS) }
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
        parse(&mut text.as_bytes().to_vec()).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_told_once_it_is_whole() {
        for end in 0..SOLD.len() - 2 {
            assert_eq!(parse(&mut SOLD[..end].to_vec()), Ok(None), "{end}");
        }
        let whole = Head {
            status: 201,
            length: SOLD.len() - 2,
            framing: Framing::Length(2),
            keeps_alive: true,
        };
        assert_eq!(parse(&mut SOLD.to_vec()), Ok(Some(whole)));
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
    fn a_length_may_be_said_twice_and_must_be_one() {
        let twice = |lengths: &str| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\n");
            parse(&mut head.into_bytes())
        };
        for lengths in ["24, 24", "24,24 , 24", "24\r\nContent-Length: 24"] {
            let framing = twice(lengths).unwrap().unwrap().framing;
            assert_eq!(framing, Framing::Length(24), "{lengths}");
        }
        for lengths in ["24, 25", "24,", ", 24", "24\r\nContent-Length: 25"] {
            assert!(matches!(twice(lengths), Err(Failure::Garbage(_))), "{lengths}");
        }
    }

    #[test]
    fn old_ways_to_write_a_field_are_read() {
        let text =
            "HTTP/1.1 200 OK\r\nX-Fold: a\r\n b\r\n\tc\r\nContent-Length :\r\n 2\r\n\r\n 2\n }";
        let mut bytes = text.as_bytes().to_vec();
        for end in 0..text.len() - " 2\n }".len() {
            assert_eq!(parse(&mut bytes[..end]), Ok(None), "{end}");
        }
        assert_eq!(bytes, text.as_bytes());
        let head = parse(&mut bytes).unwrap().unwrap();
        assert_eq!(head.framing, Framing::Length(2));
        let unfolded =
            "HTTP/1.1 200 OK\r\nX-Fold: a   b  \tc\r\nContent-Length :   2\r\n\r\n 2\n }";
        assert_eq!(str::from_utf8(&bytes), Ok(unfolded));
        assert_eq!(&bytes[head.length..], b" 2\n }");
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let failure = |bytes: &[u8]| parse(&mut bytes.to_vec()).unwrap_err();
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
