//! Answers that are no success, as problem documents (RFC 9457).
//!
//! The only place that knows which HTTP status goes with what.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};

use crate::{counter::Refusal, http::message::headers::IDEMPOTENT_REPLAYED};

/// What kind of problem it is: the last part of its `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request cannot be understood: 400.
    InvalidRequest,
    /// An admin call without the right token: 401.
    Unauthorized,
    /// A page of another site sent it: 403.
    ForeignOrigin,
    /// Nothing is there: 404.
    NotFound,
    /// The path does not take this method: 405.
    MethodNotAllowed,
    /// The request did not arrive in time: 408.
    RequestTimeout,
    /// Fewer tickets are left than were asked for: 409.
    SoldOut,
    /// The tickets were used at the door before: 409.
    Admitted,
    /// The tickets were given back before: 409.
    Refunded,
    /// The hold was turned into a sale: 409.
    Confirmed,
    /// The hold is over: 410.
    HoldExpired,
    /// The operator has closed the sale: 410.
    SaleClosed,
    /// The body is too long: 413.
    TooLarge,
    /// The body is not JSON: 415.
    UnsupportedMediaType,
    /// The server does not answer to this host name: 421.
    WrongHost,
    /// The idempotency key came with another request before: 422.
    KeyReused,
    /// The client asks too often: 429.
    TooManyRequests,
    /// The lock was not free in time; nothing was sold: 503.
    LockTimeout,
    /// Nothing was sold, for a cause that the detail names: 503.
    NotSold,
    /// It is not known whether something was sold: 503.
    OutcomeUnknown,
    /// Too many requests wait already; nothing was sold: 503.
    Overloaded,
    /// The server is about to end; nothing was sold: 503.
    ShuttingDown,
}

impl Code {
    /// All codes, in the order of their status.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(|row| row.0)
    }

    /// The name in `/problems/<name>`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        self.row().2
    }

    /// A short name for people.
    pub fn title(self) -> &'static str {
        self.row().3
    }

    /// What it means and what to do about it.
    pub fn explanation(self) -> &'static str {
        self.row().4
    }

    fn row(self) -> &'static (Self, &'static str, StatusCode, &'static str, &'static str) {
        &CODES[self as usize]
    }
}

/// All codes in the order of their status: name, status, title, and what to do about it.
const CODES: [(Code, &str, StatusCode, &str, &str); 22] = [
    (
        Code::InvalidRequest,
        "invalid-request",
        StatusCode::BAD_REQUEST,
        "Invalid request",
        "The request cannot be understood. `detail` names the member or header and what is \
         expected. Nothing was sold.",
    ),
    (
        Code::Unauthorized,
        "unauthorized",
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        "The call is for the operator: send `Authorization: Bearer <token>` with the token of \
         the server's `--admin-token-file`.",
    ),
    (
        Code::ForeignOrigin,
        "foreign-origin",
        StatusCode::FORBIDDEN,
        "Foreign origin",
        "A browser sent this for a page of another site. Nothing was sold. The operator can \
         allow the other site's name with `--allow-host`.",
    ),
    (Code::NotFound, "not-found", StatusCode::NOT_FOUND, "Not found", "Nothing is at this path."),
    (
        Code::MethodNotAllowed,
        "method-not-allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
        "The path exists and takes other methods: the header `Allow` lists them.",
    ),
    (
        Code::RequestTimeout,
        "request-timeout",
        StatusCode::REQUEST_TIMEOUT,
        "Request timeout",
        "The request did not arrive whole in time. Nothing was sold.",
    ),
    (
        Code::SoldOut,
        "sold-out",
        StatusCode::CONFLICT,
        "Sold out",
        "Fewer tickets are left than were asked for; nothing was sold. `remaining` says how \
         many are left, so a smaller order may succeed.",
    ),
    (
        Code::Admitted,
        "admitted",
        StatusCode::CONFLICT,
        "Admitted before",
        "These tickets were used at the door at `admitted_at`. They let nobody in a second time, and \
         are not refunded. Nothing changed.",
    ),
    (
        Code::Refunded,
        "refunded",
        StatusCode::CONFLICT,
        "Refunded before",
        "These tickets were given back: they let nobody in. Nothing changed.",
    ),
    (
        Code::Confirmed,
        "confirmed",
        StatusCode::CONFLICT,
        "Confirmed before",
        "What was held is sold: a hold that was confirmed cannot be released. Nothing changed.",
    ),
    (
        Code::HoldExpired,
        "hold-expired",
        StatusCode::GONE,
        "Hold expired",
        "The time of the hold is over, or it was given back: its tickets may be somebody else's. \
         Nothing was sold.",
    ),
    (
        Code::SaleClosed,
        "sale-closed",
        StatusCode::GONE,
        "Sale closed",
        "The operator has closed the sale. Nothing was sold. What is held already can still be \
         confirmed.",
    ),
    (
        Code::TooLarge,
        "too-large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "Too large",
        "The body is longer than the server takes. Nothing was sold.",
    ),
    (
        Code::UnsupportedMediaType,
        "unsupported-media-type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Unsupported media type",
        "A body must be JSON and say so: `Content-Type: application/json`. Nothing was sold.",
    ),
    (
        Code::WrongHost,
        "wrong-host",
        StatusCode::MISDIRECTED_REQUEST,
        "Wrong host",
        "The server does not answer to this host name. The operator can allow it with \
         `--allow-host`.",
    ),
    (
        Code::KeyReused,
        "key-reused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Key reused",
        "This `Idempotency-Key` came with another request within the last 24 hours. Nothing \
         was sold; take a new key for a new request.",
    ),
    (
        Code::TooManyRequests,
        "too-many-requests",
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests",
        "More came from this address than the server's `--rate-limit` allows: this request changed \
         nothing. The header `Retry-After` says how many seconds to wait.",
    ),
    (
        Code::LockTimeout,
        "lock-timeout",
        StatusCode::SERVICE_UNAVAILABLE,
        "Lock timeout",
        "Somebody held the counter's lock for too long: this request sold nothing. Try again; where \
         `sold` is `unknown`, an earlier one with the same key may have sold.",
    ),
    (
        Code::NotSold,
        "not-sold",
        StatusCode::SERVICE_UNAVAILABLE,
        "Not sold",
        "The server cannot sell just now, for the cause in `detail`: this request sold nothing. \
         Where `sold` is `unknown`, an earlier one with the same key may have sold.",
    ),
    (
        Code::OutcomeUnknown,
        "outcome-unknown",
        StatusCode::SERVICE_UNAVAILABLE,
        "Outcome unknown",
        "Something failed in the middle: the sale may or may not have happened. Ask again with the \
         same `Idempotency-Key` to learn which.",
    ),
    (
        Code::Overloaded,
        "overloaded",
        StatusCode::SERVICE_UNAVAILABLE,
        "Overloaded",
        "Too many requests wait already: this one sold nothing. Try again later; where `sold` is \
         `unknown`, an earlier one with the same key may have sold.",
    ),
    (
        Code::ShuttingDown,
        "shutting-down",
        StatusCode::SERVICE_UNAVAILABLE,
        "Shutting down",
        "The server is about to end: this request sold nothing. Try again in a moment; where `sold` \
         is `unknown`, an earlier one with the same key may have sold.",
    ),
];

