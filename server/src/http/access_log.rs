//! The access log: one line for each request, once its answer was sent or its client has left.
//!
//! A line has the pattern of a path, and not the path, which may be a receipt; and nothing of a body,
//! of a query, or of another header than `X-Request-Id`.

use std::{
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, Method, Request, Response, StatusCode},
};
use hyper::body::{Frame, SizeHint};

use crate::http::{message::headers::REQUEST_ID, request_id::RequestIds, routes};

/// Writes a line for each request.
#[derive(Debug)]
pub struct AccessLog {
    ids: RequestIds,
}

/// The line of one request; written when it is dropped.
#[derive(Debug)]
pub struct Line {
    begun: Instant,
    id: HeaderValue,
    method: Method,
    route: &'static str,
    client: IpAddr,
    status: Option<StatusCode>,
}

impl AccessLog {
    /// One that names requests by `ids` where they have no name.
    pub fn new(ids: RequestIds) -> Self {
        Self { ids }
    }

    /// Begins the line of `request`, which came from `client`.
    pub fn begin<B>(&self, request: &Request<B>, client: IpAddr) -> Box<Line> {
        Box::new(Line {
            begun: Instant::now(),
            id: self.ids.of(request.headers()),
            method: request.method().clone(),
            route: routes::pattern(routes::place(request.uri().path())),
            client,
            status: None,
        })
    }
}

/// Writes the line of what came from `client` and was no request, for the reason that `error` says; nobody was answered
/// where there is no status.
pub fn tell_unreadable(status: Option<StatusCode>, client: IpAddr, error: &hyper::Error) {
    let route = routes::pattern(routes::no_place());
    let status = status.map(|status| status.as_u16());
    tracing::info!(route, status, %client, reason = %error, "no request");
}

impl Line {
    /// `answer` with the name of its request; the line ends with it.
    pub fn end<B>(mut self: Box<Self>, answer: Response<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.status = Some(answer.status());
        let (mut head, body) = answer.into_parts();
        head.headers.insert(REQUEST_ID, self.id.clone());
        Response::from_parts(head, Body::new(Told { body: Body::new(body), _line: self }))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let method = if is_known(&self.method) { self.method.as_str() } else { "(other)" };
        // Nobody waited for the answer any more where there is no status.
        let status = self.status.map(|status| status.as_u16());
        tracing::info!(
            method,
            route = self.route,
            status,
            duration_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            client = %self.client,
            request_id = self.id.to_str().unwrap_or_default(),
            "request"
        );
    }
}

/// A body that ends the line of its request.
struct Told {
    body: Body,
    _line: Box<Line>,
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a method is one of HTTP's own; a client may write anything in its place.
fn is_known(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ]
    .contains(method)
}
