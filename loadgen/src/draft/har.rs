//! A map from one recorded purchase, as browsers write it down (HAR 1.2). Pure.
//!
//! What changes something is a call of the map, the last of these the one that sells. A value that an answer
//! gave before is taken from there; what looks like a secret and was given by none is left out.

use serde_json::Value;
use url::Url;

use super::sketch::{Sketch, SketchBody, SketchCall, score};

/// What calls of a login are called.
const LOGINS: [&str; 5] = ["login", "signin", "sign-in", "session", "auth"];

/// What fields are called that have somebody's own in them.
const PASSWORDS: [&str; 4] = ["password", "passwd", "pass", "pwd"];
const MAILS: [&str; 4] = ["email", "mail", "username", "login"];
const SECRETS: [&str; 6] = ["token", "csrf", "secret", "session", "auth", "nonce"];

/// The shortest value that is looked for in the answers before: shorter ones stand there by chance.
const VALUE_MIN: usize = 6;

/// Header fields that are more than a browser's own.
const HEADERS: [&str; 4] = ["authorization", "idempotency-key", "x-csrf-token", "x-requested-with"];

/// Why a recording makes no map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HarError {
    /// It is none.
    #[error("it has no `log.entries`, and is no HAR recording")]
    NoEntries,
    /// The shop is not in it, as in that of a browser's extension.
    #[error("none of its {entries} requests went to `{host}`{}", others(.hosts))]
    OtherHosts {
        /// How many requests there are.
        entries: usize,
        /// The shop.
        host: String,
        /// Where they went.
        hosts: Vec<String>,
    },
    /// Nothing in it changes anything.
    #[error("none of its requests to `{0}` changes anything: record a whole purchase")]
    NothingSells(String),
}

fn others(hosts: &[String]) -> String {
    if hosts.is_empty() { String::new() } else { format!(", but to `{}`", hosts.join("`, `")) }
}

/// One request with its answer.
struct Entry<'a> {
    method: &'a str,
    url: Url,
    request: &'a Value,
    status: u16,
    text: &'a str,
}

/// A map for the shop at `shop`, as `recording` was made there.
///
/// # Errors
/// No purchase is in it.
pub(super) fn sketch(recording: &Value, shop: &Url) -> Result<Sketch, HarError> {
    let entries =
        recording.pointer("/log/entries").and_then(Value::as_array).ok_or(HarError::NoEntries)?;
    let all: Vec<Entry<'_>> = entries.iter().filter_map(entry).collect();
    let is_shop = |url: &Url| url.host() == shop.host();
    let host = shop.host_str().unwrap_or("").to_owned();
    let of_shop: Vec<&Entry<'_>> =
        all.iter().filter(|entry| is_shop(&entry.url) && !is_decoration(&entry.url)).collect();
    if of_shop.is_empty() {
        let mut hosts: Vec<String> = all
            .iter()
            .map(|entry| format!("{}://{}", entry.url.scheme(), entry.url.host_str().unwrap_or("")))
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts.truncate(5);
        return Err(HarError::OtherHosts { entries: entries.len(), host, hosts });
    }
    let mut drawing = Drawing { sketch: Sketch::default(), answers: Vec::new(), names: Vec::new() };
    let changes = |entry: &Entry<'_>| matches!(entry.method, "POST" | "PUT" | "PATCH" | "DELETE");
    let last =
        of_shop.iter().rposition(|entry| changes(entry) && score(entry.url.path(), &LOGINS) == 0);
    let last = last.ok_or(HarError::NothingSells(host))?;
    for (place, entry) in of_shop.iter().enumerate().take(last + 1) {
        if changes(entry) {
            drawing.draw(entry, place == last);
        }
        drawing.answers.push(Given { entry, drawn: changes(entry).then(|| drawing.drawn()) });
    }
    let skipped = all.len() - of_shop.len();
    drawing.sketch.notes = vec![
        format!(
            "Drawn from a recording: {} {} sells.",
            of_shop[last].method,
            of_shop[last].url.path()
        ),
        format!("{skipped} requests to others, and for pictures and scripts, were left out."),
        "What has a question mark is a guess: rehearse it with `loadgen try URL --map FILE`."
            .to_owned(),
    ];
    drawing.sketch.sold = vec![of_shop[last].status];
    if matches!(of_shop[last].status, 301..=303) {
        // Followed by the one that runs the map, unless it is named.
        drawing.sketch.sold = vec![200];
    }
    Ok(drawing.sketch)
}

