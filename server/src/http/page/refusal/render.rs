//! Fills the template of a refusal, in the words of a box office and not of an interface.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};

use crate::http::{
    message::problem::{Code, Problem},
    page::document::{Assets, EVENT},
};

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(include_str!("../kit.css"), ""));

/// Why is the operator's to read, at `/readyz` and in the log.
const LOOKS_AGAIN: &str =
    "The tickets cannot be reached just now. This page looks again by itself every few seconds.";

/// What is refused, and where.
#[derive(Clone, Copy, Debug)]
pub struct RefusalView<'a> {
    /// What the tickets are for.
    pub event: Option<&'a str>,
    /// Why.
    pub problem: &'a Problem,
    /// The page that sells, relative to the one that is refused.
    pub back: &'a str,
    /// Whether it was only to be shown, and will be: the page asks again by itself.
    pub looks_again: bool,
}

/// Answers with the page, and the status of the problem.
pub fn answer(view: &RefusalView<'_>) -> Response<Body> {
    let mut answer = ASSETS.answer(view.problem.code().status(), &page(view));
    if let Some(seconds) = view.problem.retry_seconds() {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn page<'a>(view: &RefusalView<'a>) -> Page<'a> {
    let problem = view.problem;
    let (title, words) = if view.looks_again {
        ("One moment, please", LOOKS_AGAIN.to_owned())
    } else {
        told(problem)
    };
    // Who has mistyped wants to know what; what else went wrong is the operator's to read.
    let detail = if problem.code() == Code::InvalidRequest { problem.detail() } else { "" };
    Page {
        assets: &ASSETS,
        event: view.event.unwrap_or(EVENT),
        title,
        words,
        detail,
        back: view.back,
        looks_again: view.looks_again,
    }
}

fn told(problem: &Problem) -> (&'static str, String) {
    let remaining = problem.member("remaining").and_then(serde_json::Value::as_u64);
    let (title, words) = match problem.code() {
        Code::SoldOut => match remaining {
            Some(remaining @ 1..) => {
                let words = format!("You did not buy anything. Only {remaining} left: take fewer.");
                return ("Not enough left", words);
            }
            _ => ("Sold out", "You did not buy anything. All tickets are gone."),
        },
        Code::NotFound if problem.member("revision").is_some() => (
            "Ticket not found",
            "This ticket was sold, but its record is missing here. Please ask whoever sold it.",
        ),
        Code::NotFound => {
            ("No such ticket", "There is no ticket at this address. Is the link whole?")
        }
        Code::InvalidRequest => {
            ("Something is missing", "This order was not taken. Please try again.")
        }
        Code::TooManyRequests => (
            "One moment, please",
            "Too many orders came from where you are, so this one was not taken. Reload this page in a \
             moment to send it again.",
        ),
        Code::KeyReused => (
            "Already sent",
            "This form was sent before, with something else in it. Open a new one.",
        ),
        _ if problem.code().status() == StatusCode::SERVICE_UNAVAILABLE
            && problem.member("sold").is_some_and(|sold| sold == "no") =>
        {
            ("Please try again", "You did not buy anything. We could not sell just now.")
        }
        _ if problem.code().status() == StatusCode::SERVICE_UNAVAILABLE => (
            "We are not sure",
            "The sale may have worked, or not. Reload this page to ask again: you will not buy twice.",
        ),
        code => (code.title(), code.explanation()),
    };
    (title, words.to_owned())
}

#[derive(Template)]
#[template(path = "refusal/page.html", config = "src/http/page/askama.toml")]
struct Page<'a> {
    assets: &'static Assets,
    event: &'a str,
    title: &'static str,
    words: String,
    /// Empty: none.
    detail: &'a str,
    back: &'a str,
    looks_again: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page::markup_tests::assert_strict;

    fn render(problem: &Problem) -> String {
        page(&RefusalView { event: None, problem, back: "./", looks_again: false })
            .render()
            .unwrap()
    }

    #[test]
    fn each_problem_has_words_for_people() {
        for code in Code::all() {
            let page = render(&Problem::new(code, "why `--flag`"));
            assert!(page.contains("<h2 id=\"title\"><strong>"), "{code:?}: {page}");
            assert_strict(&page, &ASSETS);
        }
    }

    #[test]
    fn who_wants_too_many_is_told_how_many_there_are() {
        let problem = Problem::new(Code::SoldOut, "").with("remaining", 2);
        assert!(render(&problem).contains("Only 2 left"));
        assert!(render(&Problem::new(Code::SoldOut, "").with("remaining", 0)).contains("Sold out"));
    }

    #[test]
    fn what_was_typed_is_escaped() {
        let page = render(&Problem::new(Code::InvalidRequest, "`<script>` is no number"));
        assert!(page.contains("&#60;script&#62;") && !page.contains("`<script>"), "{page}");
    }
}
