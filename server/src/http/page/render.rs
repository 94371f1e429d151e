//! Fills the page's template, and tells the browser which script and style are ours.
//!
//! `page.html` is the template, `page.css` and `page.js` go into it at compile time.

use std::sync::LazyLock;

use askama::Template;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page shows before any script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageView<'a> {
    /// Tickets left.
    pub count: u64,
    /// Tickets sold.
    pub sold: u64,
    /// Revision of the ledger that `count` and `sold` belong to; the lesson's sellers have none.
    pub revision: Option<u64>,
    /// The locking by the name that the user gave it: `group`, `file`, `mutex` or `none`.
    pub locking: &'a str,
    /// Why this locking is unsafe or slow: a sentence, shown in red. None: nothing to warn of.
    pub warning: Option<&'a str>,
    /// The most tickets that one order may ask for, at least 1.
    pub max_per_order: u64,
}

/// Returns the whole document, in UTF-8, to be served as `text/html; charset=utf-8` together with
/// [`content_security_policy`].
pub fn render(view: &PageView<'_>) -> String {
    let page = Page {
        count: Figure::from(view.count),
        sold: Figure::from(view.sold),
        revision: view.revision.map(Figure::from),
        share_max: view.count.saturating_add(view.sold).max(1),
        locking: view.locking,
        warning: view.warning.unwrap_or_default(),
        max_per_order: view.max_per_order,
    };
    page.render().expect("a template writes to a string, which takes everything")
}

/// Returns the value of the header `Content-Security-Policy` for the page.
///
/// Script and style are named by their SHA-256, as CSP Level 3 has it (<https://www.w3.org/TR/CSP3/>,
/// section 2.3.1), so nothing else runs.
pub fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; \
             img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            hash_source(SCRIPT),
            hash_source(STYLE),
        )
    });
    &POLICY
}

/// The template's fields; the template escapes each as HTML.
#[derive(Template)]
#[template(path = "page.html", config = "src/http/page/askama.toml")]
struct Page<'a> {
    count: Figure,
    sold: Figure,
    revision: Option<Figure>,
    /// What the bar under the count is full at: at least 1, which HTML asks for.
    share_max: u64,
    locking: &'a str,
    /// Empty: no warning.
    warning: &'a str,
    max_per_order: u64,
}

/// A number for scripts (`value`) and for people (`text`).
struct Figure {
    value: u64,
    text: String,
}

impl From<u64> for Figure {
    fn from(value: u64) -> Self {
        Self { value, text: grouped(value) }
    }
}

impl Figure {
    /// How much room the text takes, by which the style sets it smaller; `sizeOf` in the script.
    fn size(&self) -> &'static str {
        match self.text.len() {
            0..6 => "short",
            6..10 => "long",
            _ => "longest",
        }
    }
}

/// Groups digits by commas, from five digits on (1234, but 12,345).
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn hash_source(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: PageView<'static> = PageView {
        count: 97,
        sold: 3,
        revision: Some(4),
        locking: "group",
        warning: None,
        max_per_order: 10,
    };

    /// The text between the first `opening` and the `closing` after it.
    fn between<'a>(page: &'a str, opening: &str, closing: &str) -> &'a str {
        let (_, rest) = page.split_once(opening).expect(opening);
        rest.split_once(closing).expect(closing).0
    }

    #[test]
    fn page_without_script_shows_the_view() {
        let page = render(&VIEW);
        assert_eq!(between(&page, "<title>", "</title>"), "97 left · Ticket counter");
        assert!(page.contains(r#"<data id="count" value="97" data-size="short">97</data>"#));
        assert!(page.contains(r#"<data id="sold" value="3">3</data>"#));
        assert!(page.contains(r#"<data id="revision" value="4">4</data>"#));
        assert!(page.contains(r#"<progress id="share" max="100" value="97""#));
        assert!(page.contains(r#"<span id="locking">group</span>"#));
        assert!(page.contains(r#"min="1" max="10""#));
        assert!(page.contains("<noscript>"));
    }

    #[test]
    fn warning_is_hidden_unless_there_is_one() {
        assert!(render(&VIEW).contains(r#"<p id="warning" hidden>"#));
        let page = render(&PageView { locking: "none", warning: Some("may oversell"), ..VIEW });
        assert!(page.contains(r#"<p id="warning">"#));
        assert!(page.contains(r#"<span id="warning-text">may oversell</span>"#));
    }

    #[test]
    fn every_text_is_escaped() {
        let evil = r#"</style></script><script>"&'<b>{{ count }}"#;
        let page = render(&PageView { locking: evil, warning: Some(evil), ..VIEW });
        for id in ["locking", "warning-text"] {
            let text = between(&page, &format!(r#"<span id="{id}">"#), "</span>");
            assert!(!text.contains(['<', '>', '"', '\'']), "`{id}` holds `{text}`");
            assert!(text.ends_with("{{ count }}"), "`{id}` was filled in twice: `{text}`");
        }
        assert_eq!(page.matches("</script>").count(), render(&VIEW).matches("</script>").count());
    }

    #[test]
    fn zero_one_and_the_largest_count_read_well() {
        let at = |count| render(&PageView { count, ..VIEW });
        assert!(at(0).contains("<title>0 left, sold out · Ticket counter</title>"));
        assert!(at(0).contains(r#"<span id="count-unit">tickets left, sold out</span>"#));
        assert!(at(1).contains(r#"<span id="count-unit">ticket left</span>"#));
        assert!(at((1 << 53) - 1).contains(r#"data-size="longest">9,007,199,254,740,991</data>"#));
        assert!(render(&PageView { count: 0, sold: 0, ..VIEW }).contains(r#"max="1" value="0""#));
        assert!(render(&PageView { count: u64::MAX, sold: 1, ..VIEW }).contains("18,446,744,073"));
    }

    #[test]
    fn digits_are_grouped_from_five_on() {
        let texts = [0, 999, 9_999, 10_000, 123_456, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "9999", "10,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn policy_names_the_script_and_the_style_that_are_served() {
        let page = render(&PageView { warning: Some("slow"), ..VIEW });
        let script = between(&page, r#"<script type="module">"#, "</script>");
        let style = between(&page, "<style>", "</style>");
        let policy = content_security_policy();
        assert!(policy.contains(&format!("script-src '{}';", hash_source(script))), "{policy}");
        assert!(policy.contains(&format!("style-src '{}';", hash_source(style))), "{policy}");
        // A browser hashes what it has parsed, where a carriage return has become a line feed.
        assert!(!page.contains('\r'));
    }

    #[test]
    fn hash_is_the_one_that_openssl_gives() {
        let hash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(hash_source("abc"), hash);
    }

    #[test]
    fn page_has_one_script_one_style_and_no_attributes_that_the_policy_forbids() {
        let page = render(&VIEW);
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("<style").count(), 1);
        let markup = page.replace(SCRIPT, "").replace(STYLE, "");
        assert!(!markup.contains(" style="));
        for word in markup.split_ascii_whitespace() {
            let handler = word.starts_with("on") && word.contains('=');
            assert!(!handler, "`{word}` is an event handler");
        }
    }

    #[test]
    fn page_asks_nobody_else_for_anything() {
        let page = render(&VIEW).replace("http://www.w3.org/2000/svg", "");
        for outside in ["http://", "https://", "url(", "@import", "src="] {
            assert!(!page.contains(outside), "`{outside}` is in the page");
        }
    }
}
