//! Bodies: what every member of every call must not be, and JSON that is none.

use super::row::{
    Expected::{self, Problem},
    Row, json,
};

const REFUSED: Expected = Problem("invalid-request");

/// Calls that read a body, with the headers that they need.
const CALLS: [(&str, &str); 8] = [
    ("POST /buy", ""),
    ("POST /holds", ""),
    ("POST /holds/<hold>/confirm", ""),
    ("DELETE /holds/<hold>", ""),
    ("POST /restock", "<admin>|"),
    ("POST /sale", "<admin>|"),
    ("DELETE /receipts/<receipt>", "<admin>|"),
    ("POST /receipts/<receipt>/admit", "<admin>|"),
];

/// What no number of anything is.
const NO_NUMBERS: [&str; 15] = [
    "0",
    "-1",
    "-0",
    "1.5",
    "1.0",
    "1e0",
    "01",
    "\"1\"",
    "\"\"",
    "true",
    "null",
    "[1]",
    "{}",
    "18446744073709551617",
    "NaN",
];

/// What no name is.
const NO_NAMES: [&str; 10] = [
    "5",
    "true",
    "[]",
    "[\"Ann\"]",
    "{}",
    "\"\"",
    "\"a\\nb\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\x41\"",
];

/// What is neither true nor false.
const NO_CLAIMS: [&str; 9] =
    ["0", "1", "\"true\"", "\"false\"", "null", "[]", "{}", "True", "[true]"];

/// The members of all calls, with what they must not be. What `quantity` of `/buy` must not be stands in
/// `bad_requests`.
const MEMBERS: [(usize, &str, &[&str]); 6] = [
    (0, "buyer", &NO_NAMES),
    (1, "quantity", &NO_NUMBERS),
    (1, "seconds", &NO_NUMBERS),
    (1, "buyer", &NO_NAMES),
    (4, "quantity", &NO_NUMBERS),
    (5, "open", &NO_CLAIMS),
];

/// Bodies that no call takes.
const NO_OBJECTS: [&str; 14] = [
    "{",
    "}",
    "{]",
    "{\"quantity\"}",
    "{\"quantity\":}",
    "{quantity: 1}",
    "{'quantity': 1}",
    "{\"quantity\": 1,}",
    "{\"quantity\": 1} x",
    "{/* one */}",
    "[]",
    "\"\"",
    "true",
    "1",
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, member, values) in MEMBERS {
        let (call, headers) = CALLS[at];
        for value in values {
            rows.push(json(call, headers, &format!("{{\"{member}\": {value}}}"), REFUSED));
        }
    }
    for (call, headers) in CALLS {
        rows.push(json(call, headers, "{\"price\": 1}", REFUSED));
        rows.push(json(call, headers, "{\"quantity \": 1}", REFUSED));
        rows.push(json(call, headers, "[{}]", REFUSED));
    }
    for body in NO_OBJECTS {
        rows.push(json("POST /holds", "", body, REFUSED));
    }
    rows.extend(limits());
    rows
}

fn limits() -> Vec<Row> {
    let (buy, hold) = ("POST /buy", "POST /holds");
    let deep = |depth: usize| format!("{{\"buyer\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    let named = |length: usize| format!("{{\"buyer\": \"{}\"}}", "x".repeat(length));
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length));
    vec![
        json(hold, "", "{\"quantity\": 11}", REFUSED),
        json(hold, "", "{\"seconds\": 86401}", REFUSED),
        json(hold, "", "{\"seconds\": 9007199254740992}", REFUSED),
        json("POST /restock", "<admin>|", "{\"quantity\": 9007199254740992}", REFUSED),
        // With what is there already, more than there may be.
        json("POST /restock", "<admin>|", "{\"quantity\": 9007199254740991}", REFUSED),
        json("POST /restock", "<admin>|", "{}", REFUSED),
        json("POST /restock", "<admin>|", "", REFUSED),
        json("POST /sale", "<admin>|", "{}", REFUSED),
        json("POST /sale", "<admin>|", "", REFUSED),
        json("POST /sale", "<admin>|", "{\"open\": true, \"open\": false}", REFUSED),
        json(hold, "", "{\"quantity\": 1, \"quantity\": 1}", REFUSED),
        json(hold, "", "{\"seconds\": 1, \"seconds\": 2}", REFUSED),
        json(buy, "", "{\"buyer\": \"a\", \"buyer\": \"b\"}", REFUSED),
        json(buy, "", "{\"buyer\": \"a\", \"\\u0062uyer\": \"b\"}", REFUSED),
        json(buy, "", &named(201), REFUSED),
        json(hold, "", &named(201), REFUSED),
        json(buy, "", &deep(64), REFUSED),
        json(buy, "", &deep(4000), REFUSED),
        json(hold, "", &deep(4000), REFUSED),
        json("POST /sale", "<admin>|", &"{\"open\":".repeat(2000), REFUSED),
        json(buy, "", &padded(20_000), Problem("too-large")),
        json(hold, "", &padded(16_384), Problem("too-large")),
        json("POST /restock", "<admin>|", &padded(16_384), Problem("too-large")),
        json("DELETE /holds/<hold>", "", &padded(16_384), Problem("too-large")),
        json("POST /receipts/<receipt>/admit", "<admin>|", &padded(16_384), Problem("too-large")),
        json(buy, "", "\u{feff}{}", REFUSED),
        json(buy, "", "{}\u{0}", REFUSED),
        json(buy, "", "\u{a0}{}", REFUSED),
    ]
}
