//! What one call of a map sends.

use std::collections::BTreeMap;

use serde_json::{Map as Object, Value};

use super::{
    members::CallMembers,
    text::{Escape, Meaning, Meanings, Nameless, Text, plain},
};
use crate::shop::wire::check_field;

/// What a call sends, with names for what is known only then.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Request {
    method: String,
    path: Text,
    fields: Vec<(String, Text)>,
    body: Body,
    /// As the map has it, for people.
    shown: String,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Plain(Text),
    Form(Vec<(Text, Text)>),
    Json(Json),
}

/// JSON with names in its texts; what has none is written once for all.
#[derive(Clone, Debug)]
enum Json {
    Written(String),
    Text(Text),
    List(Vec<Json>),
    /// Each name as it is written.
    Object(Vec<(String, Json)>),
}

/// The same with what its names stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shop) struct Filled {
    /// The method.
    pub(in crate::shop) method: String,
    /// The path, or where one name was all of it a URL.
    pub(in crate::shop) path: String,
    /// The header fields.
    pub(in crate::shop) fields: Vec<(String, String)>,
    /// The body.
    pub(in crate::shop) body: Option<String>,
}

/// What is wrong with a call: which of its members, and why.
type Fault = (&'static str, String);

impl Request {
    /// What `call` sends.
    ///
    /// # Errors
    /// Names the member that makes no sense, and why.
    pub(super) fn new(call: &CallMembers<'_>) -> Result<Self, Fault> {
        let CallMembers { method, path, headers, body, form, json, graphql } = *call;
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(("method", format!("the method `{method}` is none, as in `POST`")));
        }
        if ["HEAD", "CONNECT"].contains(&method) {
            let reason = format!("the method `{method}` has no answer with a body, as `GET` has");
            return Err(("method", reason));
        }
        let shown = format!("{method} {path}");
        let path_text = Text::parse(path).map_err(|reason| ("path", reason))?;
        let is_path = path.starts_with('/') || path_text.only_name().is_some();
        if !is_path || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(("path", format!("the path `{path}` is none, as in `/api/orders`")));
        }
        let mut fields = Vec::new();
        for (name, value) in headers {
            check_field(name, value).map_err(|reason| ("headers", reason))?;
            fields.push((name.clone(), Text::parse(value).map_err(|reason| ("headers", reason))?));
        }
        let bodies = [body.is_some(), form.is_some(), json.is_some(), graphql.is_some()];
        if bodies.iter().filter(|is_there| **is_there).count() > 1 {
            let reason = "only one of `body`, `form`, `json` and `graphql`".to_owned();
            return Err(("body", reason));
        }
        let (body, kind) = if let Some(text) = body {
            (Body::Plain(Text::parse(text).map_err(|reason| ("body", reason))?), None)
        } else if let Some(form) = form {
            let form = form_fields(form).map_err(|reason| ("form", reason))?;
            (Body::Form(form), Some("application/x-www-form-urlencoded"))
        } else if let Some(json) = json {
            let json = Json::new(json).map_err(|reason| ("json", reason))?;
            (Body::Json(json), Some("application/json"))
        } else if let Some(graphql) = graphql {
            let request = graphql_request(graphql).map_err(|reason| ("graphql", reason))?;
            let json = Json::new(&request).map_err(|reason| ("graphql", reason))?;
            (Body::Json(json), Some("application/json"))
        } else {
            (Body::None, None)
        };
        let says_kind = |(name, _): &(String, Text)| name.eq_ignore_ascii_case("content-type");
        if let Some(kind) = kind
            && !fields.iter().any(says_kind)
        {
            let kind = Text::parse(kind).map_err(|reason| ("headers", reason))?;
            fields.push(("Content-Type".to_owned(), kind));
        }
        Ok(Self { method: method.to_owned(), path: path_text, fields, body, shown })
    }

    /// A look at the page that this one is sent to.
    pub(in crate::shop) fn page(&self) -> Self {
        let is_of_body = |name: &str| name.eq_ignore_ascii_case("content-type");
        let fields = self.fields.iter().filter(|(name, _)| !is_of_body(name)).cloned().collect();
        let shown = self.shown.split_once(' ').map_or("", |(_, path)| path);
        Self {
            method: "GET".to_owned(),
            path: self.path.clone(),
            fields,
            body: Body::None,
            shown: format!("GET {shown}"),
        }
    }

    /// Method and path as the map has them.
    pub(in crate::shop) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether it can be sent again without doing anything twice.
    pub(in crate::shop) fn is_safe(&self) -> bool {
        self.method == "GET"
    }

    /// The names in it.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.path.names().collect();
        names.extend(self.fields.iter().flat_map(|(_, text)| text.names()));
        match &self.body {
            Body::None => {}
            Body::Plain(text) => names.extend(text.names()),
            Body::Form(fields) => {
                names.extend(
                    fields.iter().flat_map(|(name, text)| name.names().chain(text.names())),
                );
            }
            Body::Json(json) => json.names(&mut names),
        }
        names
    }

    /// The request with what its names stand for.
    ///
    /// # Errors
    /// One of them stands for nothing.
    pub(in crate::shop) fn fill(&self, meanings: &Meanings<'_>) -> Result<Filled, Nameless> {
        let is_whole = self.path.only_name().is_some();
        let path = self.path.fill(meanings, if is_whole { Escape::No } else { Escape::Path })?;
        let fields = self.fields.iter();
        let fields =
            fields.map(|(name, text)| Ok((name.clone(), text.fill(meanings, Escape::No)?)));
        let body = match &self.body {
            Body::None => None,
            Body::Plain(text) => Some(text.fill(meanings, Escape::No)?),
            Body::Form(fields) => {
                let pairs = fields.iter().map(|(name, value)| {
                    let name = name.fill(meanings, Escape::Form)?;
                    Ok(format!("{name}={}", value.fill(meanings, Escape::Form)?))
                });
                Some(pairs.collect::<Result<Vec<_>, Nameless>>()?.join("&"))
            }
            Body::Json(json) => {
                let mut body = String::new();
                json.write(meanings, &mut body)?;
                Some(body)
            }
        };
        Ok(Filled {
            method: self.method.clone(),
            path,
            fields: fields.collect::<Result<_, Nameless>>()?,
            body,
        })
    }
}

