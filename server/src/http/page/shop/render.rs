//! Fills the template of the page that sells.
//!
//! `page.html` is the template; style and script go into it at compile time.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    body::Body,
    http::{Response, StatusCode},
};

use crate::http::{
    message::{buyer_rule::BuyerRule, wire::BUYER_CHARS_MAX},
    page::{
        document::{Assets, EVENT},
        figure::Figure,
    },
};

const STYLE: &str = concat!(include_str!("../kit.css"), include_str!("page.css"));
const SCRIPT: &str = concat!(include_str!("../kit.js"), include_str!("page.js"));

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(STYLE, SCRIPT));

/// What the page shows before any script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopView<'a> {
    /// What the tickets are for.
    pub event: Option<&'a str>,
    /// Tickets left.
    pub count: u64,
    /// Revision of the ledger that `count` belongs to; the lesson's sellers have none.
    pub revision: Option<u64>,
    /// Whether the sale is open.
    pub is_open: bool,
    /// The locking by the name that the user gave it: `group`, `file`, `mutex` or `none`.
    pub locking: &'a str,
    /// Why this locking is unsafe or slow: a sentence, shown in red. None: nothing to warn of.
    pub warning: Option<&'a str>,
    /// The most tickets that one order may ask for, at least 1.
    pub max_per_order: u64,
    /// Whether the buyer is asked for a name.
    pub buyer: BuyerRule,
    /// For how many seconds tickets are held; the lesson's sellers hold none, and give no receipts.
    pub hold_seconds: Option<u64>,
    /// The idempotency key of the form; a form that is sent twice buys once.
    pub key: Option<&'a str>,
}

/// Answers with the page.
pub fn answer(view: &ShopView<'_>) -> Response<Body> {
    ASSETS.answer(StatusCode::OK, &page(view))
}

fn page<'a>(view: &ShopView<'a>) -> Page<'a> {
    let over = match (view.is_open, view.count) {
        (false, _) => Some("The sale is closed"),
        (true, 0) => Some("Sold out"),
        (true, _) => None,
    };
    Page {
        assets: &ASSETS,
        event: view.event.unwrap_or(EVENT),
        count: Figure::from(view.count),
        revision: view.revision,
        is_open: view.is_open,
        over,
        locking: view.locking,
        warning: view.warning.unwrap_or_default(),
        max_per_order: view.max_per_order,
        name_chars_max: BUYER_CHARS_MAX,
        asks_name: view.buyer != BuyerRule::None,
        needs_name: view.buyer == BuyerRule::Required,
        hold: view.hold_seconds.map(|seconds| (seconds, lasting(seconds))),
        key: view.key,
    }
}

/// A time in whole minutes where it is one.
fn lasting(seconds: u64) -> String {
    match (seconds, seconds / 60) {
        (1, _) => "1 second".to_owned(),
        (60, _) => "1 minute".to_owned(),
        (_, minutes @ 1..) if seconds.is_multiple_of(60) => format!("{minutes} minutes"),
        _ => format!("{seconds} seconds"),
    }
}

