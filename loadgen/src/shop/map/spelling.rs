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
    let line_start = before.and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let line = (line, span.start - line_start.min(span.start));
    match better(error.message(), member, value.unwrap_or_default(), line) {
        Some((said, hint)) => format!("{place}{said}\nhint: {hint}"),
        None => whole,
    }
}

/// What is said in place of `message` on the `value` of `member`, and what to write; it stands at a place of a `line`.
fn better(
    message: &str,
    member: &str,
    value: &str,
    (line, at): (&str, usize),
) -> Option<(String, String)> {
    let bare = value.trim_matches(['"', '\'', '[', ']', ' ']);
    let is_one = !bare.is_empty() && !bare.contains(['"', '\'', ',', '=']);
    let number: Option<u64> = bare.parse().ok();
    let code = number.filter(|number| (100..600).contains(number));
    let status = code.map_or("200, 201".to_owned(), |code| code.to_string());
    let status = format!("`status = [{status}]`");
    let is_quoted = value.starts_with(['"', '\'']);
    let (said, hint) = if message.starts_with("missing escaped value") {
        let single = format!("in single quotes it is no escape: `{}`", in_single_quotes(line, at));
        ("a backslash in double quotes begins an escape", single)
    } else if ends_a_pattern(line, at) {
        let single = format!("in single quotes it does not: `{}`", in_single_quotes(line, at));
        ("a quote in double quotes ends the text", single)
    } else if message == "wanted string or table" {
        let hint = match member {
            "counts" => "`counts = \"exact\"` or `counts = \"late\"`".to_owned(),
            _ => "`numbering = \"unique\"`, `\"seats\"` or `\"consecutive\"`".to_owned(),
        };
        ("expected a text", hint)
    } else if message.ends_with("expected a sequence") && member == "status" {
        ("expected a list", status)
    } else if message.ends_with("expected u16") && is_quoted {
        ("expected status codes, without quotes", status)
    } else if message.ends_with("expected u16") {
        ("expected status codes, from 100 to 599", status)
    } else if message.ends_with("expected a map") && member == "headers" {
        ("expected a table", "`headers = { X-Shop = \"north\" }`".to_owned())
    } else if message.ends_with("expected a map") {
        let names = match member {
            "where" => "\"/state\" = \"sold\"",
            "take" => "cart = \"/cart/id\"",
            "words" => "plenty = true",
            _ => "name = …",
        };
        ("expected a table", format!("`{member} = {{ {names} }}`"))
    } else if message.ends_with("expected a string") && member == "body" {
        ("expected a text", format!("for JSON say `json = {value}`"))
    } else if message.ends_with("expected a string") && TIMES.contains(&member) {
        let is_time = bare.parse().is_ok_and(|time: f64| time > 0.0 && time.is_finite());
        let time = if is_time { bare } else { "2" };
        ("expected a time", format!("`{member} = \"{time}s\"`"))
    } else if message.ends_with("expected a string") {
        let text = if is_one { bare } else { "…" };
        ("expected a text", format!("`{member} = \"{text}\"`"))
    } else if message.ends_with("expected u64") || message.ends_with("expected u32") {
        let said = match member {
            _ if is_quoted && number.is_some() => "expected a whole number, without quotes",
            "initial" => "expected a whole number, from 0 on",
            "weight" => "expected a whole number, from 1 to 1000",
            _ => "expected a whole number, from 1 on",
        };
        (said, format!("`{member} = {}`", number.unwrap_or(1)))
    } else if message.ends_with("expected a boolean") {
        ("expected `true` or `false`, without quotes", format!("`{member} = true`"))
    } else {
        return None;
    };
    Some((said.to_owned(), hint))
}

/// Where in `line` the last text in double quotes begins ahead of `at`.
fn quoted(line: &str, at: usize) -> Option<usize> {
    let (mut begin, mut is_open, mut is_escape) = (None, false, false);
    for (place, byte) in line.bytes().enumerate().take(at) {
        match byte {
            b'"' if !is_escape => {
                begin = if is_open { begin } else { Some(place) };
                is_open = !is_open;
            }
            b'#' if !is_open => break,
            _ => {}
        }
        is_escape = is_open && byte == b'\\' && !is_escape;
    }
    begin
}

