//! HTML and SVG as a tree that cannot hold unescaped text.
//!
//! # Invariants
//! - Whatever comes in at run time is escaped: only text that was compiled in goes in as it is.

use std::fmt::{Display, Write as _};

/// Elements that have no content, and in HTML no end.
const VOID: [&str; 1] = ["meta"];

/// One element with all that is in it.
#[derive(Clone, Debug)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
enum Child {
    Element(Element),
    Text(String),
    Verbatim(&'static str),
    Json(String),
}

/// An empty element.
pub(super) fn element(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), children: Vec::new() }
}

impl Element {
    /// Adds an attribute.
    pub(super) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// Adds the attribute `class`.
    pub(super) fn class(self, names: impl Display) -> Self {
        self.with("class", names)
    }

    /// Adds an element.
    pub(super) fn child(mut self, child: Element) -> Self {
        self.children.push(Child::Element(child));
        self
    }

    /// Adds elements.
    pub(super) fn children(self, children: impl IntoIterator<Item = Element>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Adds text.
    pub(super) fn text(mut self, text: impl Display) -> Self {
        self.children.push(Child::Text(text.to_string()));
        self
    }

    /// Adds text in which a value may stand in backticks, as in messages for a terminal.
    pub(super) fn prose(self, text: &str) -> Self {
        let Some((before, (value, after))) =
            text.split_once('`').and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
        else {
            return if text.is_empty() { self } else { self.text(text) };
        };
        let element = if before.is_empty() { self } else { self.text(before) };
        element.child(super::markup::element("code").text(value)).prose(after)
    }

    /// Adds a style or a script of ours.
    pub(super) fn verbatim(mut self, text: &'static str) -> Self {
        self.children.push(Child::Verbatim(text));
        self
    }

    /// Adds JSON to a `script` that is no program.
    pub(super) fn json(mut self, json: &str) -> Self {
        // In JSON this character stands in strings only; there it may be written so.
        self.children.push(Child::Json(json.replace('<', "\\u003c")));
        self
    }

    /// Writes the element to the end of `page`.
    pub(super) fn write(&self, page: &mut String) {
        page.push('<');
        page.push_str(self.name);
        for (name, value) in &self.attributes {
            let _ = write!(page, " {name}=\"");
            escape(value, page);
            page.push('"');
        }
        page.push('>');
        if VOID.contains(&self.name) {
            return;
        }
        for child in &self.children {
            match child {
                Child::Element(element) => element.write(page),
                Child::Text(text) => escape(text, page),
                Child::Verbatim(text) => page.push_str(text),
                Child::Json(json) => page.push_str(json),
            }
        }
        let _ = write!(page, "</{}>", self.name);
    }
}

/// Characters that end a text or an attribute, and those that would hide or turn around what
/// follows them (controls and directions).
fn escape(text: &str, page: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            '\n' | '\t' => page.push(' '),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                page.push('\u{fffd}');
            }
            letter if letter.is_control() => page.push('\u{fffd}'),
            letter => page.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(element: &Element) -> String {
        let mut page = String::new();
        element.write(&mut page);
        page
    }

    #[test]
    fn nothing_gets_out_of_a_text_or_an_attribute() {
        let evil = "</script><b a='\" onload=x>&\0\u{202e}";
        let page = written(&element("p").with("title", evil).text(evil).prose(evil));
        assert_eq!(page.matches('<').count(), 2, "{page}");
        assert_eq!(page.matches('"').count(), 2, "{page}");
        assert!(!page.contains(['\'', '\0', '\u{202e}']), "{page}");
    }

    #[test]
    fn no_json_ends_its_script() {
        let json = serde_json::to_string("</script><!--").unwrap();
        let page = written(&element("script").json(&json));
        assert_eq!(page, r#"<script>"\u003c/script>\u003c!--"</script>"#);
        let inside = &page["<script>".len()..page.len() - "</script>".len()];
        assert_eq!(serde_json::from_str::<String>(inside).unwrap(), "</script><!--");
    }

    #[test]
    fn backticks_become_code() {
        let page = written(&element("p").prose("ticket `8` sold `2"));
        assert_eq!(page, "<p>ticket <code>8</code> sold `2</p>");
    }
}