/// The template's fields; the template escapes each as HTML.
#[derive(Template)]
#[template(path = "shop/page.html", config = "src/http/page/askama.toml")]
struct Page<'a> {
    assets: &'static Assets,
    event: &'a str,
    count: Figure,
    revision: Option<u64>,
    is_open: bool,
    /// Why nothing can be bought just now, as a heading.
    over: Option<&'static str>,
    locking: &'a str,
    /// Empty: no warning.
    warning: &'a str,
    max_per_order: u64,
    name_chars_max: usize,
    asks_name: bool,
    needs_name: bool,
    /// For how many seconds tickets are held, and how that reads.
    hold: Option<(u64, String)>,
    key: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page::markup_tests::{assert_strict, between};

    const VIEW: ShopView<'static> = ShopView {
        event: None,
        count: 97,
        revision: Some(4),
        is_open: true,
        locking: "group",
        warning: None,
        max_per_order: 10,
        buyer: BuyerRule::Optional,
        hold_seconds: Some(120),
        key: Some("k-1"),
    };

    fn render(view: &ShopView<'_>) -> String {
        page(view).render().unwrap()
    }

    #[test]
    fn page_without_script_shows_the_view_and_a_form() {
        let page = render(&VIEW);
        assert_eq!(between(&page, "<title>", "</title>"), "Tickets: 97 left");
        let count = r#"<data id="count" value="97" data-size="short" data-revision="4">97</data>"#;
        assert!(page.contains(count));
        assert!(page.contains(r#"min="1" max="10""#));
        assert!(page.contains(r#"<form id="order" method="post" action="buy""#));
        assert!(page.contains(r#"<input type="hidden" name="key" value="k-1">"#));
        assert!(page.contains("<noscript>"));
    }

    #[test]
    fn buyer_is_told_nothing_of_locking_and_revisions_but_where_it_is_unsafe() {
        assert!(render(&VIEW).contains(r#"<p id="warning" class="notice bad" hidden>"#));
        let view = ShopView { locking: "none", warning: Some("may oversell"), ..VIEW };
        let page = render(&ShopView { hold_seconds: None, key: None, revision: None, ..view });
        assert!(page.contains(r#"<p id="warning" class="notice bad">"#));
        assert!(page.contains(r#"<span id="warning-text">may oversell</span>"#));
        assert!(page.contains(r#"<span id="locking">none</span>"#));
        assert!(!page.contains(r#"id="hold""#));
    }

    #[test]
    fn name_is_asked_for_as_the_operator_wants() {
        let field = |buyer| {
            let page = render(&ShopView { buyer, ..VIEW });
            page.lines().find(|line| line.contains(r#"id="buyer""#)).map(str::to_owned)
        };
        assert_eq!(field(BuyerRule::None), None);
        assert!(!field(BuyerRule::Optional).unwrap().contains(" required"));
        assert!(field(BuyerRule::Required).unwrap().contains(" required"));
    }

    #[test]
    fn page_says_how_long_tickets_are_held() {
        let held = |seconds| render(&ShopView { hold_seconds: Some(seconds), ..VIEW });
        assert!(held(120).contains(">Hold for 2 minutes</button>"));
        assert!(held(60).contains(">Hold for 1 minute</button>"));
        assert!(held(90).contains(r#"data-seconds="90""#));
        assert_eq!([1, 90].map(lasting), ["1 second", "90 seconds"]);
    }

    #[test]
    fn every_text_is_escaped() {
        let evil = r#"</style></script><script>"&'<b>{{ count }}"#;
        let view = ShopView { locking: evil, warning: Some(evil), event: Some(evil), ..VIEW };
        let page = render(&view);
        for (opening, closing) in [
            (r#"<span id="locking">"#, "</span>"),
            (r#"<span id="warning-text">"#, "</span>"),
            (r#"<h1 id="event">"#, "</h1>"),
        ] {
            let text = between(&page, opening, closing);
            assert!(!text.contains(['<', '>', '"', '\'']), "{opening} holds `{text}`");
            assert!(text.ends_with("{{ count }}"), "{opening} was filled in twice: `{text}`");
        }
        assert_eq!(page.matches("</script>").count(), render(&VIEW).matches("</script>").count());
    }

    #[test]
    fn zero_one_the_largest_count_and_a_closed_sale_read_well() {
        let at = |count| render(&ShopView { count, ..VIEW });
        assert!(at(0).contains("<title>Tickets: sold out</title>"));
        assert!(at(0).contains(r#"<h2 id="over-heading" tabindex="-1">Sold out</h2>"#));
        assert!(at(0).contains(r#"aria-labelledby="order-heading" hidden>"#));
        assert!(at(1).contains(r#"<span id="count-unit">ticket left</span>"#));
        assert!(at((1 << 53) - 1).contains(r#"data-size="longest""#));
        assert!(at((1 << 53) - 1).contains(">9,007,199,254,740,991</data>"));
        let closed = render(&ShopView { is_open: false, event: Some("Jazz"), ..VIEW });
        assert!(closed.contains("<title>Jazz: closed</title>"));
        assert!(closed.contains(r#"<h2 id="over-heading" tabindex="-1">The sale is closed</h2>"#));
    }

    #[test]
    fn page_is_strict() {
        assert_strict(&render(&VIEW), &ASSETS);
    }
}
