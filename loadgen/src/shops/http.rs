//! One way to ask all shops: the routes of the contract, over HTTP.
//!
//! It decides nothing: each call is handed to the shop on a thread of its own, and its answer written as
//! `server` writes it. So whatever speaks to `server` speaks to a shop.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::calls::{Refusal, Sale, Shop};

/// A shop that is served.
pub(super) type Served = Arc<dyn Shop>;

/// What may stand in a request's body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default = "one")]
    quantity: u64,
    #[serde(default)]
    seconds: Option<u64>,
    /// Who buys; no shop here keeps it.
    #[serde(default, rename = "buyer")]
    _buyer: Option<String>,
}

fn one() -> u64 {
    1
}

/// How long tickets are put aside where nobody says.
const HOLD_SECONDS: u64 = 120;

/// The longest, as at `server`.
const HOLD_SECONDS_MAX: u64 = 24 * 3600;

/// The calls that all shops have, and those that some have.
pub(super) fn routes(shop: Served) -> Router {
    Router::new()
        .route("/search", get(search))
        .route("/buy", post(buy))
        .route("/receipts/{receipt}", delete(refund))
        .route("/holds", post(hold))
        .route("/holds/{hold}", delete(release))
        .route("/holds/{hold}/confirm", post(confirm))
        .route("/restock", post(restock))
        .with_state(shop)
}

async fn search(State(shop): State<Served>) -> Response {
    let count = call(shop, |shop| shop.search()).await;
    told(
        count,
        StatusCode::OK,
        |count| json!({"count": count.left, "sold": null, "held": count.held, "revision": null}),
    )
}

async fn buy(State(shop): State<Served>, head: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = asked(&body).and_then(only_one) {
        return refused(&refusal);
    }
    let key = head.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let sale = call(shop, move |shop| shop.buy(key.as_deref())).await;
    told(sale, StatusCode::CREATED, sold)
}

async fn refund(State(shop): State<Served>, Path(receipt): Path<i64>) -> Response {
    told(call(shop, move |shop| shop.refund(receipt)).await, StatusCode::OK, remaining)
}

async fn hold(State(shop): State<Served>, body: Bytes) -> Response {
    let seconds = match asked(&body).and_then(only_one) {
        Ok(asked) => asked.seconds.unwrap_or(HOLD_SECONDS),
        Err(refusal) => return refused(&refusal),
    };
    if !(1..=HOLD_SECONDS_MAX).contains(&seconds) {
        let reason = format!("`seconds` is from 1 to {HOLD_SECONDS_MAX}");
        return refused(&Refusal::Invalid(reason));
    }
    let expires_at = SystemTime::now() + Duration::from_secs(seconds);
    let held = call(shop, move |shop| shop.hold(seconds)).await;
    told(held, StatusCode::CREATED, |held| {
        json!({
            "hold": held.hold.to_string(),
            "quantity": 1,
            "expires_at": humantime::format_rfc3339_millis(expires_at).to_string(),
            "remaining": held.left,
            "revision": null,
        })
    })
}

async fn confirm(State(shop): State<Served>, Path(hold): Path<u64>) -> Response {
    told(call(shop, move |shop| shop.confirm(hold)).await, StatusCode::CREATED, sold)
}

async fn release(State(shop): State<Served>, Path(hold): Path<u64>) -> Response {
    told(call(shop, move |shop| shop.release(hold)).await, StatusCode::OK, remaining)
}

async fn restock(State(shop): State<Served>, body: Bytes) -> Response {
    let quantity = match asked(&body) {
        Ok(asked) => i64::try_from(asked.quantity).unwrap_or(i64::MAX),
        Err(refusal) => return refused(&refusal),
    };
    if !(1..=1_000_000).contains(&quantity) {
        return refused(&Refusal::Invalid("`quantity` is from 1 to 1000000".to_owned()));
    }
    told(call(shop, move |shop| shop.restock(quantity)).await, StatusCode::OK, remaining)
}

/// Asks the shop on a thread that may wait, as a web server with a thread for each request does.
async fn call<T: Send + 'static>(
    shop: Served,
    ask: impl FnOnce(&dyn Shop) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let answer = spawn_blocking(move || ask(shop.as_ref())).await;
    answer.unwrap_or_else(|error| Err(Refusal::Failed(std::io::Error::other(error))))
}

fn told<T>(
    answer: Result<T, Refusal>,
    status: StatusCode,
    say: impl FnOnce(T) -> Value,
) -> Response {
    match answer {
        Ok(answer) => (status, Json(say(answer))).into_response(),
        Err(refusal) => refused(&refusal),
    }
}

fn sold(sale: Sale) -> Value {
    let Sale { ticket, left } = sale;
    json!({"tickets": [ticket], "remaining": left, "revision": null, "receipt": ticket.to_string()})
}

fn remaining(left: i64) -> Value {
    json!({"remaining": left, "revision": null})
}

fn asked(body: &[u8]) -> Result<Asked, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal::Invalid(error.to_string()))
}

fn only_one(asked: Asked) -> Result<Asked, Refusal> {
    match asked.quantity {
        1 => Ok(asked),
        _ => Err(Refusal::Invalid("a shop of the gallery sells one ticket at a time".to_owned())),
    }
}

/// A problem (RFC 9457) of those that the contract names.
fn refused(refusal: &Refusal) -> Response {
    let (status, code, title) = match refusal {
        Refusal::SoldOut => (StatusCode::CONFLICT, "sold-out", "Sold out"),
        Refusal::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
        Refusal::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid-request", "Invalid request"),
        Refusal::HoldExpired => (StatusCode::GONE, "hold-expired", "Hold expired"),
        Refusal::Failed(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "outcome-unknown", "Outcome unknown")
        }
    };
    let mut problem = json!({
        "type": format!("/problems/{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": refusal.to_string(),
    });
    let mut response = StatusCode::into_response(status);
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        problem["sold"] = json!("unknown");
        head.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    *response.body_mut() = problem.to_string().into();
    response
}