fn entry(entry: &Value) -> Option<Entry<'_>> {
    let request = entry.get("request")?;
    Some(Entry {
        method: request["method"].as_str()?,
        url: request["url"].as_str()?.parse().ok()?,
        request,
        status: entry["response"]["status"].as_u64().and_then(|status| status.try_into().ok())?,
        text: entry["response"]["content"]["text"].as_str().unwrap_or(""),
    })
}

/// Whether something is part of how a page looks.
fn is_decoration(url: &Url) -> bool {
    const ENDS: [&str; 11] =
        ["css", "js", "png", "jpg", "jpeg", "gif", "svg", "ico", "woff", "woff2", "map"];
    let is_page = matches!(url.scheme(), "http" | "https");
    !is_page || url.path().rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
}

/// An answer that later calls may have a value from.
struct Given<'a> {
    entry: &'a Entry<'a>,
    /// Which call of the map it answers, where it is one.
    drawn: Option<(bool, usize)>,
}

struct Drawing<'a> {
    sketch: Sketch,
    answers: Vec<Given<'a>>,
    /// What values are called that have been found.
    names: Vec<(String, String)>,
}

impl<'a> Drawing<'a> {
    /// Adds a call; the last one sells.
    fn draw(&mut self, entry: &'a Entry<'a>, sells: bool) {
        let is_login = score(entry.url.path(), &LOGINS) > 0;
        let mut call = SketchCall { method: entry.method.to_owned(), ..SketchCall::default() };
        let segments = entry.url.path().split('/').map(|segment| match segment.len() {
            0 => String::new(),
            _ => self.known(segment, "id", &mut call).unwrap_or_else(|| segment.to_owned()),
        });
        call.path = segments.collect::<Vec<_>>().join("/");
        if let Some(query) = entry.url.query() {
            call.path = format!("{}?{query}", call.path);
        }
        for field in entry.request["headers"].as_array().into_iter().flatten() {
            let (name, value) =
                (field["name"].as_str().unwrap_or(""), field["value"].as_str().unwrap_or(""));
            if HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                let value = self.header(name, value, &mut call);
                call.headers.extend(value.map(|value| (name.to_owned(), value)));
            }
        }
        call.body = self.body(entry, &mut call);
        match (sells, is_login) {
            (true, _) => self.sketch.buy = call,
            (false, true) => self.sketch.before.push(call),
            (false, false) => self.sketch.steps.push(call),
        }
    }

    /// Where the last call that was drawn stands: whether ahead of all purchases, and its place there.
    fn drawn(&self) -> (bool, usize) {
        match self.sketch.steps.len() {
            0 => (true, self.sketch.before.len().saturating_sub(1)),
            steps => (false, steps - 1),
        }
    }

    fn header(&mut self, name: &str, value: &str, call: &mut SketchCall) -> Option<String> {
        if name.eq_ignore_ascii_case("idempotency-key") {
            return Some("${key}".to_owned());
        }
        if let Some((scheme, token)) = value.split_once(' ') {
            let token =
                self.known(token, "token", call).unwrap_or_else(|| "${env:SHOP_TOKEN}".to_owned());
            return Some(format!("{scheme} {token}"));
        }
        let known = self.known(value, "token", call);
        if known.is_none() && score(name, &SECRETS) > 0 {
            call.doubts.push(format!("the header field `{name}` had a value that no answer gave"));
            return None;
        }
        Some(known.unwrap_or_else(|| value.to_owned()))
    }

    fn body(&mut self, entry: &'a Entry<'a>, call: &mut SketchCall) -> SketchBody {
        let data = &entry.request["postData"];
        let kind = data["mimeType"].as_str().unwrap_or("");
        let text = data["text"].as_str().unwrap_or("");
        if kind.contains("json") {
            let Ok(mut value) = serde_json::from_str(text) else {
                return SketchBody::Plain(text.to_owned());
            };
            self.replace(&mut value, "", call);
            return SketchBody::Json(value);
        }
        if kind.contains("form-urlencoded") {
            let params = data["params"].as_array().filter(|params| !params.is_empty());
            let pairs: Vec<(String, String)> = match params {
                Some(params) => {
                    let part = |param: &Value, name: &str| {
                        let text = param[name].as_str().unwrap_or("").replace('+', " ");
                        let pair = format!("v={}", text.replace(' ', "+"));
                        url::form_urlencoded::parse(pair.as_bytes())
                            .next()
                            .map_or(text.clone(), |(_, value)| value.into_owned())
                    };
                    params.iter().map(|param| (part(param, "name"), part(param, "value"))).collect()
                }
                None => url::form_urlencoded::parse(text.as_bytes()).into_owned().collect(),
            };
            let pairs = pairs.into_iter().filter_map(|(name, value)| {
                let value = self.field(&name, &value, call)?;
                Some((name, value))
            });
            return SketchBody::Form(pairs.collect());
        }
        if text.is_empty() { SketchBody::None } else { SketchBody::Plain(text.to_owned()) }
    }

    fn replace(&mut self, value: &mut Value, name: &str, call: &mut SketchCall) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.replace(member, name, call);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.replace(item, name, call);
                }
            }
            Value::String(text) => {
                *value = self.field(name, text, call).unwrap_or_default().into();
            }
            _ => {}
        }
    }

    /// What stands for the value of a field; `None` for a secret that nothing stands for.
    fn field(&mut self, name: &str, value: &str, call: &mut SketchCall) -> Option<String> {
        if score(name, &PASSWORDS) > 0 {
            self.sketch.has_buyers = true;
            return Some("${password}".to_owned());
        }
        if score(name, &MAILS) > 0 || value.contains('@') && !value.contains(' ') {
            self.sketch.has_buyers = true;
            return Some("${email}".to_owned());
        }
        if let Some(known) = self.known(value, name, call) {
            return Some(known);
        }
        if score(name, &SECRETS) > 0 && value.len() >= VALUE_MIN {
            call.doubts
                .push(format!("the field `{name}` had a value that no answer gave: left out"));
            return None;
        }
        Some(value.to_owned())
    }

    /// The name of a value that an answer gave, which is taken from there from now on.
    fn known(&mut self, value: &str, wish: &str, call: &mut SketchCall) -> Option<String> {
        if let Some((_, name)) = self.names.iter().find(|(known, _)| known == value) {
            return Some(format!("${{{name}}}"));
        }
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        if value.len() < if is_number { 1 } else { VALUE_MIN } {
            return None;
        }
        // Of numbers only what is called an id is no accident.
        let found = self.answers.iter().rev().find_map(|given| {
            let place = place_of(given.entry.text, value, is_number)?;
            Some((given.drawn, place, given.entry.url.path().to_owned()))
        });
        let (drawn, place, path) = found?;
        let name = self.name(wish);
        match drawn {
            Some((is_before, at)) => {
                let calls =
                    if is_before { &mut self.sketch.before } else { &mut self.sketch.steps };
                calls.get_mut(at)?.take.push((name.clone(), place));
                self.names.push((value.to_owned(), name.clone()));
            }
            // A page that was only looked at: the form's own, or one more step.
            None if path == call.path || call.path.is_empty() => {
                call.take.push((name.clone(), place));
            }
            None => {
                self.sketch.steps.push(SketchCall {
                    method: "GET".to_owned(),
                    path,
                    take: vec![(name.clone(), place)],
                    ..SketchCall::default()
                });
                self.names.push((value.to_owned(), name.clone()));
            }
        }
        Some(format!("${{{name}}}"))
    }

    /// A name like `wish` that no other value has.
    fn name(&self, wish: &str) -> String {
        let plain: String =
            wish.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let plain = plain.trim_matches('_').to_ascii_lowercase();
        let plain = if plain.is_empty() { "value".to_owned() } else { plain };
        let is_taken = |name: &String| {
            let of_calls = self.sketch.before.iter().chain(&self.sketch.steps);
            ["key", "client", "number"].contains(&name.as_str())
                || of_calls.flat_map(|call| &call.take).any(|(taken, _)| taken == name)
        };
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        std::iter::once(plain.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(plain)
    }
}