/// One problem, as it is answered.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    members: Map<String, Value>,
    replayed: bool,
    /// After how many seconds it is worth to ask again, where that is known.
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this kind; `detail` says what happened this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let mut members = Map::new();
        if code.status() == StatusCode::SERVICE_UNAVAILABLE {
            let sold = if code == Code::OutcomeUnknown { "unknown" } else { "no" };
            members.insert("sold".to_owned(), json!(sold));
        }
        Self { code, detail: detail.into(), members, replayed: false, retry_after: None }
    }

    /// Adds a member of this problem's own.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says after how many seconds it is worth to ask again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// After how many seconds it is worth to ask again, if at all.
    pub fn retry_seconds(&self) -> Option<u64> {
        let is_unavailable = self.code.status() == StatusCode::SERVICE_UNAVAILABLE;
        self.retry_after.or(is_unavailable.then_some(1))
    }

    /// Marks the problem as the repetition of an answer that was given before.
    #[must_use]
    pub fn replayed(mut self, replayed: bool) -> Self {
        self.replayed = replayed;
        self
    }

    /// The refusal of a request that has a key, and may be a repetition: what holds of this try need
    /// not hold of the first one, which may have sold.
    pub fn of_repeatable(refusal: Refusal, has_key: bool) -> Self {
        let problem = Self::from(refusal);
        let is_unsure = has_key && problem.code.status() == StatusCode::SERVICE_UNAVAILABLE;
        if is_unsure { problem.with("sold", "unknown") } else { problem }
    }

    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// A member of this problem's own.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::LockTimeout { .. } => Code::LockTimeout,
            Refusal::NotSold(_) => Code::NotSold,
            Refusal::Overloaded => Code::Overloaded,
            Refusal::ShuttingDown => Code::ShuttingDown,
            Refusal::Unknown(_) => Code::OutcomeUnknown,
            Refusal::KeyReused => Code::KeyReused,
        };
        Self::new(code, refusal.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let retry_seconds = self.retry_seconds();
        let mut document = Map::new();
        document.insert("type".to_owned(), json!(format!("/problems/{}", self.code.name())));
        document.insert("title".to_owned(), json!(self.code.title()));
        document.insert("status".to_owned(), json!(self.code.status().as_u16()));
        document.insert("detail".to_owned(), json!(self.detail));
        document.extend(self.members);
        let mut response = Response::new(Body::from(format!("{}\n", Value::Object(document))));
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = retry_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Overloaded {
            // Whoever comes back later leaves the place to others until then.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.replayed {
            headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_its_own_row() {
        for (index, code) in Code::all().enumerate() {
            assert_eq!(code as usize, index, "{code:?}");
        }
    }
}
