//! What is said of each call beside what the table of routes says.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    domain::KEY_CHARS_MAX,
    http::{
        message::{
            form::FormMembers,
            problem::Code,
            token::Token,
            wire::{
                AdmissionAnswer, BuyMembers, CountAnswer, HoldAnswer, HoldMembers, NoMembers,
                OpenAnswer, OpenMembers, ReceiptAnswer, RestockMembers, SaleAnswer, StockAnswer,
            },
        },
        metrics,
        openapi::{
            schemas::{Schemas, Shape, of},
            terms::{Answer, Header, Parameter, Taken, Terms},
        },
        sales::{PAGE_SIZE, PAGE_SIZE_MAX, SalesAnswer},
    },
};

/// `POST /buy`.
pub const BUY: Terms = Terms {
    name: "buy",
    parameters: &[KEY],
    body: Some(Taken {
        is_required: false,
        contents: &[
            (JSON, of::<BuyMembers<'_>>),
            ("application/x-www-form-urlencoded", of::<FormMembers>),
        ],
    }),
    answers: &[
        Answer {
            words: "sold; in the lesson's modes the page's own form is answered so, too, with the ticket",
            contents: &[(JSON, of::<SaleAnswer>), (HTML, text)],
            ..SOLD
        },
        Answer {
            status: StatusCode::SEE_OTHER,
            words: "sold to the page's own form",
            headers: &[TICKET],
            contents: &[],
        },
    ],
    has_pages: true,
    problems: &[Code::SoldOut, Code::SaleClosed, Code::KeyReused],
    ..CHANGE
};

/// `GET /search`.
pub const SEARCH: Terms = Terms {
    name: "search",
    parameters: &[Parameter {
        name: "If-None-Match",
        place: "header",
        words: "what the client has seen: the `ETag` of an earlier answer",
        shape: text,
    }],
    answers: &[
        Answer { headers: &[ETAG], ..found("what is left", &[(JSON, of::<CountAnswer>)]) },
        Answer {
            status: StatusCode::NOT_MODIFIED,
            words: "nothing changed since",
            headers: &[ETAG],
            contents: &[],
        },
    ],
    ..READING
};

/// `GET /`.
pub const PAGE: Terms =
    Terms { name: "page", answers: &[found("the page", &[(HTML, text)]), SAME_PAGE], ..READING };

/// `GET /operator`.
pub const OPERATOR: Terms = Terms {
    name: "operatorPage",
    answers: &[found("the page", &[(HTML, text)]), SAME_PAGE],
    asks_counter: false,
    ..READING
};

/// `GET /door`.
pub const DOOR: Terms = Terms {
    name: "doorPage",
    answers: &[found("the page", &[(HTML, text)]), SAME_PAGE],
    asks_counter: false,
    ..READING
};

/// `GET /receipts/{receipt}`.
pub const RECEIPT: Terms = Terms {
    name: "receipt",
    part: Some(of::<Token>),
    answers: &[
        found(
            "the sale; to a browser the ticket, or its code alone",
            &[(JSON, of::<ReceiptAnswer>), (HTML, text), ("image/svg+xml", text)],
        ),
        SAME_PAGE,
    ],
    has_pages: true,
    ..READING
};

/// `DELETE /receipts/{receipt}`.
pub const REFUND: Terms = Terms {
    name: "refund",
    part: Some(of::<Token>),
    answers: &[changed("refunded, now or before", &[(JSON, of::<StockAnswer>)])],
    problems: &[Code::Admitted],
    ..CHANGE
};

/// `POST /receipts/{receipt}/admit`.
pub const ADMIT: Terms = Terms {
    name: "admit",
    part: Some(of::<Token>),
    answers: &[found("let in, this once", &[(JSON, of::<AdmissionAnswer>)])],
    problems: &[Code::Admitted, Code::Refunded],
    ..CHANGE
};

/// `POST /holds`.
pub const HOLD: Terms = Terms {
    name: "hold",
    parameters: &[KEY],
    body: Some(Taken { is_required: false, contents: &[(JSON, of::<HoldMembers<'_>>)] }),
    answers: &[Answer {
        status: StatusCode::CREATED,
        ..changed("held", &[(JSON, of::<HoldAnswer>)])
    }],
    problems: &[Code::SoldOut, Code::SaleClosed, Code::KeyReused],
    ..CHANGE
};

/// `POST /holds/{hold}/confirm`.
pub const CONFIRM: Terms = Terms {
    name: "confirm",
    part: Some(of::<Token>),
    answers: &[SOLD],
    problems: &[Code::HoldExpired],
    ..CHANGE
};

/// `DELETE /holds/{hold}`.
pub const RELEASE: Terms = Terms {
    name: "release",
    part: Some(of::<Token>),
    answers: &[changed("given back, now or before", &[(JSON, of::<StockAnswer>)])],
    problems: &[Code::Confirmed, Code::HoldExpired],
    ..CHANGE
};

/// `POST /restock`.
pub const RESTOCK: Terms = Terms {
    name: "restock",
    parameters: &[KEY],
    body: Some(Taken { is_required: true, contents: &[(JSON, of::<RestockMembers<'_>>)] }),
    answers: &[changed("restocked", &[(JSON, of::<StockAnswer>)])],
    problems: &[Code::KeyReused],
    ..CHANGE
};

/// `POST /sale`.
pub const SALE: Terms = Terms {
    name: "sale",
    body: Some(Taken { is_required: true, contents: &[(JSON, of::<OpenMembers<'_>>)] }),
    answers: &[found("closed or open, as asked for", &[(JSON, of::<OpenAnswer>)])],
    ..CHANGE
};

/// `GET /sales`.
pub const SALES: Terms = Terms {
    name: "sales",
    parameters: &[
        asked(
            "page_size",
            "how many sales a page has",
            |_| json!({"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE}),
        ),
        asked(
            "page_token",
            "where the page begins: `next_page_token` of the page before",
            |_| json!({"type": "string", "pattern": "^[0-9]{1,16}$"}),
        ),
        asked("buyer", "only those of this buyer", text),
        asked("search", "only those with this text in the buyer's name", text),
        asked(
            "order",
            "which come first",
            |_| json!({"type": "string", "enum": ["oldest", "newest"], "default": "oldest"}),
        ),
    ],
    answers: &[found(
        "the sales; as a table, all of them where no page is asked for",
        &[(JSON, of::<SalesAnswer>), ("text/csv; charset=utf-8; header=present", text)],
    )],
    problems: &[Code::NotFound],
    ..READING
};

/// `GET /live`.
pub const LIVE: Terms = Terms {
    name: "live",
    parameters: &[Parameter {
        name: "Last-Event-ID",
        place: "header",
        words: "accepted, and not needed: what is sent is the state, not the way to it",
        shape: text,
    }],
    answers: &[found(
        "server-sent events without an end, of which the schema is one: the count at once, and then \
         whenever it changes; `event: unreachable` while nobody knows it",
        &[("text/event-stream", event)],
    )],
    ..READING
};

/// `GET /metrics`.
pub const METRICS: Terms = Terms {
    name: "metrics",
    answers: &[found("the metrics", &[(metrics::CONTENT_TYPE, text)])],
    ..READING
};

/// `GET /livez`.
pub const LIVEZ: Terms = Terms {
    name: "livez",
    answers: &[found("it runs", &[(PLAIN, text)])],
    asks_counter: false,
    ..READING
};

/// `GET /readyz`.
pub const READYZ: Terms =
    Terms { name: "readyz", answers: &[found("it can sell", &[(PLAIN, text)])], ..READING };

/// `GET /openapi.json`.
pub const OPENAPI: Terms = Terms {
    name: "openapi",
    answers: &[found("this document", &[(JSON, |_| json!({"type": "object"}))])],
    asks_counter: false,
    ..READING
};

/// `GET /problems/{code}`.
pub const PROBLEM: Terms = Terms {
    name: "problem",
    part: Some(|_| {
        let codes: Vec<_> = Code::all().map(Code::name).collect();
        json!({"type": "string", "enum": codes})
    }),
    answers: &[found("what it means, and what to do about it", &[(PLAIN, text)])],
    asks_counter: false,
    ..READING
};

/// A call that changes nothing.
const READING: Terms = Terms {
    name: "",
    part: None,
    parameters: &[],
    body: None,
    answers: &[],
    asks_counter: true,
    has_pages: false,
    problems: &[],
};

/// A call that changes the counter, and needs no body.
const CHANGE: Terms = Terms {
    body: Some(Taken { is_required: false, contents: &[(JSON, of::<NoMembers>)] }),
    ..READING
};

const SOLD: Answer = Answer {
    status: StatusCode::CREATED,
    words: "sold",
    headers: &[LOCATION, REPLAYED],
    contents: &[(JSON, of::<SaleAnswer>)],
};

const SAME_PAGE: Answer = Answer {
    status: StatusCode::SEE_OTHER,
    words: "to a browser, where something stands behind a `?`: the page without it",
    headers: &[BESIDE],
    contents: &[],
};

const fn found(words: &'static str, contents: &'static [(&'static str, Shape)]) -> Answer {
    Answer { status: StatusCode::OK, words, headers: &[], contents }
}

const fn changed(words: &'static str, contents: &'static [(&'static str, Shape)]) -> Answer {
    Answer { headers: &[REPLAYED], ..found(words, contents) }
}

const fn asked(name: &'static str, words: &'static str, shape: Shape) -> Parameter {
    Parameter { name, place: "query", words, shape }
}

const JSON: &str = "application/json";

const HTML: &str = "text/html; charset=utf-8";

const PLAIN: &str = "text/plain; charset=utf-8";

fn text(_: &mut Schemas) -> Value {
    json!({"type": "string"})
}

/// One event of the news.
fn event(schemas: &mut Schemas) -> Value {
    let count = of::<CountAnswer>(schemas);
    json!({
        "type": "object",
        "properties": {
            "event": {"const": "count"},
            "id": {"type": "string", "pattern": "^[0-9]+$", "description": "the revision"},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": count,
            },
        },
        "required": ["event", "data"],
    })
}

/// The header that says that an answer was given before.
pub const REPLAYED: Header = Header {
    name: "Idempotent-Replayed",
    words: "there, and `true`, where this is the first answer again",
    is_required: false,
    shape: |_| json!({"type": "string", "const": "true"}),
};

const LOCATION: Header = Header {
    name: "Location",
    words: "where the sale is told again; the lesson's modes have no such place",
    is_required: false,
    shape: |_| json!({"type": "string", "pattern": "^/receipts/[A-Za-z0-9_-]{32}$"}),
};

const TICKET: Header = Header {
    name: "Location",
    words: "where the ticket is, seen from here",
    is_required: true,
    shape: |_| json!({"type": "string", "pattern": "^receipts/[A-Za-z0-9_-]{32}$"}),
};

const BESIDE: Header = Header {
    name: "Location",
    words: "the same path, seen from here",
    is_required: true,
    shape: |_| json!({"type": "string", "pattern": "^\\./[^/?#]*$"}),
};

const ETAG: Header = Header {
    name: "ETag",
    words: "the revision in quotes; the lesson's modes have none",
    is_required: false,
    shape: |_| json!({"type": "string", "pattern": "^\"[0-9]+\"$"}),
};

const KEY: Parameter = Parameter {
    name: "Idempotency-Key",
    place: "header",
    words: "makes a retry known as one: the same key with the same request gets the first answer \
            again, for 24 hours",
    // A header's value neither begins nor ends with a space (RFC 9110, section 5.5).
    shape: |_| {
        json!({
            "type": "string",
            "minLength": 1,
            "maxLength": KEY_CHARS_MAX,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        })
    },
};
