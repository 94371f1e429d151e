//! A request as text, and what is expected of it.

use e2e::{Answer, RawRequest};

use super::scene::Scene;

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A problem document with this code.
    Problem(&'static str),
    /// An answer without a body, from the HTTP layer, which then closes the connection.
    Bare(u16),
    /// An answer with this status: odd, and right.
    Fine(u16),
    /// The connection is closed without an answer.
    Closed,
}

use Expected::{Bare, Closed, Fine, Problem};

/// One request, and what is expected of it.
///
/// In the text `|` stands for the end of a line, and a name in `<…>` for what [`Scene`] knows by it.
pub(super) struct Row {
    pub(super) sent: Vec<u8>,
    pub(super) expected: Expected,
}

/// A request as it stands.
pub(super) fn raw(sent: impl AsRef<str>, expected: Expected) -> Row {
    Row { sent: sent.as_ref().replace('|', "\r\n").into_bytes(), expected }
}

/// A request as it stands, byte for byte but for the ends of lines.
pub(super) fn bytes(sent: &[u8], expected: Expected) -> Row {
    let sent = sent.iter().flat_map(|byte| match byte {
        b'|' => &b"\r\n"[..],
        other => std::slice::from_ref(other),
    });
    Row { sent: sent.copied().collect(), expected }
}

/// A call without a body, and with these `headers`, each ended by `|`.
pub(super) fn call(call: &str, headers: &str, expected: Expected) -> Row {
    raw(format!("{call} HTTP/1.1|Host: <host>|Connection: close|{headers}|"), expected)
}

/// A call with a body that says that it is JSON, and with these `headers`, each ended by `|`.
pub(super) fn json(called: &str, headers: &str, body: &str, expected: Expected) -> Row {
    let length = body.len();
    let head = "Content-Type: application/json|";
    let mut row = call(called, &format!("{headers}{head}Content-Length: {length}|"), expected);
    row.sent.extend(body.as_bytes());
    row
}

impl Row {
    /// Sends it, and says what is wrong with the answer.
    pub(super) fn fault(&self, scene: &Scene) -> Option<String> {
        let request = scene.filled(&self.sent);
        let answer = RawRequest::exchange(scene.server.address(), &request);
        let said = match (self.expected, answer) {
            (Closed, None) => return None,
            (_, None) => "no answer".to_owned(),
            (expected, Some(answer)) if is_as(expected, &answer) => return None,
            (_, Some(answer)) => {
                format!("{} {:?} {}", answer.status, answer.headers, answer.text())
            }
        };
        let shown: String = String::from_utf8_lossy(&request).chars().take(300).collect();
        Some(format!("{:?} expected of {shown:?}, but: {said}", self.expected))
    }
}

fn is_as(expected: Expected, answer: &Answer) -> bool {
    match expected {
        Closed => false,
        Fine(status) => answer.status == status,
        Bare(status) => answer.status == status && answer.body.is_empty(),
        Problem(code) => {
            let is_problem = answer.header("Content-Type") == "application/problem+json";
            is_problem
                && answer.status == status_of(code)
                && answer.json()["type"] == format!("/problems/{code}")
                && answer.json()["status"] == answer.status
                && answer.json()["detail"].as_str().is_some_and(|detail| !detail.is_empty())
        }
    }
}

fn status_of(code: &str) -> u16 {
    match code {
        "invalid-request" => 400,
        "unauthorized" => 401,
        "foreign-origin" => 403,
        "not-found" => 404,
        "method-not-allowed" => 405,
        "request-timeout" => 408,
        "sold-out" | "admitted" | "refunded" | "confirmed" => 409,
        "hold-expired" | "sale-closed" => 410,
        "too-large" => 413,
        "unsupported-media-type" => 415,
        "wrong-host" => 421,
        "key-reused" => 422,
        other => panic!("no problem is called `{other}`"),
    }
}
