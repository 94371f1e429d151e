//! Which call is answered by whom: each stands once, in `ROUTES`.

use std::{pin::Pin, sync::Arc};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{self, HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter, on},
};
use subtle::ConstantTimeEq as _;

use crate::{
    domain::COUNT_MAX,
    http::{
        app::{App, Asked, Refunds},
        browser,
        connections::activity::Activity,
        live,
        message::{
            accept::{Representation, preferred},
            answer::{self, Whole},
            body::{Unread, is_form},
            problem::{Code, Problem},
            wire::{self, CountAnswer, Shown},
        },
        metrics, office,
        openapi::{
            calls,
            document::{Limits, document},
            terms::{Answer, Call, Terms},
        },
        sales,
    },
};

/// One call.
pub struct Route {
    /// Its method; a `GET` takes `HEAD` too.
    method: Method,
    /// Its path, with a part in braces that may be anything.
    path: &'static str,
    /// Who may call it.
    access: Access,
    /// What answers it.
    handler: Handler,
    /// What it is for, for people.
    words: &'static str,
    /// What it takes and gives.
    terms: &'static Terms,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Anybody,
    /// Whoever has the token.
    Admin,
    /// Who may refund: whoever has the token, or anybody who has a receipt.
    Refunds,
}

impl Access {
    /// Whether no token is needed where `refunds` says who may refund.
    fn is_for_anybody(self, refunds: Refunds) -> bool {
        match self {
            Self::Anybody => true,
            Self::Refunds => refunds == Refunds::Buyer,
            Self::Admin => false,
        }
    }
}

type Handler = fn(Asked) -> Pin<Box<dyn Future<Output = Result<Response<Body>, Problem>> + Send>>;

/// `POST /buy`, which [`super::service`] answers without the router, but for a form.
pub const BUY: Route = Route {
    method: Method::POST,
    path: "/buy",
    access: Access::Anybody,
    handler: |asked| {
        Box::pin(async {
            if is_form(asked.request.headers()) {
                return Ok(browser::buy(asked.app, asked.request).await);
            }
            buy(asked.app, asked.request)?.await.map(|answer| answer.map(Body::new))
        })
    },
    words: "buys tickets: {\"quantity\": 1, \"buyer\": \"user 4711\"}, or one without a body",
    terms: &calls::BUY,
};

/// `GET /search`, which [`super::service`] answers without the router.
pub const SEARCH: Route = Route {
    method: Method::GET,
    path: "/search",
    access: Access::Anybody,
    handler: |asked| {
        let found = search(asked.app, asked.request.headers());
        Box::pin(async { found.await.map(|answer| answer.map(Body::new)) })
    },
    words: "says how many tickets are left",
    terms: &calls::SEARCH,
};

// Nobody is asked for a token ahead of the router.
const _: () = assert!(matches!((BUY.access, SEARCH.access), (Access::Anybody, Access::Anybody)));

/// `GET /livez`, which the yardsticks answer, too.
const LIVEZ: Route = Route {
    method: Method::GET,
    path: "/livez",
    access: Access::Anybody,
    handler: |_| Box::pin(async { Ok("ok\n".into_response()) }),
    words: "says that the server runs",
    terms: &calls::LIVEZ,
};

/// `GET /readyz`, which is asked, as [`LIVEZ`], under whatever name the server is reached.
const READYZ: Route = Route {
    method: Method::GET,
    path: "/readyz",
    access: Access::Anybody,
    handler: |asked| Box::pin(async move { ready(&asked.app).await }),
    words: "says whether the server can sell",
    terms: &calls::READYZ,
};

/// `GET /sales`, the only call with parameters.
const SALES: Route = Route {
    method: Method::GET,
    path: "/sales",
    access: Access::Admin,
    handler: |asked| {
        Box::pin(async move {
            let connection = asked.request.extensions().get::<Arc<Activity>>();
            let (uri, headers) = (asked.request.uri(), asked.request.headers());
            sales::sales(asked.app, (uri, headers), connection).await
        })
    },
    words: "lists what was sold: page_size, page_token, buyer, search, order; or a table (text/csv)",
    terms: &calls::SALES,
};

