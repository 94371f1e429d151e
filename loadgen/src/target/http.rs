//! A server as a target.

use std::fmt::Write as _;

use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde::Deserialize;

use crate::history::{Answer, CriticalSection, Outcome, Tickets};

const SOLD_OUT: &str = "/problems/sold-out";

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct HttpTarget {
    client: Client,
    url: String,
}

/// What `GET /search` answers.
#[derive(Deserialize)]
struct Found {
    count: u64,
    revision: Option<u64>,
}

/// What `POST /buy` answers when it sold.
#[derive(Deserialize)]
struct Sale {
    tickets: Tickets,
    remaining: u64,
    revision: Option<u64>,
    section: Option<CriticalSection>,
}

/// The members of a problem (RFC 9457) that matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    r#type: String,
    title: String,
    remaining: Option<u64>,
    revision: Option<u64>,
    section: Option<CriticalSection>,
    sold: Option<String>,
}

impl HttpTarget {
    /// Connects to the server at `url`, with one request that changes nothing.
    ///
    /// # Errors
    /// The server does not answer `GET /livez`.
    pub(crate) async fn open(url: &str) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .pool_idle_timeout(None)
            .build()?;
        // The body is read to its end: only then is the connection free for the next request.
        client.get(format!("{url}/livez")).send().await?.error_for_status()?.bytes().await?;
        Ok(Self { client, url: url.to_owned() })
    }

    pub(super) async fn search(&self) -> Answer {
        let found = async {
            let request = self.client.get(format!("{}/search", self.url));
            let response = request.send().await?.error_for_status()?;
            response.json::<Found>().await
        };
        match found.await {
            Ok(found) => Answer {
                remaining: Some(found.count),
                revision: found.revision,
                ..Answer::new(Outcome::Found)
            },
            Err(error) => failed(&error),
        }
    }

    pub(super) async fn buy(&self) -> Answer {
        let body = serde_json::json!({ "quantity": 1 });
        let request = self.client.post(format!("{}/buy", self.url)).json(&body);
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => failed(&error),
        }
    }
}

/// A request without an answer. It did not happen only where there was no connection to send it on.
fn failed(error: &reqwest::Error) -> Answer {
    let reason = whole_chain(error);
    if error.is_connect() { Answer::refused(reason) } else { Answer::unknown(reason) }
}

async fn answer(response: Response) -> Answer {
    let status = response.status();
    match response.bytes().await {
        Ok(body) => judge_answer(status, &body),
        Err(error) => Answer::unknown(whole_chain(&error)),
    }
}

fn judge_answer(status: StatusCode, body: &[u8]) -> Answer {
    if status == StatusCode::CREATED {
        return sale(body);
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if status == StatusCode::CONFLICT && problem.r#type == SOLD_OUT {
        return Answer {
            remaining: problem.remaining,
            revision: problem.revision,
            section: problem.section,
            ..Answer::new(Outcome::SoldOut)
        };
    }
    let mut reason = format!("status {}", status.as_u16());
    if !problem.title.is_empty() {
        let _ = write!(reason, ": {}", problem.title);
    }
    let did_not_happen = problem.sold.as_deref() == Some("no") || status.is_client_error();
    if did_not_happen { Answer::refused(reason) } else { Answer::unknown(reason) }
}

fn sale(body: &[u8]) -> Answer {
    match serde_json::from_slice::<Sale>(body) {
        Ok(sale) if sale.tickets.len() == 1 => Answer {
            tickets: sale.tickets,
            remaining: Some(sale.remaining),
            revision: sale.revision,
            section: sale.section,
            ..Answer::new(Outcome::Sold)
        },
        Ok(sale) => Answer::unknown(format!("sold {} tickets for one", sale.tickets.len())),
        Err(error) => Answer::unknown(format!("status 201 with a body that is no sale: {error}")),
    }
}

/// The error with its causes; reqwest's own text names only the outermost.
fn whole_chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        judge_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes()).outcome
    }

    #[test]
    fn a_sale_brings_its_ticket() {
        let body = br#"{"tickets": [3], "remaining": 97, "revision": 3, "receipt": "x"}"#;
        let answer = judge_answer(StatusCode::CREATED, body);
        assert_eq!(answer.outcome, Outcome::Sold);
        assert_eq!((answer.tickets, answer.remaining), (Tickets::one(3), Some(97)));
    }

    #[test]
    fn a_sale_of_the_unsafe_modes_has_no_revision() {
        let body = r#"{"tickets": [1], "remaining": 9, "revision": null, "receipt": null}"#;
        assert_eq!(outcome(201, body), Outcome::Sold);
    }

    #[test]
    fn a_seller_of_the_lesson_says_when_it_read_and_wrote() {
        let section = r#""section": {"read_ns": 5, "write_ns": 9}"#;
        let sale = format!(r#"{{"tickets": [1], "remaining": 9, "revision": null, {section}}}"#);
        let sold_out = format!(r#"{{"type": "/problems/sold-out", {section}}}"#);
        for (status, body) in [(201, sale), (409, sold_out)] {
            let answer = judge_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!(answer.section, Some(CriticalSection { read_ns: 5, write_ns: 9 }));
        }
    }

    #[test]
    fn only_the_sold_out_problem_is_sold_out() {
        let body = r#"{"type": "/problems/sold-out", "requested": 1, "remaining": 0}"#;
        assert_eq!(outcome(409, body), Outcome::SoldOut);
        assert_eq!(outcome(409, r#"{"type": "/problems/other"}"#), Outcome::Refused);
        assert_eq!(outcome(404, body), Outcome::Refused);
    }

    #[test]
    fn what_may_have_happened_is_unknown() {
        assert_eq!(outcome(503, r#"{"sold": "no"}"#), Outcome::Refused);
        assert_eq!(outcome(503, r#"{"sold": "unknown"}"#), Outcome::Unknown);
        assert_eq!(outcome(503, ""), Outcome::Unknown);
        assert_eq!(outcome(500, "oops"), Outcome::Unknown);
        assert_eq!(outcome(201, "{}"), Outcome::Unknown);
        let three = r#"{"tickets": [1, 2, 3], "remaining": 7, "revision": 1}"#;
        assert_eq!(outcome(201, three), Outcome::Unknown);
    }
}
