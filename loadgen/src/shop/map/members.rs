//! The members of a map: how its calls look, and where its answers say what.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use crate::{
    history::{CountTiming, Numbering},
    plan::Action,
};

/// A map as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Members {
    /// What its ticket numbers promise.
    #[serde(default = "unique")]
    pub(crate) numbering: Numbering,
    /// When the counts in its answers were read.
    #[serde(default = "late")]
    pub(crate) counts: CountTiming,
    /// The name under which the shop is asked, where that is not the URL's.
    pub(super) host: Option<String>,
    /// Whether it is spoken to in HTTP/2, and in nothing else.
    #[serde(default)]
    pub(crate) http2: bool,
    /// Where the buyers stand, a row for each client.
    pub(super) buyers: Option<String>,
    /// What it sells, where that is more than one thing.
    #[serde(default)]
    pub(super) product: Vec<Product>,
    /// What each client does once, before it buys.
    #[serde(default)]
    pub(super) before: Vec<Step>,
    /// How it sells.
    pub(crate) buy: Buy,
    /// How it says what is left.
    pub(crate) search: Option<Search>,
    /// How it puts tickets aside.
    pub(super) hold: Option<Hold>,
    /// How it sells what it has put aside.
    pub(super) confirm: Option<Confirm>,
    /// How it takes back what it has put aside.
    pub(super) release: Option<Change>,
    /// How it takes back what it has sold.
    pub(super) refund: Option<Change>,
    /// How tickets are put on sale.
    pub(super) restock: Option<Change>,
}

/// One of several things that a shop sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Product {
    pub(super) name: String,
    /// How many of the clients want it, beside those of the others.
    #[serde(default = "weight")]
    pub(super) weight: u32,
    /// How many there are at the start, where the shop need not be asked.
    pub(super) initial: Option<u64>,
    /// What names stand for in the calls for it.
    #[serde(flatten)]
    pub(super) values: BTreeMap<String, Value>,
}

fn weight() -> u32 {
    1
}

fn late() -> CountTiming {
    CountTiming::Late
}

fn unique() -> Numbering {
    Numbering::Unique
}

/// How a shop sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Buy {
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) form: Option<BTreeMap<String, Value>>,
    pub(super) json: Option<Value>,
    pub(super) graphql: Option<Value>,
    #[serde(default)]
    pub(super) take: BTreeMap<String, String>,
    /// How many tickets one purchase is of.
    #[serde(default = "one")]
    pub(crate) quantity: u64,
    /// The calls ahead of the one that sells.
    #[serde(default)]
    pub(super) step: Vec<Step>,
    pub(super) again: Option<Again>,
    pub(super) sold: Sold,
    pub(super) sold_out: OneOrMany<SoldOut>,
    #[serde(default)]
    pub(super) refused: OneOrMany<Refused>,
}

/// How a shop puts tickets aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hold {
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) form: Option<BTreeMap<String, Value>>,
    pub(super) json: Option<Value>,
    pub(super) graphql: Option<Value>,
    #[serde(default)]
    pub(super) take: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) step: Vec<Step>,
    pub(super) again: Option<Again>,
    /// For how long it does so, where that is not asked for.
    pub(super) lasts: Option<String>,
    #[serde(default)]
    pub(super) done: Done,
    pub(super) sold_out: OneOrMany<SoldOut>,
    #[serde(default)]
    pub(super) refused: OneOrMany<Refused>,
}

/// How a shop sells what it has put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) form: Option<BTreeMap<String, Value>>,
    pub(super) json: Option<Value>,
    pub(super) graphql: Option<Value>,
    #[serde(default)]
    pub(super) take: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) step: Vec<Step>,
    pub(super) again: Option<Again>,
    pub(super) sold: Sold,
    #[serde(default)]
    pub(super) refused: OneOrMany<Refused>,
}

/// How a shop changes what is left and sells nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) form: Option<BTreeMap<String, Value>>,
    pub(super) json: Option<Value>,
    pub(super) graphql: Option<Value>,
    #[serde(default)]
    pub(super) take: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) step: Vec<Step>,
    pub(super) again: Option<Again>,
    #[serde(default)]
    pub(super) done: Done,
    #[serde(default)]
    pub(super) refused: OneOrMany<Refused>,
}

