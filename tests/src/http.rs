//! A small HTTP client for tests: blocking, bounded, and it hides nothing.

use std::time::Duration;

use reqwest::{Method, blocking, header::HeaderMap};
use serde_json::Value;

use crate::wait::PATIENCE;

/// Asks one server.
#[derive(Clone)]
pub struct Client {
    base: String,
    inner: blocking::Client,
}

/// An HTTP answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// A client for the server at `base`, such as `http://127.0.0.1:8080`.
    ///
    /// # Panics
    /// When the client cannot be built.
    pub fn new(base: &str) -> Client {
        Client {
            base: base.to_owned(),
            inner: blocking::Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()
                .expect("a client without TLS needs nothing"),
        }
    }

    /// The same client, asking the server at `base` instead.
    #[must_use]
    pub fn at(&self, base: &str) -> Client {
        Client { base: base.to_owned(), inner: self.inner.clone() }
    }

    /// A request for `path`; give it to [`Answer::to`].
    pub fn request(&self, method: Method, path: &str) -> blocking::RequestBuilder {
        self.inner.request(method, format!("{}{path}", self.base))
    }

    /// `GET path`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path))
    }

    /// The status of `GET path`, whose body is not read: that of a stream has no end.
    ///
    /// # Panics
    /// When there is none within two minutes.
    #[track_caller]
    pub fn status(&self, path: &str) -> u16 {
        let response = self.request(Method::GET, path).send();
        response.unwrap_or_else(|cause| panic!("no answer: {cause:?}")).status().as_u16()
    }

    /// `POST path` with a JSON body.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body))
    }

    /// `POST path` with a body as it stands, called JSON.
    #[track_caller]
    pub fn post_text(&self, path: &str, body: &str) -> Answer {
        let request = self.request(Method::POST, path);
        Answer::to(request.header("Content-Type", "application/json").body(body.to_owned()))
    }

    /// Buys one ticket, without a body.
    #[track_caller]
    pub fn buy(&self) -> Answer {
        Answer::to(self.request(Method::POST, "/buy"))
    }

    /// What `GET /search` says.
    #[track_caller]
    pub fn search(&self) -> Value {
        let answer = self.get("/search");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// How many tickets are left.
    #[track_caller]
    pub fn count(&self) -> u64 {
        let found = self.search();
        found["count"].as_u64().unwrap_or_else(|| panic!("no count in {found}"))
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

impl Answer {
    /// Sends `request` and reads the answer.
    ///
    /// # Panics
    /// When there is none within two minutes.
    #[track_caller]
    pub fn to(request: blocking::RequestBuilder) -> Answer {
        Answer::try_to(request).unwrap_or_else(|cause| panic!("no answer: {cause:?}"))
    }

    /// Sends `request` and reads the answer.
    ///
    /// # Errors
    /// When the connection breaks or the time is over.
    pub fn try_to(request: blocking::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send()?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes()?.into(),
        })
    }

    /// A header field's value; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or("(no ASCII)"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|cause| panic!("no JSON ({cause}) in {}: {self:?}", self.text()))
    }

    /// `Retry-After`, in seconds.
    ///
    /// # Panics
    /// When it is missing or no number.
    #[track_caller]
    pub fn retry_after(&self) -> Duration {
        let seconds = self.header("Retry-After");
        Duration::from_secs(
            seconds.parse().unwrap_or_else(|_| panic!("Retry-After is `{seconds}`")),
        )
    }
}
