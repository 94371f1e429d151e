//! Reading a request's body: short, in time, and by its own word what is expected.

use std::time::Duration;

use axum::{
    body::{Bytes, HttpBody},
    http::{HeaderMap, Request, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::http::message::problem::{Code, Problem};

/// The longest body, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// A body that has still to be read, without the head that it came with.
pub struct Unread<B> {
    body: B,
    is_of_its_type: bool,
    /// A coding of the body that is not undone here.
    coding: Option<String>,
}

impl<B> Unread<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    /// The body of `request`.
    pub fn of(request: Request<B>) -> Self {
        if request.body().is_end_stream() {
            return Self { body: request.into_body(), is_of_its_type: true, coding: None };
        }
        let headers = request.headers();
        let (is_of_its_type, coding) = (is_of_type(headers, "application/json"), coding(headers));
        Self { body: request.into_body(), is_of_its_type, coding }
    }

    /// The body of `request`, which [`is_form`].
    pub fn of_form(request: Request<B>) -> Self {
        let coding = coding(request.headers());
        Self { body: request.into_body(), is_of_its_type: true, coding }
    }

    /// Reads the whole body; an absent one is empty.
    ///
    /// # Errors
    /// A [`Problem`] for a body that is too long, too slow, cut off, or not said to be JSON.
    pub async fn read(self) -> Result<Bytes, Problem> {
        if self.body.is_end_stream() {
            return Ok(Bytes::new());
        }
        // Boxed, so that a request without a body does not carry the room for one.
        Box::pin(self.read_all()).await
    }

    async fn read_all(self) -> Result<Bytes, Problem> {
        let hint = self.body.size_hint().exact();
        if hint.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
            return Err(too_large());
        }
        let collect = Limited::new(self.body, BODY_BYTES_MAX).collect();
        let collected = timeout(BODY_TIMEOUT, collect).await.map_err(|_| {
            let detail = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
            Problem::new(Code::RequestTimeout, detail)
        })?;
        let bytes = collected.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return too_large();
            }
            Problem::new(Code::InvalidRequest, format!("the body broke off: {error}"))
        })?;
        let bytes = bytes.to_bytes();
        if let Some(coding) = self.coding.filter(|_| !bytes.is_empty()) {
            let detail =
                format!("the body comes with `Content-Encoding: {coding}`; send it as it is");
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        if !bytes.is_empty() && !self.is_of_its_type {
            let detail = "the body must come with `Content-Type: application/json`";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        Ok(bytes)
    }
}

fn too_large() -> Problem {
    let detail = format!("the body is longer than {BODY_BYTES_MAX} bytes");
    Problem::new(Code::TooLarge, detail)
}

/// The first coding in `Content-Encoding` that changes a body (RFC 9110, section 8.4).
fn coding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let names: Vec<_> = texts.collect();
    let mut codings = names.iter().flat_map(|text| text.split(',')).map(str::trim);
    codings.find(|coding| !coding.eq_ignore_ascii_case("identity")).map(str::to_owned)
}

/// Whether a request says that its body is a form, as browsers send one.
pub fn is_form(headers: &HeaderMap) -> bool {
    is_of_type(headers, "application/x-www-form-urlencoded")
}

fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
}
