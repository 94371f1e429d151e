//! The document: every call with its terms, and what access, path and body imply.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::{
    message::{buyer_rule::BuyerRule, problem::Code},
    openapi::{
        calls::REPLAYED,
        schemas::{Schemas, Shape},
        terms::{Answer, Call, Header, Parameter, Terms},
    },
};

/// The name of the scheme by which the operator is known.
const SCHEME: &str = "operator";

/// What one server takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most tickets in one order.
    pub max_per_order: u64,
    /// For how many seconds tickets are held at most.
    pub hold_seconds_max: u64,
    /// Whether an order says who buys.
    pub buyer: BuyerRule,
    /// The most tickets that there may be.
    pub count_max: u64,
}

/// The document of a server with these `calls` and `limits`.
pub fn document(calls: &[Call<'_>], limits: Limits) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for call in calls {
        let operation = operation(call, calls, &mut schemas);
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method.as_str().to_ascii_lowercase()] = operation;
    }
    schemas.limit("BuyMembers", "quantity", limits.max_per_order);
    schemas.limit("FormMembers", "quantity", limits.max_per_order);
    schemas.limit("HoldMembers", "quantity", limits.max_per_order);
    schemas.limit("HoldMembers", "seconds", limits.hold_seconds_max);
    schemas.limit("RestockMembers", "quantity", limits.count_max);
    for name in ["BuyMembers", "HoldMembers"] {
        schemas.name_buyer(name, limits.buyer);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ticket counter",
            "description": "Sells tickets, and cannot oversell. Any call may also be answered with 405 \
                            where the path takes other methods, and every `GET` takes `HEAD`.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.into_value(),
            "securitySchemes": {
                SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "the token in the server's `--admin-token-file`",
                },
            },
        },
    })
}

fn operation(call: &Call<'_>, calls: &[Call<'_>], schemas: &mut Schemas) -> Value {
    let terms = call.terms;
    let mut operation = json!({
        "operationId": terms.name,
        "summary": call.words,
        "parameters": parameters(call, schemas),
    });
    if let Some(body) = &terms.body {
        let contents = contents(body.contents, schemas);
        operation["requestBody"] = json!({"required": body.is_required, "content": contents});
    }
    let mut responses = Map::new();
    for answer in terms.answers {
        responses.insert(answer.status.as_str().to_owned(), response(answer, calls, schemas));
    }
    for (status, response) in problems(call, schemas) {
        responses.insert(status.as_str().to_owned(), response);
    }
    responses.sort_keys();
    operation["responses"] = Value::Object(responses);
    if call.needs_token {
        operation["security"] = json!([{SCHEME: []}]);
    }
    operation
}

/// The name of the part of a path in braces.
fn part_of(path: &str) -> Option<&str> {
    path.split_once('{')?.1.split_once('}').map(|(name, _)| name)
}

fn parameters(call: &Call<'_>, schemas: &mut Schemas) -> Vec<Value> {
    let Terms { part, parameters, .. } = call.terms;
    let part = part_of(call.path).zip(*part).map(|(name, shape)| {
        json!({"name": name, "in": "path", "required": true, "schema": shape(schemas)})
    });
    let mut all: Vec<_> = part.into_iter().collect();
    for Parameter { name, place, words, shape } in *parameters {
        let schema = shape(schemas);
        all.push(json!({"name": name, "in": place, "description": words, "schema": schema}));
    }
    all
}

fn contents(contents: &[(&str, Shape)], schemas: &mut Schemas) -> Value {
    let content = |(media_type, shape): &(&str, Shape)| {
        ((*media_type).to_owned(), json!({"schema": shape(schemas)}))
    };
    Value::Object(contents.iter().map(content).collect())
}

