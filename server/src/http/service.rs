//! What a connection is answered by.
//!
//! Buying and searching, which is nearly all that is ever asked, are told apart
//! here. The router, which answers the same to them, would be copied for each
//! request and box its body and its future; and it would keep the head of the
//! request, and with it the connection's buffer, until the answer is there.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderValue, Request, Response, StatusCode, header},
    response::IntoResponse,
};
use http_body_util::{Either, Full};
use hyper::body::{Body as _, Incoming};
use tower::ServiceExt as _;

use crate::http::{
    access::{browser_headers, guard::Guard},
    access_log::{self, AccessLog},
    app::App,
    browser,
    connections::{activity::Activity, upload::Upload},
    message::{
        accept::preferred,
        answer::Whole,
        body::is_form,
        framing,
        headers::KEEP_ALIVE,
        problem::{Code, Problem},
    },
    request_times::RequestTimes,
    routes::{self, BUY, SEARCH, refuse_parameters},
    yardstick::{Durable, Waiting},
};

/// An answer as it is sent.
pub type Answer = Response<Either<Full<Bytes>, Body>>;

/// What answers the requests of one event loop.
pub struct Service {
    guard: Guard,
    /// How long an idle connection is kept, as clients are told.
    keep_alive: HeaderValue,
    access_log: Option<AccessLog>,
    request_times: Option<Arc<RequestTimes>>,
    seller: Seller,
    router: Router,
}

enum Seller {
    Counter(Arc<App>),
    Noop(Option<Waiting>),
}

