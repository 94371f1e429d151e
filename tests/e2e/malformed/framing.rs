//! How long a body is, and in which pieces it comes (RFC 9112, sections 6 and 7).

use super::row::{
    Expected::{self, Bare, Fine, Problem},
    Row, raw,
};

const BROKEN: Expected = Problem("invalid-request");

pub(super) fn rows() -> Vec<Row> {
    let mut rows = lengths();
    rows.extend(chunks());
    rows.extend(codings());
    rows
}

/// A purchase with these fields, and what follows the head.
fn buy(fields: &str, rest: &str) -> String {
    let head = "POST /buy HTTP/1.1|Host: <host>|Connection: close|Content-Type: application/json|";
    format!("{head}{fields}|{rest}")
}

fn lengths() -> Vec<Row> {
    let length = |length: &str| buy(&format!("Content-Length: {length}|"), "{}");
    vec![
        raw(length("-1"), Bare(400)),
        raw(length("+2"), Bare(400)),
        raw(length("2.0"), Bare(400)),
        raw(length("0x2"), Bare(400)),
        raw(length("2 2"), Bare(400)),
        raw(length("2, 3"), Bare(400)),
        raw(length("two"), Bare(400)),
        raw(length(""), Bare(400)),
        raw(length("18446744073709551616"), Bare(400)),
        raw(length("99999999999999999999999999"), Bare(400)),
        raw(length("18446744073709551615"), Bare(431)),
        raw(length("16385"), Problem("too-large")),
        raw(buy("Content-Length: 2|Content-Length: 3|", "{}"), Bare(400)),
        raw(buy("Content-Length: 0|Content-Length: 2|", "{}"), Bare(400)),
        // Less than was announced, and then the end.
        raw(length("3"), BROKEN),
        raw(length("16384"), BROKEN),
        // More than was announced: the rest is no second request.
        raw(length("1"), BROKEN),
        // A length and chunks: one of them lies, and whoever is in between may have believed the other.
        // The chunks count, and what follows them is not looked at.
        raw(ambiguous("Content-Length: 5|Transfer-Encoding: chunked|"), Fine(200)),
        raw(ambiguous("Transfer-Encoding: chunked|Content-Length: 5|"), Fine(200)),
        raw(ambiguous("Transfer-Encoding: chunked|"), Fine(200)),
    ]
}

/// A search with these fields and an end that can be seen in two places, and a purchase behind it.
fn ambiguous(fields: &str) -> String {
    let search = format!("GET /search HTTP/1.1|Host: <host>|{fields}|0||");
    search + "POST /buy HTTP/1.1|Host: <host>|Content-Length: 0||"
}

fn chunks() -> Vec<Row> {
    let chunked = |rest: &str| raw(buy("Transfer-Encoding: chunked|", rest), BROKEN);
    let large = format!("5000|{}|0||", " ".repeat(0x5000));
    let trailers = format!("2|{{}}|0|{}|", "X-One: a|".repeat(2000));
    vec![
        chunked("-2|{}|0||"),
        chunked("+2|{}|0||"),
        chunked("0x2|{}|0||"),
        chunked("g|{}|0||"),
        chunked("|{}|0||"),
        chunked(" |{}|0||"),
        chunked("2.0|{}|0||"),
        chunked("2,2|{}|0||"),
        chunked("10000000000000000|{}|0||"),
        chunked("FFFFFFFFFFFFFFFFF|{}|0||"),
        chunked("2;a\nb|{}|0||"),
        // A piece that is longer or shorter than it says.
        chunked("3|{}|0||"),
        chunked("1|{}|0||"),
        chunked("2|{}0||"),
        chunked("2|{}\n0||"),
        // No end.
        chunked(""),
        chunked("2"),
        chunked("2|"),
        chunked("2|{}"),
        chunked("2|{}|"),
        chunked("2|{}|0"),
        chunked("2|{}|0|"),
        chunked("2|{}|0|X-One: a|"),
        chunked("2|{}|0|: a||"),
        chunked("2|{}|0|X One||"),
        chunked(&format!("2;{}|{{}}|0||", "x".repeat(20_000))),
        chunked(&trailers),
        raw(buy("Transfer-Encoding: chunked|", &large), Problem("too-large")),
    ]
}

fn codings() -> Vec<Row> {
    let coded = |coding: &str| buy(&format!("Transfer-Encoding: {coding}|"), "2|{}|0||");
    vec![
        raw(coded("gzip"), Bare(400)),
        raw(coded("identity"), Bare(400)),
        raw(coded("chunked, gzip"), Bare(400)),
        raw(coded("chunkedx"), Bare(400)),
        raw(coded(""), Bare(400)),
        raw(coded("\"chunked\""), Bare(400)),
        raw(buy("Transfer-Encoding: chunked|Transfer-Encoding: identity|", "2|{}|0||"), Bare(400)),
        raw(
            "POST /buy HTTP/1.0|Host: <host>|Content-Type: application/json|\
             Transfer-Encoding: chunked||2|{}|0||",
            Bare(400),
        ),
        // Codings that nobody undoes here.
        raw(coded("gzip, chunked"), BROKEN),
        raw(coded("chunked, chunked"), BROKEN),
    ]
}
