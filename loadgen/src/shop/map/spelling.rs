//! What is wrong with a file that is no map, in the words of a map.

use toml::de::Error;

/// The members that say a time.
const TIMES: [&str; 4] = ["settle", "every", "within", "lasts"];

/// What `error` says is wrong with `text`: where, what, and what to write instead.
pub(super) fn reason(error: &Error, text: &str) -> String {
    let whole = error.to_string().trim_end().to_owned();
    let (Some(span), Some(place)) = (error.span(), whole.strip_suffix(error.message())) else {
        return whole;
    };
    let (before, value) = (text.get(..span.start), text.get(span.clone()));
    let member = member(before.unwrap_or_default());
    let line = text.get(..span.start).and_then(|before| before.lines().next_back());
    let rest = text.get(span.start..).and_then(|rest| rest.lines().next());
    let line = format!("{}{}", line.unwrap_or_default(), rest.unwrap_or_default());
    match better(error.message(), member, value.unwrap_or_default(), &line) {
        Some((said, hint)) => format!("{place}{said}\nhint: {hint}"),
        None => whole,
    }
}

/// What is said in place of `message` on the `value` of `member`, which stands in `line`, and what to write.
fn better(message: &str, member: &str, value: &str, line: &str) -> Option<(String, String)> {
    let bare = value.trim_matches(['"', '\'', '[', ']', ' ']);
    let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    let status = format!("`status = [{}]`", if is_number { bare } else { "200, 201" });
    let (said, hint) = if message.starts_with("missing escaped value") {
        let single =
            format!("in single quotes it is no escape: `{}`", line.trim().replace('"', "'"));
        ("a backslash in double quotes begins an escape", single)
    } else if message == "wanted string or table" {
        let hint = match member {
            "counts" => "`counts = \"exact\"` or `counts = \"late\"`".to_owned(),
            _ => "`numbering = \"unique\"`, `\"seats\"` or `\"consecutive\"`".to_owned(),
        };
        ("expected a text", hint)
    } else if message.ends_with("expected a sequence") && member == "status" {
        ("expected a list", status)
    } else if message.ends_with("expected u16") {
        ("expected status codes, without quotes", status)
    } else if message.ends_with("expected a sequence") {
        ("expected a list of tables", format!("`[[{member}]]`, once for each"))
    } else if message.ends_with("expected a map") && member == "headers" {
        ("expected a table", "`headers = { X-Shop = \"north\" }`".to_owned())
    } else if message.ends_with("expected a map") {
        ("expected a table", format!("`{member} = {{ name = … }}`"))
    } else if message.ends_with("expected a string") && member == "body" {
        ("expected a text", format!("for JSON say `json = {value}`"))
    } else if message.ends_with("expected a string") && is_number && TIMES.contains(&member) {
        ("expected a time", format!("`{member} = \"{bare}s\"`"))
    } else if message.ends_with("expected a string") {
        ("expected a text", format!("`{member} = \"{bare}\"`"))
    } else if message.ends_with("expected u64") || message.ends_with("expected u32") {
        let number = if is_number { bare } else { "1" };
        ("expected a whole number, without quotes", format!("`{member} = {number}`"))
    } else if message.ends_with("expected a boolean") {
        ("expected `true` or `false`, without quotes", format!("`{member} = true`"))
    } else {
        return None;
    };
    Some((said.to_owned(), hint))
}

/// The member whose value begins where `before` ends.
fn member(before: &str) -> &str {
    let before = before.trim_end_matches([' ', '[', '"']);
    let name = before.strip_suffix('=').unwrap_or(before).trim_end();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let begin = name.rfind(|letter| !is_name(letter)).map_or(0, |place| place + 1);
    &name[begin..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::map::members::Members;

    const MAP: &str = r#"
[buy]
path = "/buy"
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409] }
[search]
path = "/left"
remaining = "/left"
"#;

    #[test]
    fn what_is_no_map_is_told_with_what_to_write() {
        for (from, to, said, hint) in [
            ("status = [201]", "status = 201", "a list", "`status = [201]`"),
            ("status = [201]", "status = [\"201\"]", "without quotes", "`status = [201]`"),
            ("status = [201]", "status = [\"2xx\"]", "without quotes", "`status = [200, 201]`"),
            ("[search]", "[[before]]\npath = \"/\"\nstatus = 302\n[search]", "a list", "= [302]`"),
            ("\n[buy]", "counts = true\n[buy]", "a text", "`counts = \"exact\"`"),
            ("\n[buy]", "numbering = 1\n[buy]", "a text", "`numbering = \"unique\"`"),
            ("sold =", "body = { quantity = 1 }\nsold =", "a text", "`json = { quantity = 1 }`"),
            ("sold =", "headers = [\"X: 1\"]\nsold =", "a table", "`headers = { X-Shop ="),
            ("sold =", "quantity = \"2\"\nsold =", "whole number", "`quantity = 2`"),
            ("\"/seat\"", r#""regex:(\d+)""#, "backslash", r"ticket = 'regex:(\d+)'"),
            ("remaining =", "settle = 2\nremaining =", "a time", "`settle = \"2s\"`"),
            ("remaining =", "clamped = \"yes\"\nremaining =", "`true`", "`clamped = true`"),
        ] {
            let text = MAP.replacen(from, to, 1);
            let error = toml::from_str::<Members>(&text).expect_err(to);
            let told = reason(&error, &text);
            let (words, way_out) = told.split_once("\nhint: ").unwrap_or((&told, ""));
            assert!(words.contains("at line") && words.contains(said), "{to}: {told}");
            assert!(way_out.contains(hint), "{to}: {told}");
            for raw in ["sequence", "u16", "u64", "expected a map", "string", "escaped"] {
                assert!(!told.contains(raw), "{to}: {told}");
            }
        }
    }

    #[test]
    fn what_it_says_itself_stays() {
        let error = toml::from_str::<Members>("[buy]").expect_err("no path");
        assert_eq!(reason(&error, "[buy]"), error.to_string().trim_end());
    }
}