/// The fields of a form; one with a list is there once for each of its values.
fn form_fields(form: &BTreeMap<String, Value>) -> Result<Vec<(Text, Text)>, String> {
    let mut fields = Vec::new();
    for (name, value) in form {
        let values = match value {
            Value::Array(values) => &values[..],
            value => std::slice::from_ref(value),
        };
        for value in values {
            if value.is_object() || value.is_array() {
                return Err(format!("`{name}`: a field of a form is a text or a list of texts"));
            }
            fields.push((Text::parse(name)?, Text::parse(&plain(value))?));
        }
    }
    Ok(fields)
}

/// A request of GraphQL over HTTP: the query alone, or the query with its variables.
fn graphql_request(graphql: &Value) -> Result<Value, String> {
    const EXPECTED: &str =
        "expected a query, or `{ query = \"…\", variables = { … } }` with `operationName`";
    match graphql {
        Value::String(query) => {
            Ok(Value::Object(Object::from_iter([("query".to_owned(), query.clone().into())])))
        }
        Value::Object(members) => {
            let is_known =
                |name: &String| ["query", "variables", "operationName"].contains(&name.as_str());
            let has_query = members.get("query").is_some_and(Value::is_string);
            if !has_query || !members.keys().all(is_known) {
                return Err(EXPECTED.to_owned());
            }
            Ok(graphql.clone())
        }
        _ => Err(EXPECTED.to_owned()),
    }
}

