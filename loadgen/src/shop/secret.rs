//! A text that is shown to nobody.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// `text` with a name for each of these values, however it is escaped: as in a form, in a path, in JSON.
pub(crate) fn masked<'a>(
    text: &str,
    values: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut spellings: Vec<(String, &str)> = Vec::new();
    for (value, name) in values.into_iter().filter(|(value, _)| !value.is_empty()) {
        let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let json = serde_json::Value::from(value).to_string();
        let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
        let all = [value.to_owned(), form.replace('+', "%20"), form, json];
        spellings.extend(all.into_iter().map(|spelling| (spelling, name)));
    }
    // The longest first: one may be a part of another.
    spellings.sort_by_key(|(spelling, _)| std::cmp::Reverse(spelling.len()));
    spellings.iter().fold(text.to_owned(), |text, (spelling, name)| text.replace(spelling, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let secret = "pä \"ss&w/rd";
        for text in [
            "p=pä \"ss&w/rd.",
            "p=p%C3%A4+%22ss%26w%2Frd.",
            "p=p%C3%A4%20%22ss%26w%2Frd.",
            "p=pä \\\"ss&w/rd.",
        ] {
            assert_eq!(masked(text, [(secret, "${password}")]), "p=${password}.", "{text}");
        }
        let both = masked("abcd ab", [("ab", "1"), ("abcd", "2"), ("", "3")]);
        assert_eq!(both, "2 1");
    }
}
