//! What every page is held to.

use super::document::Assets;

/// The text between the first `opening` and the `closing` after it.
pub(crate) fn between<'a>(page: &'a str, opening: &str, closing: &str) -> &'a str {
    let (_, rest) = page.split_once(opening).expect(opening);
    rest.split_once(closing).expect(closing).0
}

/// Asserts that the policy lets all of `page` run, that nothing in it needs more, and that it asks nobody
/// else for anything.
#[track_caller]
pub(crate) fn assert_strict(page: &str, assets: &Assets) {
    assert!(page.matches("<script").count() <= 1);
    assert_eq!(page.matches("<style").count(), 1);
    assert_eq!(between(page, "<style>", "</style>"), assets.style);
    if !assets.script.is_empty() {
        assert_eq!(between(page, r#"<script type="module">"#, "</script>"), assets.script);
    }
    // A browser hashes what it has parsed, where a carriage return has become a line feed.
    assert!(!page.contains('\r'));
    let markup = page.replace(assets.style, "").replace(assets.script, "");
    assert!(!markup.contains(" style="));
    for word in markup.split_ascii_whitespace() {
        let handler = word.starts_with("on") && word.contains('=');
        assert!(!handler, "`{word}` is an event handler");
    }
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http://", "https://", "url(", "@import"] {
        assert!(!page.contains(outside), "`{outside}` is in the page");
    }
    // Under a proxy's prefix an address that begins at the root leads elsewhere.
    for rooted in ["=\"/", ", \"/", ", `/", "fetch(\"/", "EventSource(\"/"] {
        assert!(!page.contains(rooted), "`{rooted}` is in the page");
    }
    // Each field has its label.
    for id in markup.split("<input id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(markup.contains(&format!("<label for=\"{id}\"")), "`{id}` has no label");
    }
}
