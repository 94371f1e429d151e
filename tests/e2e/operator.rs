//! The operator: a token, a server that knows it, and calls with it.

use std::fs;

use e2e::{Answer, Client, Method, Server};
use serde_json::Value;

use crate::{counter::Counter, programs::serve_with};

/// The token of the operator.
pub(crate) const TOKEN: &str = "a-long-secret-of-the-operator";

/// A server on `counter` with an operator, and with these `arguments`.
#[track_caller]
pub(crate) fn serve_for_operator(counter: &Counter, arguments: &[&str]) -> Server {
    let file = counter.folder().join("token");
    fs::write(&file, format!("{TOKEN}\n")).expect("the test's own folder");
    let file = file.display().to_string();
    serve_with(counter, &[&["--admin-token-file", &file], arguments].concat())
}

/// A call of the operator without a body.
#[track_caller]
pub(crate) fn as_operator(server: &Client, method: Method, path: &str) -> Answer {
    Answer::to(server.request(method, path).bearer_auth(TOKEN))
}

/// A `POST` of the operator with a JSON body.
#[track_caller]
pub(crate) fn post_as_operator(server: &Client, path: &str, body: &Value) -> Answer {
    Answer::to(server.request(Method::POST, path).bearer_auth(TOKEN).json(body))
}