/// Whether a quote right ahead of `at` ends a pattern, and more of that follows.
fn ends_a_pattern(line: &str, at: usize) -> bool {
    let begins = |begin| line.get(begin..).is_some_and(|text| text.starts_with("\"regex:"));
    let is_behind_quote = line.get(..at).is_some_and(|before| before.ends_with('"'));
    let has_more = line.get(at..).is_some_and(|rest| rest.contains('"'));
    is_behind_quote && has_more && quoted(line, at).is_some_and(begins)
}

/// `line` with the text around `at` in single quotes, in which nothing is an escape.
fn in_single_quotes(line: &str, at: usize) -> String {
    let Some(begin) = quoted(line, at) else { return line.trim().to_owned() };
    let (before, text) = (&line[..begin], &line[begin + 1..]);
    // What else stands in the line comes behind a comma or a bracket.
    let ends = ["\",", "\" }", "\"}", "\"]"].into_iter().filter_map(|end| text.find(end));
    let end = ends.min().or_else(|| text.rfind('"')).unwrap_or(text.len());
    let (text, after) = (&text[..end], text[end..].trim_start_matches('"'));
    let text = text.replace("\\\"", "\"").replace("\\\\", "\\");
    let quotes = if text.contains('\'') { "'''" } else { "'" };
    format!("{before}{quotes}{text}{quotes}{after}").trim().to_owned()
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
            ("sold =", "quantity = \"2\"\nsold =", "without quotes", "`quantity = 2`"),
            ("sold =", "quantity = -2\nsold =", "number, from 1 on", "`quantity = 1`"),
            ("[search]", "[[product]]\ninitial = -3\n[search]", "from 0 on", "`initial = 1`"),
            ("[201]", "[99999]", "from 100 to 599", "`status = [200, 201]`"),
            ("[201]", "[2.5]", "from 100 to 599", "`status = [200, 201]`"),
            (
                "ticket =",
                "where = true, ticket =",
                "a table",
                "`where = { \"/state\" = \"sold\" }`",
            ),
            ("\"/seat\"", "{ a = 1 }", "a text", "`ticket = \"…\"`"),
            ("remaining =", "settle = -2\nremaining =", "a time", "`settle = \"2s\"`"),
            ("remaining =", "settle = 2.5\nremaining =", "a time", "`settle = \"2.5s\"`"),
            ("\"/seat\"", r#""regex:(\d+)""#, "backslash", r"ticket = 'regex:(\d+)' }"),
            ("\"/seat\"", r#""regex:'(\d+)'""#, "backslash", r"= '''regex:'(\d+)'''' }"),
            ("\"/seat\"", r#""regex:\"a\": (\d+)""#, "backslash", r#"= 'regex:"a": (\d+)' }"#),
            ("\"/seat\"", r#""regex:"a": (\w+)""#, "ends the text", r#"= 'regex:"a": (\w+)' }"#),
            ("g = \"/left\"", "g = \"regex:a \"(.)\"\"", "ends the text", "g = 'regex:a \"(.)\"'`"),
            ("remaining =", "settle = 2\nremaining =", "a time", "`settle = \"2s\"`"),
            ("remaining =", "clamped = \"yes\"\nremaining =", "`true`", "`clamped = true`"),
        ] {
            let text = MAP.replacen(from, to, 1);
            let error = toml::from_str::<Members>(&text).expect_err(to);
            let told = reason(&error, &text);
            let (words, way_out) = told.split_once("\nhint: ").unwrap_or((&told, ""));
            assert!(words.contains("at line") && words.contains(said), "{to}: {told}");
            assert!(way_out.contains(hint), "{to}: {told}");
            for raw in ["sequence", "u16", "u64", "u32", "expected a map", "string", "escaped"] {
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