fn response(answer: &Answer, calls: &[Call<'_>], schemas: &mut Schemas) -> Value {
    let mut response = json!({"description": answer.words});
    if !answer.headers.is_empty() {
        response["headers"] = headers(answer.headers, schemas);
    }
    if !answer.contents.is_empty() {
        response["content"] = contents(answer.contents, schemas);
        let links = links(answer, calls, schemas);
        if !links.is_empty() {
            response["links"] = Value::Object(links);
        }
    }
    response
}

/// Where a token of an answer leads: to each call with a part of that name in its path.
fn links(answer: &Answer, calls: &[Call<'_>], schemas: &mut Schemas) -> Map<String, Value> {
    let shapes: Vec<_> = answer.contents.iter().map(|(_, shape)| shape(schemas)).collect();
    let tells = |part: &&str| shapes.iter().any(|shape| schemas.has_member(shape, part));
    let link = |call: &Call<'_>| {
        let part = part_of(call.path).filter(tells)?;
        let parameters = json!({part: format!("$response.body#/{part}")});
        let name = call.terms.name;
        Some((name.to_owned(), json!({"operationId": name, "parameters": parameters})))
    };
    calls.iter().filter_map(link).collect()
}

fn headers<'a>(headers: impl IntoIterator<Item = &'a Header>, schemas: &mut Schemas) -> Value {
    let header = |header: &Header| {
        let Header { name, words, is_required, shape } = *header;
        let schema = shape(schemas);
        let header = json!({"description": words, "required": is_required, "schema": schema});
        (name.to_owned(), header)
    };
    Value::Object(headers.into_iter().map(header).collect())
}

/// The answers of `call` that are problems, by their status.
fn problems(call: &Call<'_>, schemas: &mut Schemas) -> Vec<(StatusCode, Value)> {
    let codes: Vec<_> = Code::all().filter(|code| may_answer(call, *code)).collect();
    let of_one_status = codes.chunk_by(|one, next| one.status() == next.status());
    let described = of_one_status.map(|codes| {
        let status = codes[0].status();
        let titles: Vec<_> = codes.iter().map(|code| code.title()).collect();
        let all: Vec<_> = codes.iter().map(|code| schemas.problem(*code)).collect();
        let schema = if let [one] = &all[..] { one.clone() } else { json!({"oneOf": all}) };
        let mut response = json!({
            "description": titles.join("; "),
            "content": {"application/problem+json": {"schema": schema}},
        });
        if call.terms.has_pages {
            response["content"]["text/html; charset=utf-8"] = json!({"schema": {"type": "string"}});
        }
        let headers_there = headers_of(call, status);
        if !headers_there.is_empty() {
            response["headers"] = headers(&headers_there, schemas);
        }
        (status, response)
    });
    described.collect()
}

/// Whether `call` may be answered with this problem.
fn may_answer(call: &Call<'_>, code: Code) -> bool {
    let Terms { part, body, asks_counter, problems, .. } = call.terms;
    match code {
        Code::InvalidRequest => true,
        Code::ForeignOrigin | Code::WrongHost => call.is_guarded,
        Code::TooManyRequests => !call.method.is_safe(),
        Code::Unauthorized => call.needs_token,
        Code::NotFound => part.is_some() || problems.contains(&code),
        Code::RequestTimeout | Code::TooLarge | Code::UnsupportedMediaType => body.is_some(),
        Code::LockTimeout
        | Code::NotSold
        | Code::OutcomeUnknown
        | Code::Overloaded
        | Code::ShuttingDown => *asks_counter,
        Code::MethodNotAllowed
        | Code::SoldOut
        | Code::Admitted
        | Code::Refunded
        | Code::Confirmed
        | Code::HoldExpired
        | Code::SaleClosed
        | Code::KeyReused => problems.contains(&code),
    }
}

/// The headers of the problems of `call` with this `status`.
fn headers_of(call: &Call<'_>, status: StatusCode) -> Vec<Header> {
    const RETRY_AFTER: Header = Header {
        name: "Retry-After",
        words: "in how many seconds to try again",
        is_required: true,
        shape: |_| json!({"type": "integer", "minimum": 1}),
    };
    const WWW_AUTHENTICATE: Header = Header {
        name: "WWW-Authenticate",
        words: "the scheme by which the operator is known",
        is_required: true,
        shape: |_| json!({"type": "string", "const": "Bearer"}),
    };
    let may_be_replayed = call
        .terms
        .answers
        .iter()
        .any(|answer| answer.headers.iter().any(|header| header.name == REPLAYED.name));
    match status {
        StatusCode::UNAUTHORIZED => vec![WWW_AUTHENTICATE],
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => vec![RETRY_AFTER],
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::GONE if may_be_replayed => {
            vec![REPLAYED]
        }
        _ => vec![],
    }
}
