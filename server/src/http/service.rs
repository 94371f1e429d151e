//! What a connection is answered by.
//!
//! Buying and searching, which is nearly all that is ever asked, are told apart
//! here. The router, which answers the same to them, would be copied for each
//! request and box its body and its future; and it would keep the head of the
//! request, and with it the connection's buffer, until the answer is there.

use std::{convert::Infallible, pin::Pin, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Method, Request, Response},
    response::IntoResponse,
};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::http::{
    answer::Whole,
    app::App,
    guard::Guard,
    problem::Problem,
    routes,
    yardstick::{Durable, Waiting},
};

/// An answer as it is sent.
pub type Answer = Response<Either<Full<Bytes>, Body>>;

/// What answers the requests of one event loop.
pub struct Service {
    guard: Guard,
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
    /// What answers for the counter of `app`, behind `guard`.
    pub fn new(app: App, guard: Guard) -> Self {
        let app = Arc::new(app);
        Self { guard, router: routes::router(Arc::clone(&app)), seller: Seller::Counter(app) }
    }

    /// What answers without a counter, behind `guard`: at once, or after the wait for a sync.
    pub fn noop(guard: Guard, waiting: Option<Waiting>) -> Self {
        Self { guard, router: routes::noop_router(), seller: Seller::Noop(waiting) }
    }

    /// Answers `request`.
    pub fn call(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Answer, Infallible>> + Send + use<> {
        let step = match self.guard.check(request.uri(), request.headers()) {
            Err(problem) => Step::Answer(refused(problem)),
            Ok(()) => self.begin(request),
        };
        async move {
            Ok(match step {
                Step::Answer(answer) => answer,
                Step::Buy(sale) => sale.await.map_or_else(refused, whole),
                Step::Search(count) => count.await.map_or_else(refused, whole),
                Step::Noop(durable) => {
                    durable.await;
                    whole(routes::noop_buy())
                }
                Step::Route(answer) => answer.await,
            })
        }
    }

    fn begin(
        &self,
        request: Request<Incoming>,
    ) -> Step<
        impl Future<Output = Result<Whole, Problem>> + Send + use<>,
        impl Future<Output = Result<Whole, Problem>> + Send + use<>,
    > {
        match (request.method(), request.uri().path(), &self.seller) {
            (&Method::POST, "/buy", Seller::Counter(app)) => {
                let sale = routes::buy(Arc::clone(app), request);
                sale.map_or_else(|problem| Step::Answer(refused(problem)), Step::Buy)
            }
            (&Method::GET, "/search", Seller::Counter(app)) => {
                Step::Search(routes::search(Arc::clone(app), request.headers()))
            }
            (&Method::POST, "/buy", Seller::Noop(None)) => Step::Answer(whole(routes::noop_buy())),
            (&Method::POST, "/buy", Seller::Noop(Some(waiting))) => Step::Noop(waiting.durable()),
            (&Method::GET, "/search", Seller::Noop(_)) => {
                Step::Answer(whole(routes::noop_search()))
            }
            _ => {
                let routed = self.router.clone().oneshot(request.map(Body::new));
                Step::Route(Box::pin(async move {
                    match routed.await {
                        Ok(answer) => answer.map(Either::Right),
                        Err(never) => match never {},
                    }
                }))
            }
        }
    }
}

fn whole(answer: Whole) -> Answer {
    answer.map(Either::Left)
}

fn refused(problem: Problem) -> Answer {
    problem.into_response().map(Either::Right)
}
