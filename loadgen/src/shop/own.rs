//! The answers of this project's own server, read without allocating where all is well.

use std::{borrow::Cow, fmt::Write as _};

use serde::Deserialize;

use super::{
    answer::Stock,
    wire::{is_passing, is_turned_away},
};
use crate::history::{Answer, CriticalSection, Outcome, Tickets};

const SOLD_OUT: &str = "/problems/sold-out";

/// What `GET /search` answers.
#[derive(Deserialize)]
struct Found {
    count: i64,
    #[serde(default)]
    sold: Option<u64>,
    #[serde(default)]
    held: Option<u64>,
    revision: Option<u64>,
}

/// What `POST /buy` answers when it sold.
#[derive(Deserialize)]
struct Sale {
    tickets: Tickets,
    remaining: i64,
    revision: Option<u64>,
    section: Option<CriticalSection>,
}

/// The members of a problem (RFC 9457) that matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    remaining: Option<i64>,
    revision: Option<u64>,
    section: Option<CriticalSection>,
    #[serde(borrow)]
    sold: Option<Cow<'a, str>>,
}

/// Reads an answer to `GET /search`.
pub(super) fn stock(status: u16, body: &[u8]) -> Result<Stock, String> {
    if status != 200 {
        return Err(problem_text(status, &serde_json::from_slice(body).unwrap_or_default()));
    }
    match serde_json::from_slice::<Found>(body) {
        Ok(Found { count, sold, held, revision }) => {
            Ok(Stock { remaining: count, sold, held, revision })
        }
        Err(_) => Err("status 200 with a body that is no count".to_owned()),
    }
}

/// What a call answers that changed the count and sold nothing.
#[derive(Deserialize)]
struct Changed {
    remaining: i64,
    revision: Option<u64>,
}

/// What a hold is confirmed by, or a sale is refunded by.
#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow, alias = "hold")]
    receipt: Option<Cow<'a, str>>,
}

/// Reads an answer to `POST /buy`.
pub(super) fn purchase(status: u16, body: &[u8]) -> Answer {
    match status {
        201 => sale(body),
        _ => no_success(status, body),
    }
}

/// Reads an answer to `POST /holds/{hold}/confirm`, of any number of tickets.
pub(super) fn confirmed(status: u16, body: &[u8]) -> Answer {
    match (status, serde_json::from_slice::<Sale>(body)) {
        (201, Ok(sale)) => sold(sale),
        (201, Err(_)) => Answer::unknown("status 201 with a body that is no sale"),
        _ => no_success(status, body),
    }
}

/// Reads an answer to `POST /holds` and to what gives tickets back.
pub(super) fn change(status: u16, body: &[u8]) -> Answer {
    match (status, serde_json::from_slice::<Changed>(body)) {
        (200 | 201, Ok(Changed { remaining, revision })) => {
            Answer { remaining: Some(remaining), revision, ..Answer::new(Outcome::Done) }
        }
        (200 | 201, Err(_)) => {
            Answer::unknown(format!("status {status} with a body that says nothing of the count"))
        }
        _ => no_success(status, body),
    }
}

/// The token that a successful answer gives: of the hold or of the sale.
pub(super) fn token(body: &[u8]) -> Option<String> {
    let Token { receipt } = serde_json::from_slice(body).ok()?;
    receipt.map(Cow::into_owned)
}

/// Reads what is neither a sale nor another change.
fn no_success(status: u16, body: &[u8]) -> Answer {
    let problem: Problem<'_> = serde_json::from_slice(body).unwrap_or_default();
    if status == 409 && problem.r#type == SOLD_OUT {
        return Answer {
            remaining: problem.remaining,
            revision: problem.revision,
            section: problem.section,
            ..Answer::new(Outcome::SoldOut)
        };
    }
    let reason = problem_text(status, &problem);
    let did_not_happen = problem.sold.as_deref() == Some("no") || matches!(status, 400..=499);
    let answer = if did_not_happen { Answer::refused(reason) } else { Answer::unknown(reason) };
    Answer {
        is_passing: is_passing(status),
        is_turned_away: is_turned_away(status, false),
        ..answer
    }
}

fn problem_text(status: u16, problem: &Problem<'_>) -> String {
    let mut reason = format!("status {status}");
    if !problem.title.is_empty() {
        let _ = write!(reason, ": {}", problem.title);
    }
    reason
}

