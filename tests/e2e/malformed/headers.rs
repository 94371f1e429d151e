//! Keys, tokens of the operator, media types, codings, and parameters behind a `?`.

use super::row::{
    Expected::{self, Problem},
    Row, bytes, call, json,
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = keys();
    rows.extend(credentials());
    rows.extend(types());
    rows.extend(parameters());
    rows
}

fn keys() -> Vec<Row> {
    let refused = Problem("invalid-request");
    let long = format!("Idempotency-Key: {}|", "k".repeat(256));
    let mut rows = Vec::new();
    for (called, operator, body) in
        [("POST /holds", "", "{}"), ("POST /restock", "<admin>|", "{\"quantity\": 1}")]
    {
        for key in [
            "Idempotency-Key:|",
            "Idempotency-Key:    |",
            "Idempotency-Key: ü|",
            "Idempotency-Key: a\tb|",
            "Idempotency-Key: a|Idempotency-Key: a|",
            "Idempotency-Key: a|idempotency-key: b|",
            &long,
        ] {
            rows.push(json(called, &format!("{operator}{key}"), body, refused));
        }
    }
    let twice = "Idempotency-Key: a|Idempotency-Key: b|Content-Length: 0|";
    rows.push(call("POST /buy", twice, refused));
    // Another request than the first one with this key.
    let reused = Problem("key-reused");
    rows.push(json("POST /buy", "Idempotency-Key: used before|", "{\"quantity\": 2}", reused));
    rows.push(json("POST /buy", "Idempotency-Key: used before|", "{\"buyer\": \"Ann\"}", reused));
    rows
}

fn credentials() -> Vec<Row> {
    let refused = Problem("unauthorized");
    let mut rows = Vec::new();
    for called in [
        "POST /sale",
        "DELETE /receipts/<receipt>",
        "POST /receipts/<receipt>/admit",
        "DELETE /receipts/nothing",
    ] {
        for credentials in [
            "",
            "Authorization:|",
            "Authorization: Bearer|",
            "Authorization: Bearer nobody|",
            "Authorization: Basic b3BlcmF0b3I6c2VjcmV0|",
            "Authorization: Digest username=\"operator\"|",
            "Proxy-<admin>|",
            "Cookie: <admin>|",
        ] {
            rows.push(call(called, &format!("{credentials}Content-Length: 0|"), refused));
        }
    }
    for credentials in [
        "<admin:cut>|",
        "<admin>x|",
        "<admin>, Bearer nobody|",
        "Authorization: Bearer nobody|<admin>|",
        "<admin>|Authorization: Bearer nobody|",
    ] {
        rows.push(json("POST /restock", credentials, "{\"quantity\": 1}", refused));
    }
    // Who may is asked ahead of what is meant.
    rows.push(json("POST /restock", "", "{\"quantity\": \"no\"}", refused));
    rows
}

fn types() -> Vec<Row> {
    let refused = Problem("unsupported-media-type");
    let mut rows = Vec::new();
    for (called, operator) in [
        ("POST /holds", ""),
        ("POST /restock", "<admin>|"),
        ("POST /sale", "<admin>|"),
        ("POST /holds/<hold>/confirm", ""),
        ("DELETE /receipts/<receipt>", "<admin>|"),
    ] {
        for said in [
            "",
            "Content-Type:|",
            "Content-Type: json|",
            "Content-Type: text/json|",
            "Content-Type: application/json5|",
            "Content-Type: application/problem+json|",
            "Content-Type: multipart/form-data; boundary=x|",
            "Content-Type: application/json|Content-Encoding: gzip|",
        ] {
            let headers = format!("{operator}{said}Content-Length: 2|");
            let mut row = call(called, &headers, refused);
            row.sent.extend(b"{}");
            rows.push(row);
        }
    }
    rows.push(packed(
        "gzip",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00C\xbf\xa6\xa3",
        refused,
    ));
    rows.push(packed("br", b"\x0b\x00\x80{}\x03", refused));
    rows.push(packed("deflate", b"\x78\x9c\xab\xae\x05\x00\x01\x75\x00\xf9", refused));
    rows.push(packed("identity", b"{\"buyer\": \"\xff\"}", Problem("invalid-request")));
    rows.push(packed("identity", b"{\"buyer\": \"\xc0\xaf\"}", Problem("invalid-request")));
    rows.push(packed("identity", b"{\"buyer\": \"\xed\xa0\x80\"}", Problem("invalid-request")));
    rows.push(packed("identity", b"\xff\xfe{\x00}\x00", Problem("invalid-request")));
    rows
}

/// A hold whose body comes in this coding.
fn packed(coding: &str, body: &[u8], expected: Expected) -> Row {
    let head = format!(
        "POST /holds HTTP/1.1|Host: <host>|Connection: close|Content-Type: application/json|\
         Content-Encoding: {coding}|Content-Length: {}||",
        body.len()
    );
    let mut row = bytes(head.as_bytes(), expected);
    row.sent.extend(body);
    row
}

fn parameters() -> Vec<Row> {
    let refused = Problem("invalid-request");
    let calls = [
        ("DELETE /receipts/<receipt>", "<admin>|"),
        ("POST /receipts/<receipt>/admit", "<admin>|"),
        ("POST /holds", ""),
        ("POST /holds/<hold>/confirm", ""),
        ("DELETE /holds/<hold>", ""),
        ("POST /sale", "<admin>|"),
        ("GET /sales", "<admin>|"),
        ("GET /metrics", ""),
        ("GET /openapi.json", ""),
    ];
    let row = |(called, operator): (&str, &str)| {
        call(&format!("{called}?nobody=1"), &format!("{operator}Content-Length: 0|"), refused)
    };
    calls.map(row).into()
}
