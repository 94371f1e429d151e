//! A map from an OpenAPI description: which call sells and which says what is left, by their names. Pure.

use serde_json::{Map, Value, json};

use super::sketch::{Sketch, SketchBody, SketchCall, score};

/// What calls that sell, and such that say what is left, are called; the surest first.
const SELLS: [&str; 10] =
    ["buy", "purchase", "order", "checkout", "book", "reserv", "ticket", "sale", "sell", "cart"];
const SEARCHES: [&str; 8] =
    ["stock", "inventor", "availab", "remaining", "search", "event", "ticket", "seat"];

/// What members that say what is left, and such that name a ticket, are called.
const COUNTS: [&str; 9] = [
    "remaining",
    "available",
    "seats_left",
    "left",
    "stock",
    "onhand",
    "inventory",
    "quantity",
    "count",
];
const TICKETS: [&str; 8] =
    ["tickets", "ticket", "seats", "seat", "order_id", "orderid", "number", "id"];

/// What is no description of a shop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenApiError {
    /// It is none.
    #[error("it has no `paths`, and is no OpenAPI description")]
    NoPaths,
    /// Nothing in it sells.
    #[error("none of its calls looks as if it sold: none is a `POST` or a `PUT`")]
    NothingSells,
}

/// How deep schemas are followed, which may be in themselves.
const DEPTH_MAX: usize = 8;

/// One call of a description.
struct Operation<'a> {
    method: String,
    path: &'a str,
    members: &'a Map<String, Value>,
}

/// A map for the shop that `document` describes.
///
/// # Errors
/// It describes none.
pub(super) fn sketch(document: &Value) -> Result<Sketch, OpenApiError> {
    let paths = document.get("paths").and_then(Value::as_object).ok_or(OpenApiError::NoPaths)?;
    let operations: Vec<Operation<'_>> = paths
        .iter()
        .filter_map(|(path, methods)| Some((path, methods.as_object()?)))
        .flat_map(|(path, methods)| {
            let operations = methods.iter().filter_map(|(method, operation)| {
                Some((method.to_ascii_uppercase(), operation.as_object()?))
            });
            operations.map(move |(method, members)| Operation { method, path, members })
        })
        .collect();
    let named = |operation: &Operation<'_>| {
        let text =
            |member: &str| operation.members.get(member).and_then(Value::as_str).unwrap_or("");
        format!("{} {} {}", operation.path, text("operationId"), text("summary"))
    };
    // The shortest of those that are named the same: `/orders` and not `/orders/{id}/refund`.
    let best = |methods: &[&str], words: &[&str]| {
        let fits = operations.iter().filter(|one| methods.contains(&one.method.as_str()));
        fits.max_by_key(|one| (score(&named(one), words), std::cmp::Reverse(one.path.len())))
    };
    let buy = best(&["POST", "PUT"], &SELLS).ok_or(OpenApiError::NothingSells)?;
    let search = best(&["GET"], &SEARCHES).filter(|one| score(&named(one), &SEARCHES) > 0);
    let statuses = |from: u16, to: u16| -> Vec<u16> {
        let responses = buy.members.get("responses").and_then(Value::as_object);
        let keys = responses.into_iter().flat_map(Map::keys);
        keys.filter_map(|status| status.parse().ok())
            .filter(|status| (from..to).contains(status))
            .collect()
    };
    let sold = statuses(200, 300);
    let sold_out =
        statuses(400, 500).into_iter().filter(|status| [409, 410, 422].contains(status)).collect();
    let sold = if sold.is_empty() { vec![200, 201] } else { sold };
    let place = |operation: &Operation<'_>, words: &[&str]| {
        let schema = answer_schema(document, operation)?;
        let mut places = Vec::new();
        walk(document, schema, String::new(), 0, &mut places);
        let rank = |place: &String| {
            let name =
                place.rsplit('/').find(|name| *name != "*").unwrap_or("").to_ascii_lowercase();
            words.iter().position(|word| name.contains(word))
        };
        places
            .into_iter()
            .filter_map(|place| Some((rank(&place)?, place)))
            .min()
            .map(|(_, place)| place)
    };
    Ok(Sketch {
        notes: vec![
            format!("Drawn from an OpenAPI description: {} {} sells.", buy.method, buy.path),
            "What has a question mark is a guess: rehearse it with `loadgen try URL --map FILE`."
                .to_owned(),
        ],
        search: search.map(|one| (call(document, one), place(one, &COUNTS))),
        buy: call(document, buy),
        ticket: place(buy, &TICKETS),
        sold,
        sold_out,
        ..Sketch::default()
    })
}