/// Where `value` stands in an answer: in JSON, or in a hidden field of a page.
fn place_of(text: &str, value: &str, is_number: bool) -> Option<String> {
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        return pointer_to(&json, value, is_number, String::new());
    }
    if is_number {
        return None;
    }
    let escaped = value.replace('&', "&amp;").replace('"', "&quot;");
    let at = text
        .find(&format!("value=\"{escaped}\""))
        .or_else(|| text.find(&format!("value=\"{value}\"")))?;
    let tag = &text[text[..at].rfind('<')?..at];
    let (_, name) = tag.split_once("name=")?;
    let name = name.trim_start_matches(['"', '\'']).split(['"', '\'', ' ']).next()?;
    let is_plain =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    is_plain.then(|| format!("regex:name=[\"']?{name}[\"']?[^>]*value=\"([^\"]+)\""))
}

fn pointer_to(json: &Value, value: &str, is_number: bool, at: String) -> Option<String> {
    match json {
        Value::String(text) => (text == value).then_some(at),
        Value::Number(number) => {
            let name = at.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
            (is_number && name.ends_with("id") && number.to_string() == value).then_some(at)
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(place, item)| pointer_to(item, value, is_number, format!("{at}/{place}"))),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            pointer_to(member, value, is_number, format!("{at}/{name}"))
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(method: &str, url: &str, sent: &Value, status: u16, text: &str) -> Value {
        json!({
            "request": {"method": method, "url": url, "headers": sent["headers"], "postData": sent["postData"]},
            "response": {"status": status, "content": {"text": text}},
        })
    }

    fn form(text: &str) -> Value {
        json!({"postData": {"mimeType": "application/x-www-form-urlencoded", "text": text}})
    }

    fn drawn(entries: &[Value]) -> Result<Sketch, HarError> {
        let recording = json!({"log": {"entries": entries}});
        sketch(&recording, &"http://shop.test:8080".parse().unwrap())
    }

    #[test]
    fn values_that_an_answer_gave_are_taken_from_there_and_secrets_left_out() {
        let bought = json!({
            "headers": [{"name": "Authorization", "value": "Bearer eyJ0b2tlbiI6MX0"}, {"name": "Accept", "value": "*/*"}],
            "postData": {"mimeType": "application/json", "text": "{\"cart\": 17, \"csrf\": \"never-seen\"}"},
        });
        let page = "<input type=hidden name=\"csrf\" value=\"a1b2c3d4\">";
        let text = drawn(&[
            entry("GET", "chrome-extension://abc/x.js", &json!({}), 200, ""),
            entry("GET", "http://shop.test:8080/login", &json!({}), 200, page),
            entry("GET", "http://shop.test:8080/app.js", &json!({}), 200, ""),
            entry(
                "POST",
                "http://shop.test:8080/login",
                &form("mail=me%40x.test&password=hunter2&csrf=a1b2c3d4"),
                200,
                "{\"token\": \"eyJ0b2tlbiI6MX0\"}",
            ),
            entry("POST", "http://ads.test/track", &json!({}), 200, ""),
            entry("POST", "http://shop.test:8080/carts", &json!({}), 201, "{\"id\": 17}"),
            entry("POST", "http://shop.test:8080/carts/17/checkout", &bought, 201, ""),
        ])
        .unwrap()
        .toml();
        for part in [
            "buyers = \"buyers.csv\"",
            "[[before]]\npath = \"/login\"",
            "\"password\" = \"${password}\"",
            "\"csrf\" = \"${csrf}\"",
            "take = { \"csrf\" = \"regex:name=",
            "[[buy.step]]\nmethod = \"POST\"\npath = \"/carts\"",
            "path = \"/carts/${id}/checkout\"",
            "Bearer ${token}",
            "`csrf` had a value that no answer gave",
        ] {
            assert!(text.contains(part), "no {part}: {text}");
        }
        for secret in ["hunter2", "me@x", "never-seen", "eyJ0", "a1b2c3d4", "ads.test"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }

    #[test]
    fn recording_without_a_purchase_says_what_is_in_it() {
        let of_extension =
            [entry("GET", "chrome-extension://abcdef/popup.html", &json!({}), 200, "")];
        let error = drawn(&of_extension).unwrap_err().to_string();
        assert!(
            error.contains("`shop.test`") && error.contains("chrome-extension://abcdef"),
            "{error}"
        );
        let looked = [entry("GET", "http://shop.test:8080/", &json!({}), 200, "")];
        assert_eq!(drawn(&looked).unwrap_err(), HarError::NothingSells("shop.test".to_owned()));
        let none = sketch(&json!({"log": 1}), &"http://x".parse().unwrap());
        assert_eq!(none.unwrap_err(), HarError::NoEntries);
    }
}
