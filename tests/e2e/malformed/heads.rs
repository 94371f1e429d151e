//! Request lines, methods and fields (RFC 9112, sections 2 to 5).

use super::row::{
    Expected::{Bare, Closed, Fine, Problem},
    Row, bytes, call, raw,
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = lines();
    rows.extend(methods());
    rows.extend(fields());
    rows.extend(sizes());
    rows
}

fn lines() -> Vec<Row> {
    vec![
        raw("GET /search|Host: <host>||", Bare(400)),
        raw("GET|Host: <host>||", Bare(400)),
        raw("/search HTTP/1.1|Host: <host>||", Bare(400)),
        raw("GET /search HTTP/2.0|Host: <host>||", Bare(400)),
        raw("GET /search HTTP/1.2|Host: <host>||", Bare(400)),
        raw("GET /search http/1.1|Host: <host>||", Bare(400)),
        raw("GET /search HTTPS/1.1|Host: <host>||", Bare(400)),
        raw("GET /search HTTP/1.1 |Host: <host>||", Bare(400)),
        raw("GET /search HTTP/11|Host: <host>||", Bare(400)),
        raw("GET\t/search\tHTTP/1.1|Host: <host>||", Bare(400)),
        raw("GET  /search HTTP/1.1|Host: <host>||", Bare(400)),
        raw(" GET /search HTTP/1.1|Host: <host>||", Bare(400)),
        raw("GET /sea rch HTTP/1.1|Host: <host>||", Bare(400)),
        raw("GET search HTTP/1.1|Host: <host>|Connection: close||", Problem("wrong-host")),
        raw("GET ?count HTTP/1.1|Host: <host>||", Bare(400)),
        raw("G(T /search HTTP/1.1|Host: <host>||", Bare(400)),
        raw("G\u{0}T /search HTTP/1.1|Host: <host>||", Bare(400)),
        raw("GET /sea\u{0}rch HTTP/1.1|Host: <host>||", Bare(400)),
        raw("GET /sea\u{7f}rch HTTP/1.1|Host: <host>||", Bare(400)),
        raw("PRI * HTTP/2.0||SM||", Closed),
        bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03||", Bare(400)),
        bytes(b"GET /sea\xffrch HTTP/1.1|Host: <host>||", Bare(400)),
        // An empty line ahead of a request is passed over (RFC 9112, section 2.2).
        raw("||GET /search HTTP/1.1|Host: <host>|Connection: close||", Fine(200)),
        // So may be the first half of the end of a line.
        raw("GET /search HTTP/1.1\nHost: <host>\nConnection: close\n\n", Fine(200)),
        call("GET /search#count", "", Fine(200)),
        call("GET /%73earch", "", Problem("not-found")),
        call("GET /./search", "", Problem("not-found")),
        call("GET /x/../search", "", Problem("not-found")),
        call("GET /search;v=1", "", Problem("not-found")),
        call("GET /SEARCH", "", Problem("not-found")),
        call("GET /openapi.json/", "", Problem("not-found")),
        call("GET /receipts", "", Problem("not-found")),
        call("GET /receipts/", "", Problem("not-found")),
        call("GET /receipts/%FF", "", Problem("not-found")),
        call("GET /receipts/%", "", Problem("not-found")),
        call("GET /problems/%73old-out%00", "", Problem("not-found")),
        call("POST /holds//confirm", "Content-Length: 0|", Problem("not-found")),
    ]
}

fn methods() -> Vec<Row> {
    let refused = Problem("method-not-allowed");
    vec![
        call("TRACE /search", "", refused),
        call("PATCH /buy", "", refused),
        call("BREW /buy", "", refused),
        call("get /search", "", refused),
        call("Post /buy", "Content-Length: 0|", refused),
        call("DELETE /sale", "", refused),
        call("GET /holds", "", refused),
        call("GET /holds/<hold>", "", refused),
        call("GET /holds/<hold>/confirm", "", refused),
        call("POST /receipts/<receipt>", "Content-Length: 0|", refused),
        call("DELETE /receipts/<receipt>/admit", "", refused),
        call("GET /restock", "", refused),
        call("PUT /restock", "Content-Length: 0|", refused),
        call("POST /metrics", "Content-Length: 0|", refused),
        call("POST /livez", "Content-Length: 0|", refused),
        call("DELETE /readyz", "", refused),
        call("POST /openapi.json", "Content-Length: 0|", refused),
        call("PUT /problems/sold-out", "Content-Length: 0|", refused),
        raw("CONNECT <host> HTTP/1.1|Host: <host>|Connection: close||", Problem("not-found")),
        raw("OPTIONS * HTTP/1.1|Host: <host>|Connection: close||", Problem("not-found")),
        // The answer to HEAD has no body, a problem's neither.
        call("HEAD /buy", "", Bare(405)),
        call("HEAD /nothing", "", Bare(404)),
        call("HEAD /search?x=1", "", Bare(400)),
    ]
}

fn fields() -> Vec<Row> {
    let with =
        |field: &str| format!("GET /search HTTP/1.1|Host: <host>|{field}|Connection: close||");
    vec![
        raw(with("X-One : a"), Bare(400)),
        raw(with("X One: a"), Bare(400)),
        raw(with(": a"), Bare(400)),
        raw(with("X-One"), Bare(400)),
        raw(with("X-Öne: a"), Bare(400)),
        raw(with("X-One: a| folded"), Bare(400)),
        raw(with("X-One: a|\tfolded"), Bare(400)),
        raw(with("X-One: a\u{0}b"), Bare(400)),
        raw(with("X-One: a\u{1}b"), Bare(400)),
        raw(with("X-One: a\u{7f}b"), Bare(400)),
        raw(with("X-One: a\rb"), Bare(400)),
        raw(with("(X): a"), Bare(400)),
        raw("GET /search HTTP/1.1| Host: <host>||", Bare(400)),
        raw("GET /search HTTP/1.1|X-One: a|y|Host: <host>||", Bare(400)),
        raw(with("X-One:"), Fine(200)),
        raw(with("X-One: ü"), Fine(200)),
    ]
}

fn sizes() -> Vec<Row> {
    let many = |number: usize| "X-One: a|".repeat(number);
    let long = |length: usize| "x".repeat(length);
    vec![
        call("GET /search", &many(50), Fine(200)),
        call("GET /search", &many(500), Bare(431)),
        call("POST /buy", &many(10_000), Bare(431)),
        call("GET /search", &format!("X-One: {}|", long(100_000)), Bare(431)),
        call("GET /search", &format!("{}: a|", long(100_000)), Bare(431)),
        call(&format!("GET /{}", long(70_000)), "", Bare(431)),
        call(&format!("GET /search?{}", long(100_000)), "", Bare(431)),
        raw(format!("{} /search HTTP/1.1|Host: <host>||", long(100_000)), Bare(431)),
    ]
}