impl Json {
    fn new(value: &Value) -> Result<Self, String> {
        let json = match value {
            Value::String(text) => Self::Text(Text::parse(text)?),
            Value::Array(list) => Self::List(list.iter().map(Self::new).collect::<Result<_, _>>()?),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    Ok((Value::from(name.as_str()).to_string(), Self::new(value)?))
                });
                Self::Object(members.collect::<Result<_, String>>()?)
            }
            other => Self::Written(other.to_string()),
        };
        let mut names = Vec::new();
        json.names(&mut names);
        Ok(if names.is_empty() { Self::Written(value.to_string()) } else { json })
    }

    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Written(_) => {}
            Self::Text(text) => names.extend(text.names()),
            Self::List(list) => list.iter().for_each(|item| item.names(names)),
            Self::Object(members) => members.iter().for_each(|(_, item)| item.names(names)),
        }
    }

    /// Writes it behind `json`. A text that is nothing but a name is what that stands for, a number as a number.
    fn write(&self, meanings: &Meanings<'_>, json: &mut String) -> Result<(), Nameless> {
        match self {
            Self::Written(text) => json.push_str(text),
            Self::Text(text) => {
                if let Some(Meaning::Value(value)) = text.only_name().and_then(meanings) {
                    json.push_str(&value.to_string());
                } else {
                    let text = text.fill(meanings, Escape::No)?;
                    json.push_str(&Value::String(text).to_string());
                }
            }
            Self::List(list) => {
                for (place, item) in list.iter().enumerate() {
                    json.push(if place == 0 { '[' } else { ',' });
                    item.write(meanings, json)?;
                }
                json.push(']');
            }
            Self::Object(members) => {
                for (place, (name, item)) in members.iter().enumerate() {
                    json.push(if place == 0 { '{' } else { ',' });
                    json.push_str(name);
                    json.push(':');
                    item.write(meanings, json)?;
                }
                json.push('}');
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;

    use super::*;

    fn filled(members: &str) -> Filled {
        let step: super::super::members::Step = toml::from_str(members).unwrap();
        let meanings = |name: &str| {
            let value = match name {
                "who" => json!("\"a\" & b"),
                "seat" => json!(7),
                _ => return None,
            };
            Some(Meaning::Value(Cow::Owned(value)))
        };
        Request::new(&step.call()).unwrap().fill(&meanings).unwrap()
    }

    #[test]
    fn bodies_are_escaped_as_they_must_be() {
        let sent =
            filled("path = '/a/${who}'\njson = { name = 'x ${who}', seat = '${seat}', n = [1] }");
        assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/a/%22a%22%20%26%20b"));
        let body: Value = serde_json::from_str(sent.body.as_deref().unwrap()).unwrap();
        assert_eq!(body, json!({"name": "x \"a\" & b", "seat": 7, "n": [1]}));
        assert_eq!(sent.fields, [("Content-Type".to_owned(), "application/json".to_owned())]);

        let sent = filled("path = '/'\nform = { name = '${who}', 'a[]' = ['1', 2] }");
        assert_eq!(sent.body.as_deref(), Some("a%5B%5D=1&a%5B%5D=2&name=%22a%22+%26+b"));

        let query = "mutation($n: String!) { buy(name: $n) { id } }";
        let sent = filled(&format!(
            "path = '/graphql'\ngraphql = {{ query = '{query}', variables = {{ n = '${{who}}' }} }}"
        ));
        let body: Value = serde_json::from_str(sent.body.as_deref().unwrap()).unwrap();
        assert_eq!(body, json!({"query": query, "variables": {"n": "\"a\" & b"}}));
        assert_eq!(filled("path = '/'").method, "GET");
        assert_eq!(filled("path = '${who}'").path, "\"a\" & b");
    }

    #[test]
    fn what_is_no_body_is_refused() {
        for (members, named) in [
            ("body = 'x'\nform = { a = 'b' }", "only one"),
            ("form = { a = { b = 1 } }", "a field of a form"),
            ("graphql = { variables = { a = 1 } }", "expected a query"),
            ("graphql = { query = 'q', id = 1 }", "expected a query"),
            ("json = { a = '${' }", "without"),
        ] {
            let text = format!("path = '/'\n{members}");
            let step: super::super::members::Step = toml::from_str(&text).unwrap();
            let (_, reason) = Request::new(&step.call()).unwrap_err();
            assert!(reason.contains(named), "{members}: {reason}");
        }
    }
}
