//! Reads a map from its file, and refuses one that makes no sense.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::{
    members::{Buy, Map, Search, fields},
    place::Place,
    reader::MapReader,
};
use crate::shop::wire::{Parts, Template, check_field};

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

/// Reads the map at `path`.
///
/// # Errors
/// There is none, or something in it makes no sense.
pub(crate) fn read_map(path: &Path) -> Result<Map, MapError> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|source| MapError::Io { path: name.clone(), source })?;
    parse(&name, &text)
}

fn parse(path: &str, text: &str) -> Result<Map, MapError> {
    let map: Map = toml::from_str(text).map_err(|error| MapError::Toml {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })?;
    check(&map).map_err(|(member, reason)| MapError::Value {
        path: path.to_owned(),
        member,
        reason,
    })?;
    Ok(map)
}

fn check(map: &Map) -> Result<(), (&'static str, String)> {
    let Buy { method, path, headers, body, .. } = &map.buy;
    check_call("buy", method, path, headers, body.as_deref())?;
    if let Some(Search { method, path, headers, body, remaining, .. }) = &map.search {
        check_call("search", method, path, headers, body.as_deref())?;
        Place::parse(remaining).map_err(|reason| ("search.remaining", reason))?;
    }
    if map.buy.quantity == 0 {
        return Err(("buy.quantity", "a purchase of no tickets is none".to_owned()));
    }
    MapReader::new(map)?;
    Ok(())
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
    let parts = Parts { method, path, host: "host", fields: &fields(headers), body, is_own: false };
    Template::new(&parts).map(drop).map_err(|reason| (call, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Numbering;

    const MINIMAL: &str = r#"
[buy]
path = "/orders"
sold = { status = [200] }
sold_out = { status = [410] }
"#;

    #[test]
    fn a_map_needs_little() {
        let map = parse("shop.toml", MINIMAL).unwrap();
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
            let map = parse("shop.toml", &MINIMAL.replacen(from, to, 1)).unwrap();
            assert_eq!(map.sends_keys(), sends_keys, "{to}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let with = |from: &str, to: &str| {
            parse("shop.toml", &MINIMAL.replace(from, to)).expect_err(to).to_string()
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