/// How it is known that a change was made, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    #[serde(default = "success")]
    pub(super) status: Vec<u16>,
    #[serde(default, rename = "where")]
    pub(super) condition: BTreeMap<String, Value>,
    pub(super) remaining: Option<String>,
    pub(super) revision: Option<String>,
}

impl Default for Done {
    fn default() -> Self {
        Self { status: success(), condition: BTreeMap::new(), remaining: None, revision: None }
    }
}

/// A call ahead of the one that sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// `POST` where it has a body, else `GET`.
    pub(super) method: Option<String>,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) form: Option<BTreeMap<String, Value>>,
    pub(super) json: Option<Value>,
    pub(super) graphql: Option<Value>,
    /// What is taken from its answer, by name.
    #[serde(default)]
    pub(super) take: BTreeMap<String, String>,
    /// The statuses of an answer that lets the purchase go on.
    #[serde(default = "success")]
    pub(super) status: Vec<u16>,
    #[serde(default, rename = "where")]
    pub(super) condition: BTreeMap<String, Value>,
    pub(super) again: Option<Again>,
    #[serde(default)]
    pub(super) sold_out: OneOrMany<SoldOut>,
    #[serde(default)]
    pub(super) refused: OneOrMany<Refused>,
    /// Whether stock falls here already.
    #[serde(default)]
    pub(super) hold: bool,
}

fn success() -> Vec<u16> {
    (200..300).collect()
}

/// How an answer is known that is not the last, and how that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    pub(super) status: Vec<u16>,
    #[serde(default, rename = "where")]
    pub(super) condition: BTreeMap<String, Value>,
    /// Where the answer says whom to ask.
    pub(super) at: Option<String>,
    /// Whom to ask, where that is known.
    pub(super) path: Option<String>,
    #[serde(default = "every")]
    pub(super) every: String,
    #[serde(default = "within")]
    pub(super) within: String,
}

fn every() -> String {
    "200ms".to_owned()
}

fn within() -> String {
    "30s".to_owned()
}

/// How a shop says what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    #[serde(default = "get")]
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) form: Option<BTreeMap<String, Value>>,
    pub(super) json: Option<Value>,
    pub(super) graphql: Option<Value>,
    #[serde(default = "ok")]
    pub(super) status: Vec<u16>,
    pub(super) remaining: String,
    /// What words mean that stand where the count would: a number, or `true` for some.
    #[serde(default)]
    pub(super) words: BTreeMap<String, Value>,
    /// Whether what is below nothing is nothing.
    #[serde(default)]
    pub(super) clamped: bool,
    /// How long the count must stand still before it is believed.
    pub(super) settle: Option<String>,
    /// How many are put aside.
    pub(super) held: Option<String>,
    /// The last ticket number that was given out.
    pub(super) sold: Option<String>,
    pub(super) revision: Option<String>,
}

fn one() -> u64 {
    1
}

fn post() -> String {
    "POST".to_owned()
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> Vec<u16> {
    vec![200]
}

/// How a sale is known, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sold {
    pub(super) status: Vec<u16>,
    #[serde(default, rename = "where")]
    pub(super) condition: BTreeMap<String, Value>,
    pub(super) ticket: Option<String>,
    /// A place that gives a list of them.
    pub(super) tickets: Option<String>,
    pub(super) remaining: Option<String>,
    pub(super) revision: Option<String>,
}

/// How "sold out" is known, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SoldOut {
    pub(super) status: Vec<u16>,
    #[serde(default, rename = "where")]
    pub(super) condition: BTreeMap<String, Value>,
    pub(super) remaining: Option<String>,
    pub(super) revision: Option<String>,
}

/// How it is known that nothing happened, beside 4xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refused {
    pub(super) status: Vec<u16>,
    #[serde(default, rename = "where")]
    pub(super) condition: BTreeMap<String, Value>,
    /// Whether it is sent again where that is wanted.
    #[serde(default)]
    pub(super) again: bool,
}

/// A rule, or a list of them of which any may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RulesVisitor(PhantomData))
    }
}

/// Tells a table from a list by itself: `serde`'s own way to do so forgets what was wrong, and where.
struct RulesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for RulesVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table, or a list of tables")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(OneOrMany(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut rules = Vec::new();
        while let Some(rule) = list.next_element()? {
            rules.push(rule);
        }
        Ok(OneOrMany(rules))
    }
}