fn call(document: &Value, operation: &Operation<'_>) -> SketchCall {
    let mut call = SketchCall {
        method: operation.method.clone(),
        path: operation.path.to_owned(),
        ..SketchCall::default()
    };
    if operation.path.contains('{') {
        call.doubts.push("the path has a parameter: put a value of the shop's there".to_owned());
        call.path = operation.path.replace(['{', '}'], "");
    }
    let is_required = |parameter: &Value| parameter["required"] == true;
    let parameters = operation.members.get("parameters").and_then(Value::as_array);
    for parameter in parameters.into_iter().flatten().map(|one| resolved(document, one)) {
        let name = parameter["name"].as_str().unwrap_or("");
        if parameter["in"] == "header" && name.eq_ignore_ascii_case("idempotency-key") {
            call.headers.push((name.to_owned(), "${key}".to_owned()));
        } else if matches!(parameter["in"].as_str(), Some("query" | "header"))
            && is_required(parameter)
        {
            call.doubts.push(format!("`{name}` must be sent too"));
        }
    }
    let is_secured = operation.members.get("security").or(document.get("security"));
    if is_secured.and_then(Value::as_array).is_some_and(|ways| !ways.is_empty()) {
        call.headers.push(("Authorization".to_owned(), "Bearer ${env:SHOP_TOKEN}".to_owned()));
        call.doubts.push("it wants to know who asks: a login may have to come before".to_owned());
    }
    let content =
        operation.members.get("requestBody").map(|body| &resolved(document, body)["content"]);
    let Some(content) = content.and_then(Value::as_object) else { return call };
    if let Some(json) = content.get("application/json") {
        let given = json.get("example").cloned();
        let value = given.unwrap_or_else(|| example(document, &json["schema"], 0));
        call.body = SketchBody::Json(value);
    } else if let Some(form) = content.get("application/x-www-form-urlencoded") {
        let fields = example(document, &form["schema"], 0);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fields = fields.as_object().into_iter().flatten();
        call.body =
            SketchBody::Form(fields.map(|(name, value)| (name.clone(), text(value))).collect());
    }
    call
}

/// The schema of an answer that went well.
fn answer_schema<'a>(document: &'a Value, operation: &Operation<'a>) -> Option<&'a Value> {
    let responses = operation.members.get("responses")?.as_object()?;
    let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
    let content = resolved(document, response).get("content")?.as_object()?;
    let (_, json) = content.iter().find(|(kind, _)| kind.contains("json"))?;
    Some(resolved(document, json.get("schema")?))
}

/// What a reference stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..DEPTH_MAX {
        let target = value.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
        match target.and_then(|target| document.pointer(target)) {
            Some(target) => value = target,
            None => break,
        }
    }
    value
}

/// The places of all plain members below `schema`.
fn walk(document: &Value, schema: &Value, at: String, depth: usize, places: &mut Vec<String>) {
    let schema = resolved(document, schema);
    if depth > DEPTH_MAX {
        return;
    }
    for part in ["allOf", "oneOf", "anyOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            walk(document, schema, at.clone(), depth + 1, places);
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            let name = name.replace('~', "~0").replace('/', "~1");
            walk(document, property, format!("{at}/{name}"), depth + 1, places);
        }
    } else if schema.get("items").is_some() {
        let items = resolved(document, &schema["items"]);
        let is_plain = items.get("properties").is_none();
        if is_plain {
            places.push(at);
        } else {
            walk(document, items, format!("{at}/*"), depth + 1, places);
        }
    } else if !at.is_empty() {
        places.push(at);
    }
}

