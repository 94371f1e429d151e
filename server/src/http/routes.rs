//! Which path is answered by whom.

use std::sync::Arc;

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::{Path, Request, State, rejection::PathRejection},
    http::{self, HeaderMap, HeaderValue, Response, StatusCode, header},
    response::{Html, IntoResponse},
    routing::{get, post},
};

use crate::{
    counter::Count,
    http::{
        answer::{self, Whole},
        app::App,
        body::Unread,
        live,
        page::{self, PageView},
        problem::{Code, Problem},
        wire::{self, CountAnswer, Shown},
    },
};

/// The routes of the server.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(show_page))
        .route("/search", get(routed_search))
        .route("/buy", post(routed_buy))
        .route("/receipts/{receipt}", get(receipt))
        .route("/restock", post(restock))
        .route("/live", get(tell_live))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/problems/{code}", get(explain))
        .fallback(|| async { nothing_here() })
        .method_not_allowed_fallback(|| async {
            let detail = "this path takes other methods; see the header `Allow`";
            Problem::new(Code::MethodNotAllowed, detail)
        })
        .with_state(app)
}

/// The routes of the yardstick: the same calls, answered without a counter.
pub fn noop_router() -> Router {
    Router::new()
        .route("/buy", post(|| async { noop_buy().map(Body::new) }))
        .route("/search", get(|| async { noop_search().map(Body::new) }))
        .route("/livez", get(|| async { "ok\n" }))
        .fallback(|| async { nothing_here() })
}

/// The yardstick's `POST /buy`.
pub fn noop_buy() -> Whole {
    const RECEIPT: HeaderValue =
        HeaderValue::from_static("/receipts/AAAAAAAAEmcAAAAAAAAAAAAAAAAAAAAA");
    const SOLD: &[u8] = b"{\"tickets\":[4711],\"remaining\":995289,\"revision\":4711,\
                          \"receipt\":\"AAAAAAAAEmcAAAAAAAAAAAAAAAAAAAAA\"}\n";
    let mut sold = answer::json(StatusCode::CREATED, Bytes::from_static(SOLD));
    sold.headers_mut().insert(header::LOCATION, RECEIPT);
    sold
}

/// The yardstick's `GET /search`.
pub fn noop_search() -> Whole {
    const FOUND: &[u8] = b"{\"count\":995289,\"sold\":4711,\"held\":0,\"revision\":4711,\
                           \"locking\":\"group\"}\n";
    answer::json(StatusCode::OK, Bytes::from_static(FOUND))
}

fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "nothing is at this path")
}

async fn show_page(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let Count { remaining, sold, revision } = app.counter.count().await?;
    let document = page::render(&PageView {
        count: remaining,
        sold,
        revision,
        locking: app.counter.locking(),
        warning: app.counter.warning(),
        max_per_order: app.max_per_order,
    });
    let headers = [
        (header::CONTENT_SECURITY_POLICY, page::content_security_policy()),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Html(document)))
}

async fn routed_search(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    search(app, request.headers()).await.map(|answer| answer.map(Body::new))
}

/// `GET /search`; of `headers` nothing is kept but what a client has seen before.
pub fn search(
    app: Arc<App>,
    headers: &HeaderMap,
) -> impl Future<Output = Result<Whole, Problem>> + Send + use<> {
    let known = headers.get(header::IF_NONE_MATCH).cloned();
    async move {
        let shown = |count| CountAnswer::of(&app.counter, count).shown();
        let glance = || app.counter.glance().and_then(|count| shown(count).ok());
        let Shown { text, tag } = match app.reading.look(glance).await {
            Some(shown) => shown,
            // Boxed, so that the usual request does not carry the room for the rare one.
            None => {
                let count = Box::pin(app.counter.count()).await?;
                shown(count).map_err(|error| answer::without_text(&error))?
            }
        };
        let known = known.as_ref().and_then(|known| known.to_str().ok());
        let is_known = |tag: &str| known.is_some_and(|known| names(known, tag));
        let mut response = if tag.as_ref().and_then(|tag| tag.to_str().ok()).is_some_and(is_known) {
            let mut unchanged = Whole::default();
            *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
            unchanged
        } else {
            answer::json(StatusCode::OK, text)
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(tag) = tag {
            headers.insert(header::ETAG, tag);
        }
        Ok(response)
    }
}

/// Whether the `If-None-Match` of a client names `tag` (RFC 9110, section 13.1.2).
fn names(known: &str, tag: &str) -> bool {
    let mut known = known.split(',').map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

async fn routed_buy(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    buy(app, request)?.await.map(|answer| answer.map(Body::new))
}

/// `POST /buy`: reads the head of `request` at once, and gives what is left to do.
///
/// # Errors
/// A [`Problem`] with the head.
pub fn buy<B>(
    app: Arc<App>,
    request: http::Request<B>,
) -> Result<impl Future<Output = Result<Whole, Problem>> + Send + use<B>, Problem>
where
    B: HttpBody<Data = Bytes> + Send,
    B::Error: Into<BoxError>,
{
    let key = wire::parse_key(request.headers())?;
    let body = Unread::of(request);
    Ok(async move {
        let order = wire::parse_order(&body.read().await?, app.max_per_order)?;
        answer::purchase(app.counter.buy(order, key).await?, app.seal.as_ref())
    })
}

async fn receipt(
    State(app): State<Arc<App>>,
    token: Result<Path<String>, PathRejection>,
) -> Result<Response<Body>, Problem> {
    let Path(token) = token.map_err(|_| nothing_here())?;
    let unknown = || Problem::new(Code::NotFound, "this counter gave out no such receipt");
    let seal = app.seal.as_ref().ok_or_else(unknown)?;
    let revision = seal.revision(&token).ok_or_else(unknown)?;
    let record = app.counter.record(revision).await?.ok_or_else(unknown)?;
    let receipt = answer::receipt(&record, seal).ok_or_else(unknown)?;
    answer::done(&receipt).map(|answer| answer.map(Body::new))
}

async fn restock(State(app): State<Arc<App>>, request: Request) -> Result<Response<Body>, Problem> {
    admin(request.headers(), app.admin_token.as_deref())?;
    let key = wire::parse_key(request.headers())?;
    let body = Unread::of(request).read().await?;
    let restocked = app.counter.restock(wire::parse_restock(&body)?, key).await?;
    answer::settled(restocked, app.seal.as_ref()).map(|answer| answer.map(Body::new))
}

/// Lets an admin call pass, or says why not.
fn admin(headers: &HeaderMap, token: Option<&str>) -> Result<(), Problem> {
    let unauthorized = |detail| Problem::new(Code::Unauthorized, detail);
    let token = token.ok_or_else(|| {
        unauthorized("this server has no admin token; start it with `--admin-token-file FILE`")
    })?;
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    // All of both is compared, so that the time tells nothing about the token.
    let differing = sent.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    if sent.len() != token.len() || differing != 0 {
        return Err(unauthorized("expected `Authorization: Bearer <token>` with the admin token"));
    }
    Ok(())
}

async fn tell_live(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    live::stream(&app.live, &app.counter).await
}

async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    match app.counter.obstacle() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(app.counter.count().await.map(|_| "ready\n")?),
    }
}

async fn explain(code: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(code) = code.map_err(|_| nothing_here())?;
    let code = Code::all().find(|known| known.name() == code);
    let code = code.ok_or_else(|| Problem::new(Code::NotFound, "there is no such problem"))?;
    Ok(format!("{} ({})\n\n{}\n", code.title(), code.status().as_u16(), code.explanation()))
}
