//! What is asked of the lab, and what it answers.

use std::{convert::Infallible, path::Path, sync::Arc};

use axum::{
    Router,
    extract::{self, DefaultBodyLimit, RawQuery, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{
        Html, IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};

use super::{
    access::{Access, check},
    lab::{Command, Lab},
    page,
};
use crate::{
    lab::{
        error::LabError,
        model::{random, setup::Play},
        views::{cost_picture, picture},
    },
    report::say,
};

/// The most that a command may be long, in bytes.
const BODY_MAX: usize = 16 * 1024;

/// What every request finds.
#[derive(Clone, Debug)]
struct Shared {
    access: Arc<Access>,
    lab: Arc<Lab>,
}

/// Serves a lab with its files in `folder` on `listener`, for ever.
///
/// # Errors
/// It cannot listen any more.
pub(in crate::lab) async fn serve(listener: TcpListener, folder: &Path) -> Result<u8, LabError> {
    let failed = LabError::io("listen");
    let address = listener.local_addr().map_err(&failed)?;
    let access = Access::new(address).map_err(LabError::io("make a token"))?;
    say(&format!("listening on http://{address}"));
    if address.ip().is_loopback() {
        say(&format!("open      http://{address}{}", access.path()));
        say(&format!("to watch  http://{address}/follow"));
    } else {
        say(&format!("to drive  http://{address}{}   (keep this link)", access.path()));
        say(&format!("to watch  http://{address}/"));
        if address.ip().is_unspecified() {
            say(&format!("with the number of this machine in the place of {}", address.ip()));
        }
    }
    let shared = Shared { access: Arc::new(access), lab: Lab::new(folder) };
    axum::serve(listener, router(shared)).await.map_err(failed)?;
    Ok(crate::exit_code::VALID)
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/follow", get(follow))
        .route("/live", get(live))
        .route("/commands", post(command))
        .route("/map", get(map))
        .route("/schedules/{number}", get(schedule))
        .route("/random/{seed}", get(drawn))
        .route("/schedule.json", get(file))
        .route("/picture.svg", get(drawing))
        .route("/costs.svg", get(costs))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn(guard))
        .with_state(shared)
}

async fn guard(request: Request, next: Next) -> Response {
    let mut response = match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    // A page has its own, which names its style and its script.
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        let policy = header::HeaderValue::from_static(policy);
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn front(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    answer_page(shared.access.page_token(query.as_deref()))
}

async fn follow() -> Response {
    answer_page(None)
}

fn answer_page(token: Option<&str>) -> Response {
    // What the page says of itself in a `meta` is as strict; a frame can be refused here only.
    let policy = [(header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'")];
    (policy, Html(page::render(token))).into_response()
}

async fn live(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let driver = match shared.access.is_driver(query.as_deref()) {
        true => Some(shared.lab.enter().await?),
        false => None,
    };
    let news = WatchStream::new(shared.lab.watch()).map(move |told| {
        // Gone with the stream, and that with the page.
        let _driver = &driver;
        Ok(Event::default().event("lab").data(&*told))
    });
    Ok(Sse::new(news).keep_alive(KeepAlive::new()))
}

async fn command(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Refusal> {
    if !shared.access.may_drive(&headers) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "this page may only watch"));
    }
    let command: Command = serde_json::from_slice(&body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, &error.to_string()))?;
    let told = shared.lab.carry_out(command).await?;
    Ok(json_text(&told))
}

async fn map(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let (setup, map) = shared.lab.look(|session| (session.setup(), session.map())).await?;
    let map = map.map(|(counts, letters)| json!({ "counts": counts, "letters": letters }));
    Ok(json_text(&json!({ "setup": setup, "map": map }).to_string()))
}

async fn schedule(
    State(shared): State<Shared>,
    extract::Path(number): extract::Path<u64>,
) -> Result<Response, Refusal> {
    let (setup, schedule) =
        shared.lab.look(|session| (session.setup(), session.schedule(number))).await?;
    match schedule {
        Some(schedule) => Ok(play_text(&Play::new(setup, schedule))),
        None => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such schedule")),
    }
}

async fn drawn(
    State(shared): State<Shared>,
    extract::Path(seed): extract::Path<u64>,
) -> Result<Response, Refusal> {
    let setup = shared.lab.look(|session| session.setup()).await?;
    Ok(play_text(&Play::new(setup, random::schedule(setup, seed))))
}

async fn file(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let play = shared.lab.look(|session| session.played()).await?;
    let name = [(header::CONTENT_DISPOSITION, "attachment; filename=\"schedule.json\"")];
    Ok((name, play_text(&play)).into_response())
}

async fn drawing(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let picture = shared.lab.look(|session| picture::draw(session)).await?;
    Ok(svg(picture))
}

async fn costs(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let picture = shared.lab.look(|session| cost_picture::draw(session.costs())).await?;
    Ok(svg(picture))
}

fn svg(picture: String) -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response()
}

fn play_text(play: &Play) -> Response {
    json_text(&json!(play).to_string())
}

fn json_text(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], format!("{text}\n")).into_response()
}

/// What is not done, and why.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    fn new(status: StatusCode, why: &str) -> Self {
        Self { status, why: why.to_owned() }
    }
}

impl From<LabError> for Refusal {
    fn from(error: LabError) -> Self {
        let status = match error {
            LabError::Stuck { .. } => StatusCode::CONFLICT,
            LabError::Setup(_) | LabError::NoMission(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, why: error.to_string() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json_text(&json!({ "error": self.why }).to_string());
        (self.status, body).into_response()
    }
}