/// What is left to do for a request once its head was read.
enum Step<B, S> {
    Answer(Answer),
    Buy(B),
    Search(S),
    Noop(Durable),
    Route(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

impl Service {
    /// What answers for the counter of `app`, behind `guard`, where idle connections are kept for `keep_alive`.
    pub fn new(app: App, guard: Guard, keep_alive: Duration) -> Self {
        let (app, keep_alive) = (Arc::new(app), announced(keep_alive));
        Self {
            guard,
            keep_alive,
            access_log: None,
            request_times: None,
            router: routes::router(Arc::clone(&app)),
            seller: Seller::Counter(app),
        }
    }

    /// What answers without a counter, behind `guard`: at once, or after the wait for a sync.
    pub fn noop(guard: Guard, keep_alive: Duration, waiting: Option<Waiting>) -> Self {
        let keep_alive = announced(keep_alive);
        let (router, seller) = (routes::noop_router(), Seller::Noop(waiting));
        Self { guard, keep_alive, access_log: None, request_times: None, router, seller }
    }

    /// The same, which tells `request_times` how long each request took.
    #[must_use]
    pub fn timed_by(self, request_times: Arc<RequestTimes>) -> Self {
        Self { request_times: Some(request_times), ..self }
    }

    /// The same with a line in `access_log` for each request.
    #[must_use]
    pub fn logging_to(self, access_log: AccessLog) -> Self {
        Self { access_log: Some(access_log), ..self }
    }

    /// Answers `request`, which came over a connection from `peer`.
    pub fn call(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
        activity: &Arc<Activity>,
    ) -> impl Future<Output = Result<Answer, Infallible>> + Send + use<> {
        let line = self.access_log.as_ref().map(|log| {
            let client = self.guard.client(peer, request.headers());
            log.begin(&request, client)
        });
        let timing = self
            .request_times
            .as_ref()
            .map(|times| (Arc::clone(times), routes::place(request.uri().path()), Instant::now()));
        let allowed = if routes::is_probe(request.method(), request.uri()) {
            Guard::check_probe(request.version(), request.headers())
        } else {
            self.guard.check(&request, peer)
        };
        let is_last = framing::is_last(request.headers());
        let keep_alive = framing::asks_for_more(&request).then(|| self.keep_alive.clone());
        let framed = if is_last { framing::check(request.headers()) } else { Ok(()) };
        activity.leave_body(!request.body().is_end_stream());
        let step = match framed.and(allowed) {
            Err(problem) => Step::Answer(self.turned_away(&request, problem)),
            Ok(()) => self.begin(request, activity),
        };
        let serving = activity.serve();
        async move {
            let mut answer = match step {
                Step::Answer(answer) => answer,
                Step::Buy(sale) => sale.await.map_or_else(refused, whole),
                Step::Search(count) => count.await.map_or_else(refused, whole),
                Step::Noop(durable) => {
                    durable.await;
                    whole(routes::noop_buy())
                }
                Step::Route(answer) => answer.await,
            };
            if let Some((times, place, begun)) = timing {
                times.note(place, answer.status(), begun.elapsed());
            }
            // Behind a body that is too long, or did not come in time, nothing is read.
            let cut_short = [StatusCode::REQUEST_TIMEOUT, StatusCode::PAYLOAD_TOO_LARGE];
            let is_unread = serving.has_unread_body();
            if is_last || (is_unread && cut_short.contains(&answer.status())) {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            } else if let Some(keep_alive) = keep_alive
                // Whether the rest of a body comes in time to be passed over, nobody knows.
                && !is_unread
                && !answer.headers().contains_key(header::CONNECTION)
            {
                answer.headers_mut().insert(KEEP_ALIVE, keep_alive);
            }
            Ok(match line {
                Some(line) => line.end(answer).map(Either::Right),
                None => answer,
            })
        }
    }

    /// The answer to `request`, which came from `peer` in the clear where TLS is spoken.
    pub fn refuse_plain(&self, request: &Request<Incoming>, peer: IpAddr) -> Answer {
        let detail = "this port speaks TLS: the address begins with `https://`";
        let answer = refused(Problem::new(Code::InvalidRequest, detail));
        if let Some(times) = &self.request_times {
            times.note(routes::place(request.uri().path()), answer.status(), Duration::ZERO);
        }
        match &self.access_log {
            Some(log) => log.begin(request, peer).end(answer).map(Either::Right),
            None => answer,
        }
    }

    /// Counts and logs what came from `peer` and was no request, for the reason that `error` says.
    pub fn note_unreadable(&self, error: &hyper::Error, peer: IpAddr) {
        let status = if error.is_parse_version_h2() {
            // It is hung up on.
            None
        } else if error.is_parse_too_large() {
            Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        } else {
            Some(StatusCode::BAD_REQUEST)
        };
        if let Some((times, status)) = self.request_times.as_ref().zip(status) {
            times.note(routes::no_place(), status, Duration::ZERO);
        }
        if self.access_log.is_some() {
            access_log::tell_unreadable(status, peer, error);
        }
    }

    fn begin(
        &self,
        request: Request<Incoming>,
        activity: &Arc<Activity>,
    ) -> Step<
        impl Future<Output = Result<Whole, Problem>> + Send + use<>,
        impl Future<Output = Result<Whole, Problem>> + Send + use<>,
    > {
        let (method, uri) = (request.method(), request.uri());
        let (is_buy, is_search) = (BUY.is(method, uri), SEARCH.is(method, uri));
        if (is_buy || is_search)
            && let Err(problem) = refuse_parameters(uri)
        {
            return Step::Answer(self.turned_away(&request, problem));
        }
        let mut request = request.map(|body| Upload::new(body, activity));
        match &self.seller {
            Seller::Counter(app) if is_buy && !is_form(request.headers()) => {
                let sale = routes::buy(Arc::clone(app), request);
                sale.map_or_else(|problem| Step::Answer(refused(problem)), Step::Buy)
            }
            Seller::Counter(app) if is_search => {
                Step::Search(routes::search(Arc::clone(app), request.headers()))
            }
            Seller::Noop(None) if is_buy => Step::Answer(whole(routes::noop_buy())),
            Seller::Noop(Some(waiting)) if is_buy => Step::Noop(waiting.durable()),
            Seller::Noop(_) if is_search => Step::Answer(whole(routes::noop_search())),
            _ => {
                request.extensions_mut().insert(Arc::clone(activity));
                let routed = self.router.clone().oneshot(request.map(Body::new));
                Step::Route(Box::pin(async move {
                    match routed.await {
                        Ok(answer) => self::routed(answer),
                        Err(never) => match never {},
                    }
                }))
            }
        }
    }

    /// Why nothing of `request` but its head was looked at: to the page's own form it is told as a page.
    fn turned_away(&self, request: &Request<Incoming>, problem: Problem) -> Answer {
        match &self.seller {
            Seller::Counter(app)
                if BUY.is(request.method(), request.uri()) && is_form(request.headers()) =>
            {
                routed(browser::not_bought(app, preferred(request.headers()), problem))
            }
            _ => refused(problem),
        }
    }
}

/// The value of `Keep-Alive`.
fn announced(keep_alive: Duration) -> HeaderValue {
    let value = HeaderValue::try_from(format!("timeout={}", keep_alive.as_secs()));
    value.expect("a number is a header value")
}

fn whole(mut answer: Whole) -> Answer {
    browser_headers::add_to_json(answer.headers_mut());
    answer.map(Either::Left)
}

fn refused(problem: Problem) -> Answer {
    routed(problem.into_response())
}

fn routed(mut answer: Response<Body>) -> Answer {
    browser_headers::add(answer.headers_mut());
    answer.map(Either::Right)
}
