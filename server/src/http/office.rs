//! The calls of the box office: receipts, refunds, the door, holds, and what is on sale.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, Response, header},
};

use crate::{
    counter::{Refusal, SaleRecord, Settled},
    http::{
        app::{App, Asked},
        browser,
        message::{
            accept::{self, Representation},
            answer,
            body::Unread,
            problem::{Code, Problem},
            token::Kind,
            wire::{self, ReceiptAnswer},
        },
    },
};

/// `GET /receipts/{receipt}`.
pub(super) async fn receipt(asked: Asked) -> Result<Response<Body>, Problem> {
    let Asked { app, request, part: token } = asked;
    let headers = request.headers();
    let told = receipt_answer(&app, &token).await;
    let mut response = match accept::preferred(headers) {
        Representation::Page => match told {
            Ok(receipt) => browser::ticket(&app, headers, &token, &receipt),
            Err(problem) => browser::not_shown(&app, &problem, "../"),
        },
        Representation::Svg => told.and_then(|_| browser::code(&app, headers, &token))?,
        Representation::Json => answer::done(&told?).map(|answer| answer.map(Body::new))?,
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

async fn receipt_answer(app: &App, token: &str) -> Result<ReceiptAnswer, Problem> {
    let sale = sale(app, token).await?;
    let seal = app.opener(no_receipt)?;
    answer::receipt(&sale, seal).ok_or_else(no_receipt)
}

/// The sale with the receipt `token`.
async fn sale(app: &App, token: &str) -> Result<SaleRecord, Problem> {
    let seal = app.opener(no_receipt)?;
    let revision = seal.revision(Kind::Sale, token).ok_or_else(no_receipt)?;
    // Nobody but a server of this counter can have made it.
    let missing = || {
        let missing =
            "this counter gave out this receipt; the record of its sale is missing in the ledger";
        Problem::new(Code::NotFound, missing).with("revision", revision)
    };
    app.counter.sale(revision).await?.ok_or_else(missing)
}

fn no_receipt() -> Problem {
    Problem::new(Code::NotFound, "this counter gave out no such receipt")
}

/// `DELETE /receipts/{receipt}`.
pub(super) async fn refund(asked: Asked) -> Result<Response<Body>, Problem> {
    let (app, token) = without_body(asked).await?;
    let sale = sale(&app, &token).await?;
    settled(&app, app.counter.refund(&sale).await, true)
}

/// `POST /receipts/{receipt}/admit`.
pub(super) async fn admit(asked: Asked) -> Result<Response<Body>, Problem> {
    let (app, token) = without_body(asked).await?;
    let sale = sale(&app, &token).await?;
    let admitted = app.counter.admit(&sale).await;
    let admitted = admitted.map_err(|refusal| Problem::of_repeatable(refusal, true))?;
    answer::admission(&sale, admitted).map(|answer| answer.map(Body::new))
}

/// `POST /holds`.
pub(super) async fn hold(asked: Asked) -> Result<Response<Body>, Problem> {
    let Asked { app, request, .. } = asked;
    let key = wire::parse_key(request.headers())?;
    let body = Unread::of(request).read().await?;
    let (order, seconds) = wire::parse_hold(&body, app.max_per_order, app.hold_seconds_max)?;
    app.buyer.check(&order)?;
    let has_key = key.is_some();
    settled(&app, app.counter.hold(order, seconds, key).await, has_key)
}

/// `POST /holds/{hold}/confirm`.
pub(super) async fn confirm(asked: Asked) -> Result<Response<Body>, Problem> {
    let (app, token) = without_body(asked).await?;
    settled(&app, app.counter.confirm(held(&app, &token)?).await, true)
}

/// `DELETE /holds/{hold}`.
pub(super) async fn release(asked: Asked) -> Result<Response<Body>, Problem> {
    let (app, token) = without_body(asked).await?;
    settled(&app, app.counter.release(held(&app, &token)?).await, true)
}

/// The revision of the hold `token`.
fn held(app: &App, token: &str) -> Result<u64, Problem> {
    let unknown = || Problem::new(Code::NotFound, "this counter made no such hold");
    app.opener(unknown)?.revision(Kind::Hold, token).ok_or_else(unknown)
}

/// `POST /sale`.
pub(super) async fn set_sale(asked: Asked) -> Result<Response<Body>, Problem> {
    let Asked { app, request, .. } = asked;
    let is_open = wire::parse_open(&Unread::of(request).read().await?)?;
    settled(&app, app.counter.set_sale(is_open).await, false)
}

/// What a call is about that needs no body, and says so: the part of its path.
async fn without_body(asked: Asked) -> Result<(Arc<App>, String), Problem> {
    let Asked { app, request, part } = asked;
    wire::parse_nothing(&Unread::of(request).read().await?)?;
    Ok((app, part))
}

/// Answers what came of a request, which may be a repetition.
fn settled(
    app: &App,
    settled: Result<Settled, Refusal>,
    is_repeatable: bool,
) -> Result<Response<Body>, Problem> {
    let settled = settled.map_err(|refusal| Problem::of_repeatable(refusal, is_repeatable))?;
    answer::settled(settled, app.seal()).map(|answer| answer.map(Body::new))
}

/// `POST /restock`.
pub(super) async fn restock(asked: Asked) -> Result<Response<Body>, Problem> {
    let Asked { app, request, .. } = asked;
    let key = wire::parse_key(request.headers())?;
    let body = Unread::of(request).read().await?;
    let has_key = key.is_some();
    settled(&app, app.counter.restock(wire::parse_restock(&body)?, key).await, has_key)
}
