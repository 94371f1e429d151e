//! A map of a shop: how its calls look, and where its answers say what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    history::{CountTiming, Numbering},
    shop::wire::KEY,
};

/// How a shop is spoken to; travels to worker processes as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Map {
    /// What its ticket numbers promise.
    #[serde(default = "unique")]
    pub(crate) numbering: Numbering,
    /// When the counts in its answers were read.
    #[serde(default = "late")]
    pub(crate) counts: CountTiming,
    /// How it sells.
    pub(crate) buy: Buy,
    /// How it says what is left.
    pub(crate) search: Option<Search>,
}

fn late() -> CountTiming {
    CountTiming::Late
}

fn unique() -> Numbering {
    Numbering::Unique
}

/// How a shop sells one ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Buy {
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    /// How many tickets one purchase is of.
    #[serde(default = "one")]
    pub(crate) quantity: u64,
    pub(super) sold: Sold,
    pub(super) sold_out: SoldOut,
    pub(super) refused: Option<Refused>,
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
    #[serde(default = "ok")]
    pub(super) status: Vec<u16>,
    pub(super) remaining: String,
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

/// A call as it is to be made.
#[derive(Clone, Debug, Default)]
pub(in crate::shop) struct Call<'a> {
    pub(in crate::shop) method: &'a str,
    pub(in crate::shop) path: &'a str,
    pub(in crate::shop) fields: Vec<(String, String)>,
    pub(in crate::shop) body: Option<&'a str>,
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
}

impl Map {
    /// How it is asked to sell.
    pub(in crate::shop) fn buy_call(&self) -> Call<'_> {
        let Buy { method, path, headers, body, .. } = &self.buy;
        Call { method, path, fields: fields(headers), body: body.as_deref() }
    }

    /// Whether each purchase carries a key of its own, the same in every retry.
    pub(crate) fn sends_keys(&self) -> bool {
        let Buy { path, headers, body, .. } = &self.buy;
        let texts = headers.values().chain([path]).chain(body);
        texts.into_iter().any(|text| text.contains(KEY))
    }

    /// How it is asked what is left; `None` where it cannot be.
    pub(in crate::shop) fn search_call(&self) -> Option<Call<'_>> {
        let Search { method, path, headers, body, .. } = self.search.as_ref()?;
        Some(Call { method, path, fields: fields(headers), body: body.as_deref() })
    }
}

pub(super) fn fields(headers: &BTreeMap<String, String>) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}
