//! Several products of one shop: bought at once, with a history and a verdict each, and one over all.

use std::fs;

use serde_json::{Value, json};

use super::{
    measured::{number, result},
    python_shop::PythonShop,
};
use crate::programs::loadgen;

const SEATS: u32 = 20;

#[test]
fn each_product_has_its_history_and_its_verdict() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let history = folder.path().join("run.ndjson");
    let shop = PythonShop::open("products", SEATS, false);

    let finished = shop
        .program("run")
        .args(["-c", "16", "-n", "120", "--json", "--history"])
        .arg(&history)
        .run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let told = result(&finished);
    assert_eq!(told["verdict"], "valid", "{told:#}");
    let part = |name: &str, sold_out: u64| {
        let of = told["products"].as_array().expect("a list of products").iter();
        let product = of.clone().find(|product| product["product"] == name).expect("its name");
        assert_eq!(product["verdict"], "valid", "{told:#}");
        assert_eq!(number(&product["outcomes"]["sold"]), u64::from(SEATS), "{told:#}");
        assert_eq!(number(&product["outcomes"]["sold_out"]), sold_out, "{told:#}");
    };
    part("stalls", 90 - u64::from(SEATS));
    part("balcony", 30 - u64::from(SEATS));
    assert_eq!(number(&told["outcomes"]["sold"]), u64::from(2 * SEATS), "{told:#}");
    assert_eq!((&told["initial"], &told["left"]), (&json!(2 * SEATS), &json!(0)), "{told:#}");

    let checked = loadgen().args(["check", "--json"]).arg(&history).run();
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let labels: Vec<Value> = fs::read_to_string(&history)
        .expect("the history is there")
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?.get("label").cloned())
        .collect();
    assert_eq!(labels, ["stalls", "balcony"]);
}

#[test]
fn product_that_is_oversold_is_named_and_the_other_is_valid() {
    let shop = PythonShop::open("products", SEATS, true);

    let finished = shop.program("run").args(["-c", "16", "-n", "120", "--json"]).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let told = finished.json();
    assert_eq!(told["verdict"], "violation", "{told:#}");
    assert_eq!(told["products"][0]["verdict"], "valid", "{told:#}");
    assert_eq!(told["products"][1]["verdict"], "violation", "{told:#}");
    assert!(finished.stderr.contains("the verdict of balcony"), "{finished:?}");
}

#[test]
fn products_that_are_none_or_too_many_are_named() {
    let shop = PythonShop::open("products", SEATS, false);
    for (flags, named) in [
        (&["-c", "1"][..], "too few to `stalls`"),
        (&["-c", "8", "-q", "50"], "`-q` and `--stages`"),
        (&["-c", "8", "--initial", "20"], "each `[[product]]` has its `initial`"),
    ] {
        let map = shop.program("run").args(["-n", "60"]).args(flags).run();
        assert_eq!(map.code, Some(2), "{map:?}");
        assert!(map.stderr.contains(named), "{map:?}");
    }
    for (from, to, named) in [
        ("sku = \"B\"", "stock = \"B\"", "shop.toml`:7: `product[2]`: it names other things"),
        ("\"balcony\"", "\"stalls\"", "two products are called `stalls`"),
        ("weight = 3", "weight = 0", "its weight"),
        ("sku = \"S\"", "sku = [1]", "`sku`"),
    ] {
        let was = shop.map();
        shop.change_map(from, to);
        let finished = shop.load().run();
        assert_eq!(finished.code, Some(2), "{to}: {finished:?}");
        assert!(finished.stderr.contains(named), "{to}: {finished:?}");
        shop.replace_map(&was);
    }
}
