//! What the counter said, as an answer that is whole before it is sent.
//!
//! The only place that knows how an outcome is told; a refusal is a [`Problem`].

use axum::{
    body::Bytes,
    http::{HeaderValue, Response, StatusCode, header},
};
use http_body_util::Full;
use serde::Serialize;
use serde_json::json;

use crate::{
    counter::{Purchase, SaleRecord, Settled, lesson::LessonSale},
    domain::{COUNT_MAX, Change, Hold, Outcome, Sale, SaleStatus},
    http::message::{
        headers,
        problem::{Code, Problem},
        token::{Kind, Seal, Token},
        wire::{
            self, AdmissionAnswer, HoldAnswer, OpenAnswer, ReceiptAnswer, SaleAnswer,
            SectionAnswer, StockAnswer, Tickets,
        },
    },
};

/// An answer that is whole before it is sent.
pub type Whole = Response<Full<Bytes>>;

/// Answers a purchase; `seal` makes the receipt, where the counter gives any.
///
/// # Errors
/// A [`Problem`] where nothing was sold.
pub fn purchase(purchase: Purchase, seal: Option<&Seal>) -> Result<Whole, Problem> {
    match purchase {
        Purchase::Settled(settled) => self::settled(settled, seal),
        Purchase::Lesson(LessonSale::Sold { first_ticket, quantity, remaining, section }) => {
            sold(&SaleAnswer {
                tickets: Tickets { first: first_ticket, quantity },
                remaining,
                revision: None,
                receipt: None,
                section: Some(section.into()),
            })
        }
        Purchase::Lesson(LessonSale::SoldOut { requested, remaining, section }) => {
            let section = json!(SectionAnswer::from(section));
            Err(sold_out(requested, remaining, None).with("section", section))
        }
    }
}

/// Answers what the group commit was asked for, and says of a repeated answer that it is one.
///
/// # Errors
/// A [`Problem`] where nothing changed.
pub fn settled(settled: Settled, seal: Option<&Seal>) -> Result<Whole, Problem> {
    let Settled { outcome, is_repeated } = settled;
    let mut answer = told(&outcome, seal).map_err(|problem| problem.replayed(is_repeated))?;
    if is_repeated {
        let replayed = HeaderValue::from_static("true");
        answer.headers_mut().insert(headers::IDEMPOTENT_REPLAYED, replayed);
    }
    Ok(answer)
}

fn told(outcome: &Outcome, seal: Option<&Seal>) -> Result<Whole, Problem> {
    match *outcome {
        Outcome::Sold(sale) => sold(&sale_answer(sale, seal)),
        Outcome::SoldOut { requested, remaining, revision } => {
            Err(sold_out(requested, remaining, Some(revision)))
        }
        Outcome::SaleClosed => {
            Err(Problem::new(Code::SaleClosed, "the sale is closed; what is held can be confirmed"))
        }
        Outcome::Held(held) => self::held(held, seal),
        Outcome::HoldExpired => {
            let detail = "the hold is over, by its time or because it was given back";
            Err(Problem::new(Code::HoldExpired, detail))
        }
        Outcome::HoldConfirmed => {
            let detail = "the hold was confirmed: its tickets are sold";
            Err(Problem::new(Code::Confirmed, detail))
        }
        Outcome::Changed { remaining, revision } => done(&StockAnswer { remaining, revision }),
        Outcome::SaleSet { is_open: open, remaining, revision } => {
            done(&OpenAnswer { open, remaining, revision })
        }
        Outcome::AdmittedBefore { at_ms } => {
            let admitted_at = wire::rfc3339(at_ms);
            let detail = format!("these tickets were used at {admitted_at}");
            Err(Problem::new(Code::Admitted, detail).with("admitted_at", admitted_at))
        }
        Outcome::RefundedBefore => {
            Err(Problem::new(Code::Refunded, "these tickets were refunded: they are not valid"))
        }
        Outcome::OverLimit { remaining } => {
            let detail = format!("with {remaining} left, a number would pass {COUNT_MAX}");
            Err(Problem::new(Code::InvalidRequest, detail))
        }
        Outcome::Found(_) | Outcome::Admitted { .. } | Outcome::Repeated { .. } => {
            let detail = format!("the counter answered with {outcome:?}");
            Err(Problem::new(Code::OutcomeUnknown, detail))
        }
    }
}