/// All calls.
static ROUTES: [Route; 20] = [
    BUY,
    SEARCH,
    Route {
        method: Method::GET,
        path: "/",
        access: Access::Anybody,
        handler: |asked| {
            Box::pin(async move { browser::shop(&asked.app, asked.request.headers()).await })
        },
        words: "is the page that sells",
        terms: &calls::PAGE,
    },
    Route {
        method: Method::GET,
        path: "/operator",
        access: Access::Anybody,
        handler: |asked| Box::pin(async move { Ok(browser::operator(&asked.app)) }),
        words: "is the operator's page, which asks for the token",
        terms: &calls::OPERATOR,
    },
    Route {
        method: Method::GET,
        path: "/door",
        access: Access::Anybody,
        handler: |asked| Box::pin(async move { Ok(browser::door(&asked.app)) }),
        words: "is the page for the door, which asks for the token",
        terms: &calls::DOOR,
    },
    Route {
        method: Method::GET,
        path: "/receipts/{receipt}",
        access: Access::Anybody,
        handler: |asked| Box::pin(office::receipt(asked)),
        words: "tells a sale again; a browser gets the ticket",
        terms: &calls::RECEIPT,
    },
    Route {
        method: Method::DELETE,
        path: "/receipts/{receipt}",
        access: Access::Refunds,
        handler: |asked| Box::pin(office::refund(asked)),
        words: "refunds a sale: its tickets go back to the count",
        terms: &calls::REFUND,
    },
    Route {
        method: Method::POST,
        path: "/receipts/{receipt}/admit",
        access: Access::Admin,
        handler: |asked| Box::pin(office::admit(asked)),
        words: "lets the holders of a sale's tickets in, once",
        terms: &calls::ADMIT,
    },
    Route {
        method: Method::POST,
        path: "/holds",
        access: Access::Anybody,
        handler: |asked| Box::pin(office::hold(asked)),
        words: "sets tickets aside: {\"quantity\": 2, \"seconds\": 120}",
        terms: &calls::HOLD,
    },
    Route {
        method: Method::POST,
        path: "/holds/{hold}/confirm",
        access: Access::Anybody,
        handler: |asked| Box::pin(office::confirm(asked)),
        words: "buys what is held",
        terms: &calls::CONFIRM,
    },
    Route {
        method: Method::DELETE,
        path: "/holds/{hold}",
        access: Access::Anybody,
        handler: |asked| Box::pin(office::release(asked)),
        words: "gives back what is held",
        terms: &calls::RELEASE,
    },
    Route {
        method: Method::POST,
        path: "/restock",
        access: Access::Admin,
        handler: |asked| Box::pin(office::restock(asked)),
        words: "puts more tickets on sale: {\"quantity\": 50}",
        terms: &calls::RESTOCK,
    },
    Route {
        method: Method::POST,
        path: "/sale",
        access: Access::Admin,
        handler: |asked| Box::pin(office::set_sale(asked)),
        words: "closes the sale, and opens it again: {\"open\": false}",
        terms: &calls::SALE,
    },
    SALES,
    Route {
        method: Method::GET,
        path: "/live",
        access: Access::Anybody,
        handler: |asked| {
            Box::pin(async move {
                let activity = asked.request.extensions().get::<Arc<Activity>>().cloned();
                live::stream(&asked.app.listeners, &asked.app.counter, activity.as_ref())
                    .await
                    .map(IntoResponse::into_response)
            })
        },
        words: "tells the count whenever it changes, as server-sent events",
        terms: &calls::LIVE,
    },
    Route {
        method: Method::GET,
        path: "/metrics",
        access: Access::Anybody,
        handler: |asked| Box::pin(async move { metrics(&asked.app).await }),
        words: "is what a monitoring system reads: OpenMetrics",
        terms: &calls::METRICS,
    },
    LIVEZ,
    READYZ,
    Route {
        method: Method::GET,
        path: "/openapi.json",
        access: Access::Anybody,
        handler: |asked| Box::pin(async move { describe(&asked.app) }),
        words: "describes all calls: OpenAPI 3.1",
        terms: &calls::OPENAPI,
    },
    Route {
        method: Method::GET,
        path: "/problems/{code}",
        access: Access::Anybody,
        handler: |asked| Box::pin(async move { explain(&asked.part) }),
        words: "explains a problem",
        terms: &calls::PROBLEM,
    },
];