fn sale(body: &[u8]) -> Answer {
    match serde_json::from_slice::<Sale>(body) {
        Ok(sale) if sale.tickets.len() == 1 => sold(sale),
        Ok(sale) => Answer::unknown(format!("sold {} tickets for one", sale.tickets.len())),
        Err(_) => Answer::unknown("status 201 with a body that is no sale"),
    }
}

fn sold(sale: Sale) -> Answer {
    Answer {
        tickets: sale.tickets,
        remaining: Some(sale.remaining),
        revision: sale.revision,
        section: sale.section,
        ..Answer::new(Outcome::Sold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        purchase(status, body.as_bytes()).outcome
    }

    #[test]
    fn a_sale_brings_its_ticket() {
        let body = br#"{"tickets": [3], "remaining": 97, "revision": 3, "receipt": "x"}"#;
        let answer = purchase(201, body);
        assert_eq!(answer.outcome, Outcome::Sold);
        assert_eq!((answer.tickets, answer.remaining), (Tickets::one(3), Some(97)));
    }

    #[test]
    fn a_sale_of_the_unsafe_modes_has_no_revision() {
        let body = r#"{"tickets": [1], "remaining": 9, "revision": null, "receipt": null}"#;
        assert_eq!(outcome(201, body), Outcome::Sold);
    }

    #[test]
    fn a_seller_of_the_lesson_says_when_it_read_and_wrote() {
        let section = r#""section": {"read_ns": 5, "write_ns": 9}"#;
        let sale = format!(r#"{{"tickets": [1], "remaining": 9, "revision": null, {section}}}"#);
        let sold_out = format!(r#"{{"type": "/problems/sold-out", {section}}}"#);
        for (status, body) in [(201, sale), (409, sold_out)] {
            let answer = purchase(status, body.as_bytes());
            assert_eq!(answer.section, Some(CriticalSection { read_ns: 5, write_ns: 9 }));
        }
    }

    #[test]
    fn only_the_sold_out_problem_is_sold_out() {
        let body = r#"{"type": "/problems/sold-out", "requested": 1, "remaining": 0}"#;
        assert_eq!(outcome(409, body), Outcome::SoldOut);
        assert_eq!(outcome(409, r#"{"type": "/problems/other"}"#), Outcome::Refused);
        assert_eq!(outcome(404, body), Outcome::Refused);
    }

    #[test]
    fn a_hold_and_its_ends_are_read() {
        let body =
            br#"{"hold": "h", "quantity": 2, "expires_at": "x", "remaining": 8, "revision": 5}"#;
        let held = change(201, body);
        assert_eq!(
            (held.outcome, held.remaining, held.revision),
            (Outcome::Done, Some(8), Some(5))
        );
        assert_eq!(token(body).as_deref(), Some("h"));
        let body = br#"{"tickets": [3, 4], "remaining": 8, "revision": 6, "receipt": "r"}"#;
        let sold = confirmed(201, body);
        assert_eq!((sold.outcome, sold.tickets.run()), (Outcome::Sold, Some((3, 4))));
        assert_eq!(token(body).as_deref(), Some("r"));
        let expired = confirmed(410, br#"{"type": "/problems/hold-expired"}"#);
        assert_eq!(expired.outcome, Outcome::Refused);
        assert_eq!(change(409, br#"{"type": "/problems/sold-out"}"#).outcome, Outcome::SoldOut);
        assert_eq!(change(200, b"{}").outcome, Outcome::Unknown);
        assert_eq!(token(b"{}"), None);
    }

    #[test]
    fn what_may_have_happened_is_unknown() {
        assert_eq!(outcome(503, r#"{"sold": "no"}"#), Outcome::Refused);
        assert_eq!(outcome(503, r#"{"sold": "unknown"}"#), Outcome::Unknown);
        assert_eq!(outcome(503, ""), Outcome::Unknown);
        assert_eq!(outcome(500, "oops"), Outcome::Unknown);
        assert_eq!(outcome(201, "{}"), Outcome::Unknown);
        let three = r#"{"tickets": [1, 2, 3], "remaining": 7, "revision": 1}"#;
        assert_eq!(outcome(201, three), Outcome::Unknown);
    }

    #[test]
    fn a_count_says_what_was_sold_before() {
        let body = br#"{"count": 97, "sold": 3, "held": 0, "revision": 3, "locking": "group"}"#;
        let found = Stock { remaining: 97, sold: Some(3), held: Some(0), revision: Some(3) };
        assert_eq!(stock(200, body), Ok(found));
        assert!(stock(200, b"{}").is_err());
        let not_found = stock(404, br#"{"title": "Not found"}"#);
        assert_eq!(not_found, Err("status 404: Not found".to_owned()));
    }
}
