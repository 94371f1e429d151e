//! Fills the templates of the operator's pages: with the name of the event, and nothing else.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    body::Body,
    http::{Response, StatusCode},
};

use crate::http::page::document::{Assets, EVENT};

static OPERATOR: LazyLock<Assets> = LazyLock::new(|| {
    const STYLE: &str = concat!(
        include_str!("../kit.css"),
        include_str!("sign_in.css"),
        include_str!("operator.css")
    );
    const SCRIPT: &str =
        concat!(include_str!("../kit.js"), include_str!("sign_in.js"), include_str!("operator.js"));
    Assets::new(STYLE, SCRIPT)
});

static DOOR: LazyLock<Assets> = LazyLock::new(|| {
    const STYLE: &str =
        concat!(include_str!("../kit.css"), include_str!("sign_in.css"), include_str!("door.css"));
    const SCRIPT: &str =
        concat!(include_str!("../kit.js"), include_str!("sign_in.js"), include_str!("door.js"));
    Assets::new(STYLE, SCRIPT)
});

/// Answers with the operator's page of this event.
pub fn answer_operator(event: Option<&str>) -> Response<Body> {
    OPERATOR.answer(StatusCode::OK, &operator(event))
}

/// Answers with the page for the door.
pub fn answer_door(event: Option<&str>) -> Response<Body> {
    DOOR.answer(StatusCode::OK, &door(event))
}

fn operator(event: Option<&str>) -> Operator<'_> {
    Operator { assets: &OPERATOR, event: event.unwrap_or(EVENT) }
}

fn door(event: Option<&str>) -> Door<'_> {
    Door { assets: &DOOR, event: event.unwrap_or(EVENT) }
}

#[derive(Template)]
#[template(path = "operator/operator.html", config = "src/http/page/askama.toml")]
struct Operator<'a> {
    assets: &'static Assets,
    event: &'a str,
}

#[derive(Template)]
#[template(path = "operator/door.html", config = "src/http/page/askama.toml")]
struct Door<'a> {
    assets: &'static Assets,
    event: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page::markup_tests::{assert_strict, between};

    #[test]
    fn pages_are_strict_and_say_which_event_they_are_of() {
        let pages = [
            (operator(Some("<b>Jazz")).render().unwrap(), &*OPERATOR),
            (door(Some("<b>Jazz")).render().unwrap(), &*DOOR),
        ];
        for (page, assets) in pages {
            assert_strict(&page, assets);
            assert_eq!(between(&page, r#"<h1 id="event">"#, "</h1>"), "&#60;b&#62;Jazz");
            // All that needs a token is hidden until there is one.
            assert!(page.contains(r#"<main id="signed-in" hidden>"#));
        }
    }
}