/// The routes of the server.
pub fn router(app: Arc<App>) -> Router {
    let router = ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.service()));
    router
        .fallback(|| async { nothing_here() })
        .method_not_allowed_fallback(|| async {
            let detail = "this path takes other methods; see the header `Allow`";
            Problem::new(Code::MethodNotAllowed, detail)
        })
        .with_state(app)
}

/// The routes of the yardsticks beside the calls that they answer by themselves.
pub fn noop_router() -> Router {
    Router::new()
        .route(LIVEZ.path, on(LIVEZ.filter(), || async { "ok\n" }))
        .fallback(|| async { nothing_here() })
}

/// Whether a request is one of those by which a machine looks whether the server is well.
pub fn is_probe(method: &Method, uri: &Uri) -> bool {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    LIVEZ.is(method, uri) || READYZ.is(method, uri)
}

fn is_probe_route(route: &Route) -> bool {
    [LIVEZ.path, READYZ.path].contains(&route.path)
}

/// The patterns of all calls by their places, and what stands for paths of none.
pub fn patterns() -> Vec<&'static str> {
    (0..=ROUTES.len()).map(pattern).collect()
}

/// Where the first call of `path` stands, or behind all of them where there is none.
pub fn place(path: &str) -> usize {
    let whole = ROUTES.iter().position(|route| route.path == path);
    let place = whole.or_else(|| ROUTES.iter().position(|route| is_like(path, route.path)));
    place.unwrap_or(no_place())
}

/// The place of what is no call.
pub const fn no_place() -> usize {
    ROUTES.len()
}

/// The pattern of the path of the call at `place`, as `/receipts/{receipt}`.
pub fn pattern(place: usize) -> &'static str {
    ROUTES.get(place).map_or("(none)", |route| route.path)
}

fn is_like(path: &str, pattern: &str) -> bool {
    let (mut parts, mut wanted) = (path.split('/'), pattern.split('/'));
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return true,
            (Some(part), Some(wanted)) if part == wanted => {}
            (Some(part), Some(wanted)) if wanted.starts_with('{') && !part.is_empty() => {}
            _ => return false,
        }
    }
}

impl Route {
    /// Whether a request with `method` and `uri` is this call, whose path has no part in braces.
    pub fn is(&self, method: &Method, uri: &Uri) -> bool {
        uri.path() == self.path && *method == self.method
    }

    fn filter(&self) -> MethodFilter {
        let filter = MethodFilter::try_from(self.method.clone());
        filter.expect("the method of a route is one that everybody knows")
    }

    fn service(&self) -> MethodRouter<Arc<App>> {
        let filter = self.filter();
        let Self { access, handler, terms, .. } = *self;
        let leads_elsewhere = |answer: &Answer| answer.status == StatusCode::SEE_OTHER;
        let is_page = self.method == Method::GET && terms.answers.iter().any(leads_elsewhere);
        let takes_parameters = terms.parameters.iter().any(|parameter| parameter.place == "query");
        let answer = move |State(app): State<Arc<App>>,
                           parts: Result<RawPathParams, RawPathParamsRejection>,
                           request: Request| async move {
            if !takes_parameters && let Err(problem) = refuse_parameters(request.uri()) {
                let is_browser = preferred(request.headers()) == Representation::Page;
                return match is_page && is_browser {
                    true => Ok(browser::without_parameters(request.uri())),
                    false => Err(problem),
                };
            }
            if !access.is_for_anybody(app.refunds) {
                admin(request.headers(), app.admin_token.as_deref())?;
            }
            let parts = parts.map_err(|_| nothing_here())?;
            let part = parts.iter().next().map_or_else(String::new, |(_, part)| part.to_owned());
            handler(Asked { app, request, part }).await
        };
        on(filter, answer)
    }
}