/// What is told of a sale; `None` where its record is of none.
pub fn receipt(sale: &SaleRecord, seal: &Seal) -> Option<ReceiptAnswer> {
    let SaleRecord { record, status } = sale;
    let (Change::Sold { buyer, .. }, Some(Outcome::Sold(sale))) =
        (&record.change, record.outcome())
    else {
        return None;
    };
    let buyer = buyer.as_deref().map(str::to_owned);
    let (sale, at) = (sale_answer(sale, Some(seal)), wire::rfc3339(record.at_ms));
    let (status, admitted_at) = match *status {
        SaleStatus::Sold => ("sold", None),
        SaleStatus::Refunded { .. } => ("refunded", None),
        SaleStatus::Admitted { at_ms, .. } => ("admitted", Some(wire::rfc3339(at_ms))),
    };
    Some(ReceiptAnswer { sale, buyer, at, status, admitted_at })
}

/// Answers the admission of `sale`.
///
/// # Errors
/// A [`Problem`] where nobody may be let in.
pub fn admission(sale: &SaleRecord, settled: Settled) -> Result<Whole, Problem> {
    match (settled.outcome, sale.record.outcome()) {
        (Outcome::Admitted { at_ms, revision }, Some(Outcome::Sold(sale))) => {
            let tickets = Tickets { first: sale.first_ticket, quantity: sale.quantity };
            done(&AdmissionAnswer { tickets, admitted_at: wire::rfc3339(at_ms), revision })
        }
        (outcome, _) => told(&outcome, None),
    }
}

fn held(hold: Hold, seal: Option<&Seal>) -> Result<Whole, Problem> {
    let Hold { quantity, expires_at_ms, remaining, revision } = hold;
    let without = || Problem::new(Code::OutcomeUnknown, "this counter gives out no tokens");
    let hold = seal.ok_or_else(without)?.token(Kind::Hold, revision);
    let expires_at = wire::rfc3339(expires_at_ms);
    let held = HoldAnswer { hold, quantity, expires_at, remaining, revision };
    let text = wire::text(&held).map_err(|error| without_text(&error))?;
    Ok(json(StatusCode::CREATED, text))
}

fn sale_answer(sale: Sale, seal: Option<&Seal>) -> SaleAnswer {
    let Sale { first_ticket: first, quantity, remaining, revision } = sale;
    SaleAnswer {
        tickets: Tickets { first, quantity },
        remaining,
        revision: Some(revision),
        receipt: seal.map(|seal| seal.token(Kind::Sale, revision)),
        section: None,
    }
}

fn sold(sale: &SaleAnswer) -> Result<Whole, Problem> {
    let text = sale.text().map_err(|error| without_text(&error))?;
    let mut answer = json(StatusCode::CREATED, text);
    if let Some(location) = sale.receipt.as_ref().and_then(location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(answer)
}

/// Where the sale with this receipt is told again.
fn location(receipt: &Token) -> Option<HeaderValue> {
    let path = Bytes::from([b"/receipts/", receipt.as_bytes()].concat());
    HeaderValue::from_maybe_shared(path).ok()
}

fn sold_out(requested: u64, remaining: u64, revision: Option<u64>) -> Problem {
    Problem::new(Code::SoldOut, format!("{requested} asked for, {remaining} left"))
        .with("requested", requested)
        .with("remaining", remaining)
        .with("revision", revision)
}

/// 200 with `body`.
///
/// # Errors
/// A [`Problem`] where that has no JSON form.
pub fn done(body: &impl Serialize) -> Result<Whole, Problem> {
    let text = wire::text(body).map_err(|error| without_text(&error))?;
    Ok(json(StatusCode::OK, text))
}

/// The problem of an answer that has no JSON form.
pub fn without_text(error: &serde_json::Error) -> Problem {
    Problem::new(Code::OutcomeUnknown, error.to_string())
}

/// `text`, which is JSON and not to be stored.
pub fn json(status: StatusCode, text: Bytes) -> Whole {
    let mut answer = Response::new(Full::new(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
