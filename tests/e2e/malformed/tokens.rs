//! Receipts and holds that are none, or no longer.

use super::row::{
    Expected::{self, Problem},
    Row, call,
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = strange();
    rows.extend(ended());
    rows
}

/// Tokens that this counter never gave out for what they are used for.
fn strange() -> Vec<Row> {
    let long = "A".repeat(1000);
    let of_receipts = [
        "<hold>",
        "<other-receipt>",
        "<other-hold>",
        "<former-receipt>",
        "<former-hold>",
        "<receipt:cut>",
        "<receipt>A",
        "<receipt>=",
        "%20<receipt>",
        "A<receipt>",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "________________________________",
        "1",
        "..%2F<receipt>",
        &long,
    ];
    let of_holds = [
        "<receipt>",
        "<other-hold>",
        "<other-receipt>",
        "<former-hold>",
        "<former-receipt>",
        "<hold:cut>",
        "<hold>A",
        "<hold>=",
        "%20<hold>",
        "A<hold>",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "0",
        &long,
    ];
    let mut rows = Vec::new();
    for token in of_receipts {
        rows.push(to(&format!("GET /receipts/{token}"), "", Problem("not-found")));
        rows.push(to(&format!("DELETE /receipts/{token}"), "<admin>|", Problem("not-found")));
        rows.push(to(&format!("POST /receipts/{token}/admit"), "<admin>|", Problem("not-found")));
    }
    for token in of_holds {
        rows.push(to(&format!("POST /holds/{token}/confirm"), "", Problem("not-found")));
        rows.push(to(&format!("DELETE /holds/{token}"), "", Problem("not-found")));
    }
    rows
}

/// Tokens of what cannot be done any more.
fn ended() -> Vec<Row> {
    vec![
        to("DELETE /receipts/<admitted>", "<admin>|", Problem("admitted")),
        to("POST /receipts/<admitted>/admit", "<admin>|", Problem("admitted")),
        to("POST /receipts/<refunded>/admit", "<admin>|", Problem("refunded")),
        to("POST /holds/<released>/confirm", "", Problem("hold-expired")),
        to("POST /holds/<lapsed>/confirm", "", Problem("hold-expired")),
        to("DELETE /holds/<confirmed>", "", Problem("confirmed")),
    ]
}

fn to(called: &str, headers: &str, expected: Expected) -> Row {
    call(called, &format!("{headers}Content-Length: 0|"), expected)
}