/// What a call sends, whichever table of a map it is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallMembers<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) body: Option<&'a str>,
    pub(super) form: Option<&'a BTreeMap<String, Value>>,
    pub(super) json: Option<&'a Value>,
    pub(super) graphql: Option<&'a Value>,
}

impl Step {
    /// What it sends.
    pub(super) fn call(&self) -> CallMembers<'_> {
        let Self { method, path, headers, body, form, json, graphql, .. } = self;
        let (body, form) = (body.as_deref(), form.as_ref());
        let (json, graphql) = (json.as_ref(), graphql.as_ref());
        let has_body = body.is_some() || form.is_some() || json.is_some() || graphql.is_some();
        let method = method.as_deref().unwrap_or(if has_body { "POST" } else { "GET" });
        CallMembers { method, path, headers, body, form, json, graphql }
    }
}

impl Buy {
    /// What it sends.
    pub(super) fn call(&self) -> CallMembers<'_> {
        let Self { method, path, headers, body, form, json, graphql, .. } = self;
        let (body, form) = (body.as_deref(), form.as_ref());
        let (json, graphql) = (json.as_ref(), graphql.as_ref());
        CallMembers { method, path, headers, body, form, json, graphql }
    }
}

impl Search {
    /// What it sends.
    pub(super) fn call(&self) -> CallMembers<'_> {
        let Self { method, path, headers, body, form, json, graphql, .. } = self;
        let (body, form) = (body.as_deref(), form.as_ref());
        let (json, graphql) = (json.as_ref(), graphql.as_ref());
        CallMembers { method, path, headers, body, form, json, graphql }
    }
}

impl Hold {
    /// What it sends.
    pub(super) fn call(&self) -> CallMembers<'_> {
        let Self { method, path, headers, body, form, json, graphql, .. } = self;
        let (body, form) = (body.as_deref(), form.as_ref());
        let (json, graphql) = (json.as_ref(), graphql.as_ref());
        CallMembers { method, path, headers, body, form, json, graphql }
    }
}

impl Confirm {
    /// What it sends.
    pub(super) fn call(&self) -> CallMembers<'_> {
        let Self { method, path, headers, body, form, json, graphql, .. } = self;
        let (body, form) = (body.as_deref(), form.as_ref());
        let (json, graphql) = (json.as_ref(), graphql.as_ref());
        CallMembers { method, path, headers, body, form, json, graphql }
    }
}

impl Change {
    /// What it sends.
    pub(super) fn call(&self) -> CallMembers<'_> {
        let Self { method, path, headers, body, form, json, graphql, .. } = self;
        let (body, form) = (body.as_deref(), form.as_ref());
        let (json, graphql) = (json.as_ref(), graphql.as_ref());
        CallMembers { method, path, headers, body, form, json, graphql }
    }
}

impl Members {
    /// Every call, with its name in messages.
    pub(super) fn calls(&self) -> Vec<(String, CallMembers<'_>)> {
        let Self { before, buy, search, hold, confirm, .. } = self;
        let mut tables = vec![("buy", &buy.step[..], buy.call())];
        tables.extend(search.iter().map(|search| ("search", &[][..], search.call())));
        tables.extend(hold.iter().map(|hold| ("hold", &hold.step[..], hold.call())));
        tables.extend(confirm.iter().map(|confirm| ("confirm", &confirm.step[..], confirm.call())));
        let changes = self.changes();
        tables.extend(changes.map(|(_, table, change)| (table, &change.step[..], change.call())));
        let mut calls = numbered("before", before);
        for (table, steps, call) in tables {
            calls.extend(numbered(&format!("{table}.step"), steps));
            calls.push((table.to_owned(), call));
        }
        calls
    }

    /// The changes that sell nothing and put nothing aside, each with its table.
    pub(super) fn changes(&self) -> impl Iterator<Item = (Action, &'static str, &Change)> {
        let changes = [
            (Action::Release, "release", &self.release),
            (Action::Refund, "refund", &self.refund),
            (Action::Restock, "restock", &self.restock),
        ];
        changes
            .into_iter()
            .filter_map(|(action, table, change)| Some((action, table, change.as_ref()?)))
    }
}

/// The calls of `steps`, which stand in the table `table`.
fn numbered<'a>(table: &str, steps: &'a [Step]) -> Vec<(String, CallMembers<'a>)> {
    let name = |place: usize| format!("{table}[{}]", place + 1);
    steps.iter().enumerate().map(|(place, step)| (name(place), step.call())).collect()
}
