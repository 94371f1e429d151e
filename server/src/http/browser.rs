//! What browsers are answered: the pages, and the form that buys without a script.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
    response::IntoResponse,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::{
    counter::{Count, Purchase, lesson::LessonSale},
    domain::Outcome,
    http::{
        app::{App, Refunds},
        message::{
            accept::{Representation, preferred},
            answer,
            body::Unread,
            form,
            problem::{Code, Problem},
            token::Kind,
            wire::{self, HOLD_SECONDS, ReceiptAnswer, Tickets},
        },
        page::{
            address, operator, qr,
            refusal::{self, RefusalView},
            shop::{self, ShopView},
            ticket::{self, LessonTicketView, TicketView},
        },
    },
};

/// `GET /`; where the counter cannot be read, to a browser as a page.
///
/// # Errors
/// A [`Problem`] where the counter cannot be read.
pub async fn shop(app: &App, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    match selling(app).await {
        Err(problem) if preferred(headers) == Representation::Page => {
            Ok(not_shown(app, &problem, "./"))
        }
        told => told,
    }
}

async fn selling(app: &App) -> Result<Response<Body>, Problem> {
    let Count { remaining, revision, is_closed, .. } = app.counter.count().await?;
    let has_receipts = app.counter.gives_tokens();
    // Without one the form still buys, and a second press buys again.
    let key = has_receipts.then(|| (app.random)().ok()).flatten();
    let key = key.map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(&bytes[..16]));
    Ok(shop::answer(&ShopView {
        event: app.event.as_deref(),
        count: remaining,
        revision,
        is_open: !is_closed,
        locking: app.counter.locking(),
        warning: app.counter.warning(),
        max_per_order: app.max_per_order,
        buyer: app.buyer,
        hold_seconds: has_receipts.then(|| HOLD_SECONDS.min(app.hold_seconds_max)),
        key: key.as_deref(),
    }))
}

/// `POST /buy` by form: 303 to the ticket; or why not, to a browser as a page.
pub async fn buy(app: Arc<App>, request: Request) -> Response<Body> {
    let wanted = preferred(request.headers());
    sell(&app, request).await.unwrap_or_else(|problem| not_bought(&app, wanted, problem))
}

/// Why an order by form was not taken.
pub fn not_bought(app: &App, wanted: Representation, problem: Problem) -> Response<Body> {
    match wanted {
        Representation::Page => refuse(app, &problem, "./", false),
        Representation::Json | Representation::Svg => problem.into_response(),
    }
}

async fn sell(app: &App, request: Request) -> Result<Response<Body>, Problem> {
    let in_head = wire::parse_key(request.headers())?;
    let body = Unread::of_form(request).read().await?;
    let form::FormOrder { order, key } = form::parse(&body, app.max_per_order)?;
    let key = in_head.or(key);
    app.buyer.check(&order)?;
    let has_key = key.is_some();
    let bought = app.counter.buy(order, key).await;
    let bought = bought.map_err(|refusal| Problem::of_repeatable(refusal, has_key))?;
    match (&bought, app.seal()) {
        (Purchase::Settled(settled), Some(seal)) => {
            if let Outcome::Sold(sale) = settled.outcome {
                let receipt = seal.token(Kind::Sale, sale.revision);
                return Ok(see_other(&format!("receipts/{}", receipt.as_str())));
            }
        }
        (&Purchase::Lesson(LessonSale::Sold { first_ticket: first, quantity, .. }), _) => {
            let tickets = Tickets { first, quantity };
            return Ok(ticket::answer_lesson(&LessonTicketView {
                event: app.event.as_deref(),
                tickets,
            }));
        }
        _ => {}
    }
    // It sold nothing, and the answer says why.
    let told = answer::purchase(bought, app.seal())?;
    Err(Problem::new(Code::OutcomeUnknown, format!("the counter answered with {}", told.status())))
}

/// 303 to an address relative to the one that was asked for, which is right under every prefix of a proxy.
fn see_other(address: &str) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let headers = answer.headers_mut();
    let address = HeaderValue::try_from(address);
    headers.insert(header::LOCATION, address.expect("a path, or a receipt in base64url"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// 303 to the page at `uri` less what stands behind its `?`, which whoever published a link to it has added: nothing is
/// bought by reading one.
pub fn without_parameters(uri: &Uri) -> Response<Body> {
    let name = uri.path().rsplit('/').next().unwrap_or_default();
    see_other(&format!("./{name}"))
}

/// `GET /operator`.
pub fn operator(app: &App) -> Response<Body> {
    operator::answer_operator(app.event.as_deref())
}

/// `GET /door`.
pub fn door(app: &App) -> Response<Body> {
    operator::answer_door(app.event.as_deref())
}

/// A receipt as a page.
pub fn ticket(
    app: &App,
    headers: &HeaderMap,
    token: &str,
    receipt: &ReceiptAnswer,
) -> Response<Body> {
    let address = &address::of_ticket(headers, token, app.is_tls);
    ticket::answer(&TicketView {
        event: app.event.as_deref(),
        receipt,
        address,
        may_refund: app.refunds == Refunds::Buyer,
    })
}

/// The QR code of a receipt alone, for a page that knows its own address better.
///
/// # Errors
/// A [`Problem`] where the address is too long for a code.
pub fn code(app: &App, headers: &HeaderMap, token: &str) -> Result<Response<Body>, Problem> {
    let too_long = || Problem::new(Code::InvalidRequest, "the address is too long for a QR code");
    let svg = qr::svg(&address::of_ticket(headers, token, app.is_tls)).ok_or_else(too_long)?;
    let mut answer = Response::new(Body::from(svg));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// Why a page cannot be shown, as a page, whose way back to the tickets is `back`; it looks again where that may help.
pub fn not_shown(app: &App, problem: &Problem, back: &str) -> Response<Body> {
    let looks_again = problem.code().status() == StatusCode::SERVICE_UNAVAILABLE;
    refuse(app, problem, back, looks_again)
}

fn refuse(app: &App, problem: &Problem, back: &str, looks_again: bool) -> Response<Body> {
    refusal::answer(&RefusalView { event: app.event.as_deref(), problem, back, looks_again })
}