/// A value that `schema` allows: its example where it has one.
fn example(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolved(document, schema);
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    let given = ["example", "default", "const"].into_iter().find_map(|name| schema.get(name));
    if let Some(given) = given.or(schema["examples"].get(0)).or(schema["enum"].get(0)) {
        return given.clone();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(|part| example(document, part, depth + 1));
        let members = parts.filter_map(|part| part.as_object().cloned()).flatten();
        return Value::Object(members.collect());
    }
    let kind = schema["type"].as_str().or(schema["type"][0].as_str()).unwrap_or("");
    if let Some(properties) = schema["properties"].as_object() {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let wanted = properties
            .iter()
            .filter(|(name, _)| required.is_empty() || required.contains(&name.as_str()));
        let members =
            wanted.map(|(name, property)| (name.clone(), example(document, property, depth + 1)));
        return Value::Object(members.collect());
    }
    match kind {
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => json!([example(document, &schema["items"], depth + 1)]),
        "object" => json!({}),
        _ => json!("client ${client}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Value {
        json!({
            "openapi": "3.1.0",
            "paths": {
                "/events/{id}/stock": {"get": {"operationId": "eventStock", "responses": {"200": {"content":
                    {"application/json": {"schema": {"$ref": "#/components/schemas/Stock"}}}}}}},
                "/users": {"post": {"responses": {}}},
                "/orders": {"post": {
                    "summary": "Buy tickets",
                    "security": [{"bearer": []}],
                    "parameters": [{"in": "header", "name": "Idempotency-Key"}],
                    "requestBody": {"content": {"application/json": {"schema": {
                        "type": "object",
                        "required": ["quantity", "buyer"],
                        "properties": {"quantity": {"type": "integer", "minimum": 1}, "note": {"type": "string"},
                            "buyer": {"type": "string"}},
                    }}}},
                    "responses": {"201": {"content": {"application/json": {"schema": {"properties": {
                        "created": {"type": "string"},
                        "lines": {"type": "array", "items": {"properties": {"seat": {"type": "string"}}}},
                    }}}}}, "409": {}, "404": {}},
                }},
                "/orders/{id}/refund": {"post": {"summary": "Refund an order", "responses": {}}},
            },
            "components": {"schemas": {"Stock": {"properties": {"onHand": {"type": "integer"}, "self":
                {"$ref": "#/components/schemas/Stock"}}}}},
        })
    }

    #[test]
    fn calls_are_found_by_their_names_and_places_by_theirs() {
        let text = sketch(&described()).unwrap().toml();
        for part in [
            "path = \"/orders\"",
            "\"Idempotency-Key\" = \"${key}\"",
            "\"Authorization\" = \"Bearer ${env:SHOP_TOKEN}\"",
            "json = { \"quantity\" = 1, \"buyer\" = \"client ${client}\" }",
            "status = [201]",
            "ticket = \"/lines/*/seat\"",
            "status = [409]  # ?",
            "path = \"/events/id/stock\"",
            "# ? the path has a parameter",
            "remaining = \"/onHand\"",
        ] {
            assert!(text.contains(part), "no {part}: {text}");
        }
    }

    #[test]
    fn what_describes_no_shop_is_refused() {
        assert_eq!(sketch(&json!({})).unwrap_err(), OpenApiError::NoPaths);
        let reads = json!({"paths": {"/": {"get": {}}, "/x": 1}});
        assert_eq!(sketch(&reads).unwrap_err(), OpenApiError::NothingSells);
    }
}
