//! Texts that are more than text.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;

/// Text in which a value may stand in backticks, as in messages for a terminal.
pub(crate) fn prose(text: &str) -> Markup {
    let parts = text.split_once('`').and_then(|(before, rest)| {
        let (value, after) = rest.split_once('`')?;
        Some((before, value, after))
    });
    html! {
        @match parts {
            Some((before, value, after)) => { (before) code { (value) } (prose(after)) }
            None => (text)
        }
    }
}

/// `value` for a `script` that is no program.
pub(crate) fn json(value: &impl Serialize) -> Markup {
    let json = serde_json::to_string(value).expect("what a page tells is made of plain values");
    // In JSON this character stands in strings only; there it may be written so.
    PreEscaped(json.replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_json_ends_its_script() {
        let json = json(&"</script><!--").into_string();
        assert_eq!(json, r#""\u003c/script>\u003c!--""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "</script><!--");
    }

    #[test]
    fn backticks_become_code() {
        let html = prose("ticket `<8` sold `2").into_string();
        assert_eq!(html, "ticket <code>&lt;8</code> sold `2");
    }
}
