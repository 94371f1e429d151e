//! What every refusal looks like: RFC 9457.

use e2e::{Answer, Client};

/// Fails unless `answer` is a problem document of this `status` and `code`, complete, and the
/// server explains it at the URL that the document names.
#[track_caller]
pub(crate) fn assert_problem(server: &Client, answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("Content-Type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("/problems/{code}"), "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    for member in ["title", "detail"] {
        let text = problem[member].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "no {member}: {problem}");
    }
    if status == 503 {
        assert!(answer.retry_after().as_secs() >= 1, "{answer:?}");
        assert!(matches!(problem["sold"].as_str(), Some("no" | "unknown")), "{problem}");
    }
    let explained = server.get(&format!("/problems/{code}"));
    assert_eq!(explained.status, 200, "{code} is not explained");
    let title = problem["title"].as_str().unwrap_or_default();
    assert!(explained.text().contains(title), "{}", explained.text());
}
