//! A map of a shop, as its file has it.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{place::Place, reader::Reader};
use crate::{
    history::{CountTiming, Numbering},
    target::template::{KEY, Parts, Template, check_field},
};

/// Why a file is no map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MapError {
    /// It cannot be read.
    #[error("cannot read the map `{path}`: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// It is no TOML, or has other members than a map.
    #[error("`{path}` is no map of a shop: {reason}")]
    Toml {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        reason: String,
    },
    /// A value in it makes no sense.
    #[error("`{path}`: `{member}`: {reason}")]
    Value {
        /// The file.
        path: String,
        /// Where in it.
        member: &'static str,
        /// What is wrong.
        reason: String,
    },
}

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
pub(in crate::target) struct Call<'a> {
    pub(in crate::target) method: &'a str,
    pub(in crate::target) path: &'a str,
    pub(in crate::target) fields: Vec<(String, String)>,
    pub(in crate::target) body: Option<&'a str>,
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
    /// Reads the map at `path`.
    ///
    /// # Errors
    /// There is none, or something in it makes no sense.
    pub(crate) fn read(path: &Path) -> Result<Self, MapError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|source| MapError::Io { path: name.clone(), source })?;
        Self::parse(&name, &text)
    }

    fn parse(path: &str, text: &str) -> Result<Self, MapError> {
        let map: Self = toml::from_str(text).map_err(|error| MapError::Toml {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        map.check().map_err(|(member, reason)| MapError::Value {
            path: path.to_owned(),
            member,
            reason,
        })?;
        Ok(map)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let Buy { method, path, headers, body, .. } = &self.buy;
        check_call("buy", method, path, headers, body.as_deref())?;
        if let Some(Search { method, path, headers, body, remaining, .. }) = &self.search {
            check_call("search", method, path, headers, body.as_deref())?;
            Place::parse(remaining).map_err(|reason| ("search.remaining", reason))?;
        }
        if self.buy.quantity == 0 {
            return Err(("buy.quantity", "a purchase of no tickets is none".to_owned()));
        }
        Reader::new(self)?;
        Ok(())
    }

    /// How it is asked to sell.
    pub(in crate::target) fn buy_call(&self) -> Call<'_> {
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
    pub(in crate::target) fn search_call(&self) -> Option<Call<'_>> {
        let Search { method, path, headers, body, .. } = self.search.as_ref()?;
        Some(Call { method, path, fields: fields(headers), body: body.as_deref() })
    }
}

fn fields(headers: &BTreeMap<String, String>) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn check_call(
    call: &'static str,
    method: &str,
    path: &str,
    headers: &BTreeMap<String, String>,
    body: Option<&str>,
) -> Result<(), (&'static str, String)> {
    let fault = |reason: String| Err((call, reason));
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return fault(format!("the method `{method}` is none, as in `POST`"));
    }
    if ["HEAD", "CONNECT"].contains(&method) {
        return fault(format!("the method `{method}` has no answer with a body, as `GET` has"));
    }
    if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return fault(format!("the path `{path}` is none, as in `/api/orders`"));
    }
    for (name, value) in headers {
        check_field(name, value).map_err(|reason| (call, reason))?;
    }
    let parts = Parts { method, path, host: "host", fields: &fields(headers), body };
    Template::new(&parts).map(drop).map_err(|reason| (call, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
[buy]
path = "/orders"
sold = { status = [200] }
sold_out = { status = [410] }
"#;

    #[test]
    fn a_map_needs_little() {
        let map = Map::parse("shop.toml", MINIMAL).unwrap();
        assert_eq!((map.buy.method.as_str(), map.numbering), ("POST", Numbering::Unique));
        assert!(map.search.is_none());
        let again: Map = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
        assert_eq!(again, map);
    }

    #[test]
    fn a_key_stands_in_the_path_in_a_header_or_in_the_body_of_a_purchase() {
        for (from, to, sends_keys) in [
            ("", "", false),
            ("/orders", "/orders/${client}", false),
            ("/orders", "/orders/${key}", true),
            ("sold_out", "headers = { X-Id = 'id ${key}' }\nsold_out", true),
            ("sold_out", "body = '{\"id\": \"${key}\"}'\nsold_out", true),
            ("[buy]", "[search]\npath = '/${key}'\nremaining = '/left'\n[buy]", false),
        ] {
            let map = Map::parse("shop.toml", &MINIMAL.replacen(from, to, 1)).unwrap();
            assert_eq!(map.sends_keys(), sends_keys, "{to}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let with = |from: &str, to: &str| {
            Map::parse("shop.toml", &MINIMAL.replace(from, to)).expect_err(to).to_string()
        };
        for (from, to, named) in [
            ("[buy]", "[buy", "line 2"),
            ("path", "paht", "paht"),
            ("/orders", "orders", "`orders`"),
            ("/orders", "/orders/${seat}", "${seat}"),
            ("status = [200]", "status = [200], ticket = 'seat'", "buy.sold.ticket"),
            ("status = [200]", "status = []", "buy.sold.status"),
            ("status = [410]", "status = [99]", "buy.sold_out.status"),
            ("status = [410]", "status = [410], where = { seat = 1 }", "buy.sold_out.where"),
            ("sold_out", "method = 'post'\nsold_out", "`post`"),
            ("sold_out", "method = 'HEAD'\nsold_out", "`HEAD`"),
            ("[buy]", "[search]\nmethod = 'HEAD'\npath = '/'\nremaining = '/a'\n[buy]", "`search`"),
            ("sold_out", "headers = { Host = 'x' }\nsold_out", "`Host`"),
        ] {
            let error = with(from, to);
            assert!(error.contains("shop.toml") && error.contains(named), "{to}: {error}");
        }
    }
}
