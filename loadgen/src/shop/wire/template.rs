//! Requests as bytes: written once where every one is the same, else filled in.

use std::{fmt, io::Write as _};

/// What sets one request apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order<'a> {
    /// The run that it belongs to: a number that no other run has.
    pub(crate) run: u64,
    /// Which client sends it.
    pub(crate) client: u32,
    /// Which of its operations it is.
    pub(crate) number: u64,
    /// The token of the hold or the sale that it is about, or how many tickets are put on sale; empty where it
    /// is about neither.
    pub(crate) token: &'a str,
}

/// The idempotency key: the same in every retry of one operation, and in no other.
impl fmt::Display for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}-{}", self.run, self.client, self.number)
    }
}

/// What stands for the key of an order.
pub(in crate::shop) const KEY: &str = "${key}";

/// What stands for its token; in no map, for only this project's own server has such.
pub(in crate::shop) const TOKEN: &str = "${token}";

/// A request line with its fields and its body, as a map of a shop has them.
#[derive(Clone, Copy, Debug)]
pub(in crate::shop) struct Parts<'a> {
    pub(in crate::shop) method: &'a str,
    pub(in crate::shop) path: &'a str,
    pub(in crate::shop) host: &'a str,
    pub(in crate::shop) fields: &'a [(String, String)],
    pub(in crate::shop) body: Option<&'a str>,
    /// Whether it is a call of this project's own server, which can have tokens in it.
    pub(in crate::shop) is_own: bool,
    /// What is added to the number of a client.
    pub(in crate::shop) first_client: u32,
}

/// Checks a header field that somebody wants to have sent.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_field(name: &str, value: &str) -> Result<(), String> {
    const OWN: [&str; 4] = ["content-length", "transfer-encoding", "host", "connection"];
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_of_names) || value.contains(char::is_control) {
        return Err(format!("the header field `{name}` has a name or a value that none has"));
    }
    if OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(format!("the header field `{name}` is written by this program"));
    }
    Ok(())
}

/// A request, ready to be written.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Template {
    head: Vec<Piece>,
    body: Option<Vec<Piece>>,
    first_client: u32,
    fixed: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Key,
    Client,
    Number,
    Token,
}

impl Template {
    /// A request of these parts, in which `${key}`, `${client}` and `${number}` stand for what sets
    /// it apart.
    ///
    /// # Errors
    /// There is another `${…}` in it.
    pub(in crate::shop) fn new(parts: &Parts<'_>) -> Result<Self, String> {
        let Parts { method, path, host, fields, body, is_own, first_client } = parts;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in *fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = match body {
            // Without a length, a request that usually has a body would be one in the making.
            None if matches!(*method, "POST" | "PUT" | "PATCH") => Some(Vec::new()),
            None => None,
            Some(text) => Some(pieces(text, *is_own)?),
        };
        let head = pieces(&head, *is_own)?;
        let mut template = Self { head, body, first_client: *first_client, fixed: None };
        let is_text = |pieces: &[Piece]| pieces.iter().all(|piece| matches!(piece, Piece::Text(_)));
        if is_text(&template.head) && template.body.as_deref().is_none_or(is_text) {
            let mut fixed = Vec::new();
            template.fill(Order { run: 0, client: 0, number: 0, token: "" }, &mut fixed);
            template.fixed = Some(fixed);
        }
        Ok(template)
    }

    /// The bytes of the request for `order`; `room` is used where they differ from one to the next.
    pub(in crate::shop) fn bytes<'a>(
        &'a self,
        order: Order<'_>,
        room: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        if let Some(fixed) = &self.fixed {
            return fixed;
        }
        self.fill(order, room);
        room
    }

    fn fill(&self, order: Order<'_>, out: &mut Vec<u8>) {
        out.clear();
        let body = self.body.as_ref().map(|body| {
            put(body, order, self.first_client, out);
            std::mem::take(out)
        });
        put(&self.head, order, self.first_client, out);
        if let Some(body) = &body {
            // A vector takes everything that is written to it.
            let _ = write!(out, "Content-Length: {}\r\n", body.len());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body.as_deref().unwrap_or_default());
    }
}

fn put(pieces: &[Piece], order: Order<'_>, first_client: u32, out: &mut Vec<u8>) {
    for piece in pieces {
        let written = match piece {
            Piece::Text(text) => out.write_all(text.as_bytes()),
            Piece::Key => write!(out, "{order}"),
            Piece::Client => write!(out, "{}", first_client + order.client),
            Piece::Number => write!(out, "{}", order.number),
            Piece::Token => out.write_all(order.token.as_bytes()),
        };
        debug_assert!(written.is_ok(), "a vector takes everything");
    }
}

/// Takes `text` apart at its `${…}`.
fn pieces(text: &str, is_own: bool) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let (name, after) = behind.split_once('}').ok_or("`${` without `}`")?;
        let piece = match name {
            "key" => Piece::Key,
            "client" => Piece::Client,
            "number" => Piece::Number,
            "token" if is_own => Piece::Token,
            _ => {
                return Err(format!(
                    "`${{{name}}}`: there are `${{key}}`, `${{client}}`, `${{number}}`"
                ));
            }
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Order<'_> = Order { run: 255, client: 7, number: 3, token: "t" };

    fn text(parts: &Parts<'_>) -> String {
        let template = Template::new(parts).unwrap();
        String::from_utf8(template.bytes(ORDER, &mut Vec::new()).to_vec()).unwrap()
    }

    fn parts<'a>(
        method: &'a str,
        fields: &'a [(String, String)],
        body: Option<&'a str>,
    ) -> Parts<'a> {
        let first_client = 0;
        Parts { method, path: "/buy", host: "h:1", fields, body, is_own: false, first_client }
    }

    #[test]
    fn a_request_without_a_body_says_so_where_one_is_usual() {
        assert_eq!(text(&parts("GET", &[], None)), "GET /buy HTTP/1.1\r\nHost: h:1\r\n\r\n");
        assert_eq!(
            text(&parts("POST", &[], None)),
            "POST /buy HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn what_sets_a_request_apart_is_filled_in_and_the_length_fits() {
        let fields = [("Idempotency-Key".to_owned(), "${key}".to_owned())];
        assert_eq!(
            text(&parts("POST", &fields, Some("{\"who\":${client},\"n\":\"${number}\"}"))),
            "POST /buy HTTP/1.1\r\nHost: h:1\r\nIdempotency-Key: 00000000000000ff-7-3\r\n\
             Content-Length: 17\r\n\r\n{\"who\":7,\"n\":\"3\"}"
        );
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let error = Template::new(&parts("POST", &[], Some("${seat}"))).unwrap_err();
        assert!(error.contains("${seat}"), "{error}");
        assert!(Template::new(&parts("POST", &[], Some("${key"))).is_err());
        let of_a_map = parts("POST", &[], Some("${token}"));
        assert!(Template::new(&of_a_map).is_err());
        assert!(Template::new(&Parts { is_own: true, ..of_a_map }).is_ok());
        let of_a_product = Parts { first_client: 20, ..parts("POST", &[], Some("${client}")) };
        assert!(text(&of_a_product).ends_with("\r\n\r\n27"));
    }
}
