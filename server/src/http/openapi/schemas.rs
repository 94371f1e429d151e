//! The schemas that the document names: of types that are sent and read, and of problems.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::http::message::{buyer_rule::BuyerRule, problem::Code, wire::SectionAnswer};

/// The schemas that were named so far, by their names.
#[derive(Default)]
pub struct Schemas(Map<String, Value>);

/// What a value may be: names what it needs among the schemas, and gives its own.
pub type Shape = fn(&mut Schemas) -> Value;

/// The schema of the type `T`, by its name.
pub fn of<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut needed = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut needed);
    for (name, schema) in needed {
        schemas.0.insert(name, json!(schema));
    }
    reference(&T::name())
}

impl Schemas {
    /// The schema of the problem with this `code`, by its name.
    pub fn problem(&mut self, code: Code) -> Value {
        self.0.entry("Problem").or_insert_with(problem);
        let mut required = vec!["type", "status"];
        let mut properties = Map::new();
        properties
            .insert("type".to_owned(), json!({"const": format!("/problems/{}", code.name())}));
        properties.insert("status".to_owned(), json!({"const": code.status().as_u16()}));
        for (name, is_required, shape) in own_members(code) {
            if *is_required {
                required.push(name);
            }
            properties.insert((*name).to_owned(), shape(self));
        }
        let schema = json!({
            "title": code.title(),
            "description": code.explanation(),
            "allOf": [reference("Problem")],
            "properties": properties,
            "required": required,
        });
        let name = name_of(code);
        self.0.insert(name.clone(), schema);
        reference(&name)
    }

    /// All of them, in the order of their names.
    pub fn into_value(mut self) -> Value {
        self.0.sort_keys();
        Value::Object(self.0)
    }

    /// Whether the schema that `named` refers to has the member `member`.
    pub fn has_member(&self, named: &Value, member: &str) -> bool {
        let name = named["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        let schema = name.and_then(|name| self.0.get(name));
        schema.is_some_and(|schema| schema["properties"][member].is_object())
    }

    /// Says whether a `buyer` is taken and missed, in the schema `name`.
    pub fn name_buyer(&mut self, name: &str, rule: BuyerRule) {
        let Some(schema) = self.0.get_mut(name) else { return };
        let buyer = &mut schema["properties"]["buyer"];
        match rule {
            BuyerRule::Optional => {}
            BuyerRule::None => *buyer = json!({"type": "null"}),
            BuyerRule::Required => {
                buyer["type"] = json!("string");
                schema["required"] = json!(["buyer"]);
            }
        }
    }

    /// Says that the member `member` of the schema `name` is at most `max`, where it is named.
    pub fn limit(&mut self, name: &str, member: &str, max: u64) {
        let properties = self.0.get_mut(name).and_then(|schema| schema.get_mut("properties"));
        if let Some(Value::Object(number)) = properties.and_then(|all| all.get_mut(member)) {
            number.insert("maximum".to_owned(), json!(max));
        }
    }
}

/// What every problem says (RFC 9457).
fn problem() -> Value {
    let member = |words: &str| json!({"type": "string", "description": words});
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "properties": {
            "type": member("Which problem it is, and where it is explained."),
            "title": member("The problem in a few words, always the same."),
            "status": {"type": "integer", "description": "The status of the answer."},
            "detail": member("What happened this time."),
        },
        "required": ["type", "title", "status", "detail"],
    })
}

/// A member of a problem's own: its name, whether it is always there, and what it may be.
type Member = (&'static str, bool, Shape);

fn own_members(code: Code) -> &'static [Member] {
    const NUMBER: Shape = |_| json!({"type": "integer", "minimum": 0});
    const SOLD: Member = ("sold", true, |_| json!({"type": "string", "enum": ["no", "unknown"]}));
    match code {
        Code::SoldOut => &[
            ("requested", true, NUMBER),
            ("remaining", true, NUMBER),
            ("revision", true, |_| json!({"type": ["integer", "null"], "minimum": 0})),
            // In the lesson's modes only.
            ("section", false, of::<SectionAnswer>),
        ],
        Code::Admitted => {
            &[("admitted_at", true, |_| json!({"type": "string", "format": "date-time"}))]
        }
        Code::NotFound => &[(
            "calls",
            // Where there is no such path.
            false,
            |_| json!({"type": "array", "items": {"type": "string"}}),
        )],
        Code::LockTimeout
        | Code::NotSold
        | Code::OutcomeUnknown
        | Code::Overloaded
        | Code::ShuttingDown => &[SOLD],
        Code::InvalidRequest
        | Code::Unauthorized
        | Code::ForeignOrigin
        | Code::MethodNotAllowed
        | Code::RequestTimeout
        | Code::Refunded
        | Code::Confirmed
        | Code::HoldExpired
        | Code::SaleClosed
        | Code::TooLarge
        | Code::UnsupportedMediaType
        | Code::WrongHost
        | Code::KeyReused
        | Code::TooManyRequests => &[],
    }
}

/// `sold-out` as `SoldOutProblem`.
fn name_of(code: Code) -> String {
    let words = code.name().split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "Problem"
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[cfg(test)]
mod tests {
    use crate::{
        domain::KEY_CHARS_MAX,
        http::message::{
            form::FormMembers,
            wire::{BUYER_CHARS_MAX, BuyMembers, HoldMembers},
        },
    };

    use super::*;

    /// A derived schema takes no constant.
    #[test]
    fn lengths_are_those_that_are_checked() {
        let mut schemas = Schemas::default();
        of::<BuyMembers<'_>>(&mut schemas);
        of::<HoldMembers<'_>>(&mut schemas);
        of::<FormMembers>(&mut schemas);
        for (name, member, max) in [
            ("BuyMembers", "buyer", BUYER_CHARS_MAX),
            ("HoldMembers", "buyer", BUYER_CHARS_MAX),
            ("FormMembers", "buyer", BUYER_CHARS_MAX),
            ("FormMembers", "key", KEY_CHARS_MAX),
        ] {
            assert_eq!(schemas.0[name]["properties"][member]["maxLength"], max, "{name} {member}");
        }
    }

    #[test]
    fn each_problem_is_named_for_its_code() {
        let mut schemas = Schemas::default();
        let named = schemas.problem(Code::SoldOut);
        assert_eq!(named, reference("SoldOutProblem"));
        assert!(schemas.has_member(&named, "requested"));
        assert_eq!(schemas.0["SoldOutProblem"]["properties"]["status"]["const"], 409);
    }
}
