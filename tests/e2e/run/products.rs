//! Several products of one shop: bought at once, with a history and a verdict each, and one over all.

use std::{fs, time::Duration};

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

/// Both are bought at once, so that time is not summed up, and a round of both is one round.
#[test]
fn rounds_of_several_products_are_told_apart_from_them() {
    let shop = PythonShop::open("products", SEATS, true);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let junit = folder.path().join("junit.xml");
    let page = folder.path().join("run.html");
    let refill = format!("curl -sf {}/refill -d all", shop.url());
    // Behind the first reset it has another number than ahead of it.
    shop.program("run").args(["-c", "16", "-n", "120"]).run();

    let load = shop.program("run").args(["-c", "16", "-n", "120", "--json", "--rounds", "2"]);
    let load = load.args(["--reset", &refill, "--patterns", "steady", "--junit"]).arg(&junit);
    let load = load.arg("--report").arg(&page).env("GITHUB_ACTIONS", "true");
    let finished = load.within(Duration::from_secs(120)).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let told = finished.json();
    assert_eq!(told["rounds_carried_out"], 2, "{told:#}");
    assert_eq!(told["rounds_with_violation"], 2, "{told:#}");
    assert_eq!(told["patterns"][0]["rounds"], 2, "{told:#}");
    assert_eq!((&told["judged_round"], &told["judged_product"]), (&json!(1), &json!("balcony")));
    let rounds = told["rounds"].as_array().expect("a list");
    assert_eq!(rounds.len(), 4, "{told:#}");
    let longest = |number: u64| {
        let of_round = rounds.iter().filter(|round| round["round"] == number);
        of_round.filter_map(|round| round["elapsed_s"].as_f64()).fold(0.0, f64::max)
    };
    let elapsed_s = told["elapsed_s"].as_f64().expect("a time");
    assert!((elapsed_s - longest(1) - longest(2)).abs() < 0.003, "{told:#}");
    let told = fs::read_to_string(junit).expect("it was written");
    for name in ["round 1, steady, stalls", "round 2, steady, balcony"] {
        assert!(told.contains(&format!("<testcase name=\"{name}\"")), "no {name}: {told}");
    }
    let html = fs::read_to_string(page).expect("it was written");
    for part in ["balcony: violation in 2 of 2 rounds", "round 1, steady, balcony"] {
        assert!(html.contains(part), "no {part}");
    }
    let said = &finished.stderr;
    assert!(said.contains("2 of 2 rounds showed a violation (100 %): 2 of 2 `steady`"), "{said}");
    assert!(
        said.contains(
            "All rounds and products together, and the verdict of round 1, steady, balcony"
        )
    );
    assert!(said.contains(", round 1, steady, balcony: "), "no annotation: {said}");
}

/// Each has its share of the rate.
#[test]
fn rate_is_dealt_out_among_products() {
    let shop = PythonShop::open("products", SEATS, false);

    let rate = ["-c", "16", "-q", "200", "-z", "1s", "--arrivals", "poisson", "--json"];
    let finished = shop.program("run").args(rate).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let told = result(&finished);
    assert_eq!(told["asked_rate_rps"], json!(200.0), "{told:#}");
    // By chance, and the same with each seed.
    let asked = |place: usize| {
        let outcomes = &told["products"][place]["outcomes"];
        number(&outcomes["sold"]) + number(&outcomes["sold_out"])
    };
    assert!((110..190).contains(&asked(0)) && (30..70).contains(&asked(1)), "{told:#}");
}

/// Between the clients of two products there is a number that tries the next one out, and a row for it.
#[test]
fn buyers_are_enough_for_those_who_try_products_out() {
    let shop = PythonShop::open("products", SEATS, false);
    shop.replace_map(&format!("buyers = \"buyers.csv\"\n{}", shop.map()));

    for (clients, code) in [("9", 2), ("8", 0)] {
        let finished = shop.program("run").args(["-c", clients, "-n", "120"]).run();
        assert_eq!(finished.code, Some(code), "{finished:?}");
    }
}

#[test]
fn products_that_are_none_or_too_many_are_named() {
    let shop = PythonShop::open("products", SEATS, false);
    for (flags, named) in [
        (&["-c", "1"][..], "too few to `stalls`"),
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
