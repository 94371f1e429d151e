//! A whole page.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use maud::{Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::words::harmless;

const KIT: &str = include_str!("kit.css");

/// Whom the script of a page may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nobody: the page is a file.
    Nobody,
    /// The server that it came from.
    Origin,
}

/// The page with this `body`, in UTF-8; `style` and `script` are its own beside those of all pages.
pub(crate) fn document(
    title: &str,
    style: &'static str,
    script: Option<&'static str>,
    body: &Markup,
) -> String {
    document_reaching(Reach::Nobody, title, style, script, body)
}

/// The same where the script may ask whom `reach` says.
pub(crate) fn document_reaching(
    reach: Reach,
    title: &str,
    style: &'static str,
    script: Option<&'static str>,
    body: &Markup,
) -> String {
    let style = format!("{KIT}{style}");
    let page = html! {
        (PreEscaped("<!doctype html>\n"))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(reach, &style, script));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                (body)
                @if let Some(script) = script { script type="module" { (PreEscaped(script)) } }
            }
        }
    };
    // Escaping leaves controls and directions as they are.
    harmless(&page.into_string())
}

/// The content security policy of a page with this `style` and `script`, each by its SHA-256 (CSP
/// Level 3, <https://www.w3.org/TR/CSP3/>, section 2.3.1): nothing else runs, and nothing is fetched
/// from anywhere but where the page may reach.
fn policy(reach: Reach, style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let script = script.map_or_else(|| "'none'".to_owned(), hash);
    let connect = match reach {
        Reach::Nobody => "",
        Reach::Origin => " connect-src 'self'; img-src 'self';",
    };
    format!(
        "default-src 'none';{connect} script-src {script}; style-src {}; base-uri 'none'; form-action \
         'none'",
        hash(style)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_text_or_an_attribute() {
        let evil = "</script><b a=\" onload=x>&\0\u{202e}\r";
        let body = html! { p title=(evil) { (evil) } };
        let page = document(evil, "", None, &body);
        let inside = page.split_once("<body>").unwrap().1;
        assert_eq!(inside.matches('<').count(), 4, "{inside}");
        assert_eq!(inside.matches('"').count(), 2, "{inside}");
        assert!(!page.contains(['\0', '\u{202e}', '\r']), "{page}");
    }

    #[test]
    fn policy_names_the_style_and_the_script_alone() {
        let page = document("", "", None, &html! {});
        assert!(
            page.contains("default-src 'none'; script-src 'none'; style-src 'sha256-"),
            "{page}"
        );
    }
}