/// Refuses what stands behind a `?`: no call knows a parameter, and a mistyped one must not be lost.
///
/// # Errors
/// A [`Problem`] that names the first.
pub fn refuse_parameters(uri: &Uri) -> Result<(), Problem> {
    let mut parameters = uri.query().unwrap_or_default().split('&');
    let Some(parameter) = parameters.find(|parameter| !parameter.is_empty()) else { return Ok(()) };
    let name = parameter.split('=').next().unwrap_or_default();
    let detail = format!("unknown parameter `{name}`: this call takes none behind a `?`");
    Err(Problem::new(Code::InvalidRequest, detail))
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
    let call = |route: &Route| format!("{} {} {}", route.method, route.path, route.words);
    let calls: Vec<_> = ROUTES.iter().map(call).collect();
    Problem::new(Code::NotFound, "nothing is at this path").with("calls", calls)
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
        app.buyer.check(&order)?;
        let has_key = key.is_some();
        let bought = app.counter.buy(order, key).await;
        let bought = bought.map_err(|refusal| Problem::of_repeatable(refusal, has_key))?;
        answer::purchase(bought, app.seal())
    })
}

/// Lets an admin call pass, or says why not.
fn admin(headers: &HeaderMap, token: Option<&str>) -> Result<(), Problem> {
    let unauthorized = |detail| Problem::new(Code::Unauthorized, detail);
    let token = token.ok_or_else(|| {
        unauthorized("this server has no admin token; start it with `--admin-token-file FILE`")
    })?;
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    // Of two, nobody knows which one somebody in between has looked at.
    let sent = all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(bearer).unwrap_or_default();
    // In constant time: how long it takes tells nothing of the token but its length.
    if bool::from(sent.as_bytes().ct_ne(token.as_bytes())) {
        return Err(unauthorized("expected `Authorization: Bearer <token>` with the admin token"));
    }
    Ok(())
}

/// The token of an `Authorization`: the scheme in any case, and spaces behind it (RFC 9110, section 11).
fn bearer(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

async fn ready(app: &App) -> Result<Response<Body>, Problem> {
    match app.counter.obstacle() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(app.counter.count().await.map(|_| "ready\n".into_response())?),
    }
}

async fn metrics(app: &App) -> Result<Response<Body>, Problem> {
    let (waiting, listeners) = (app.counter.waiting(), app.listeners.count());
    // A counter that cannot be read is what somebody is watching for: the rest is told all the same.
    let count = app.counter.count().await.ok();
    let (memory, room_taken) = (app.counter.memory(), app.counter.room_taken());
    let now = metrics::Now { count, memory, room_taken, waiting, listeners };
    let text = app.metrics.text(now);
    let text = text.map_err(|error| Problem::new(Code::OutcomeUnknown, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

fn describe(app: &App) -> Result<Response<Body>, Problem> {
    let text = match app.description.get() {
        Some(text) => text.clone(),
        None => {
            let text = wire::text(&described(app)).map_err(|error| answer::without_text(&error))?;
            app.description.get_or_init(|| text).clone()
        }
    };
    Ok(answer::json(StatusCode::OK, text).map(Body::new))
}

/// The calls of the server of `app`, as `GET /openapi.json` has them.
fn described(app: &App) -> serde_json::Value {
    let call = |route: &'static Route| Call {
        method: &route.method,
        path: route.path,
        needs_token: !route.access.is_for_anybody(app.refunds),
        is_guarded: !is_probe_route(route),
        words: route.words,
        terms: route.terms,
    };
    let limits = Limits {
        max_per_order: app.max_per_order,
        hold_seconds_max: app.hold_seconds_max,
        buyer: app.buyer,
        count_max: COUNT_MAX,
    };
    document(&ROUTES.each_ref().map(call), limits)
}

fn explain(code: &str) -> Result<Response<Body>, Problem> {
    let code = Code::all().find(|known| known.name() == code);
    let code = code.ok_or_else(|| Problem::new(Code::NotFound, "there is no such problem"))?;
    let (title, status) = (code.title(), code.status().as_u16());
    Ok(format!("{title} ({status})\n\n{}\n", code.explanation()).into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_has_a_name_of_its_own_and_says_what_its_part_may_be() {
        let names: BTreeSet<_> = ROUTES.iter().map(|route| route.terms.name).collect();
        assert_eq!(names.len(), ROUTES.len());
        for Route { path, terms, .. } in &ROUTES {
            assert_eq!(terms.part.is_some(), path.contains('{'), "{path}");
            assert!(!terms.answers.is_empty() && !terms.name.is_empty(), "{path}");
        }
    }
}
