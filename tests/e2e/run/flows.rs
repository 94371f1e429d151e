//! Purchases of several calls: shops of five kinds, each right with a lock and wrong without.

use serde_json::json;

use super::{
    measured::{number, result},
    python_shop::PythonShop,
};

const SEATS: u32 = 20;

/// Buys sixty times; a correct shop sells what it has, in purchases of `quantity`, and is valid.
#[track_caller]
fn assert_is_found_out(kind: &str, quantity: u32) {
    let shop = PythonShop::open(kind, SEATS, false);
    let finished = shop.load().run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = result(&finished);
    assert_eq!(result["verdict"], "valid", "{result:#}");
    assert_eq!(number(&result["outcomes"]["sold"]), u64::from(SEATS / quantity), "{result:#}");
    assert_eq!(number(&result["outcomes"]["sold_out"]), u64::from(60 - SEATS / quantity));
    assert_eq!(result["untried"], json!([]), "{result:#}");
    assert_eq!((number(&result["initial"]), number(&result["left"])), (u64::from(SEATS), 0));

    let finished = PythonShop::open(kind, SEATS, true).load().run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(finished.json()["verdict"], "violation", "{finished:?}");
}

#[test]
fn rest_shop_with_a_cart_and_a_payment() {
    assert_is_found_out("rest", 2);
}

#[test]
fn graphql_shop_with_a_session_token() {
    assert_is_found_out("graphql", 1);
}

#[test]
fn shop_of_forms_with_a_login_and_hidden_fields() {
    assert_is_found_out("forms", 1);
}

#[test]
fn shop_whose_stock_falls_at_the_basket() {
    assert_is_found_out("holds", 1);
}

#[test]
fn shop_that_takes_orders_into_a_queue() {
    assert_is_found_out("asynchronous", 1);
}

#[test]
fn flows_are_the_same_in_processes_and_in_an_open_loop() {
    let shop = PythonShop::open("forms", SEATS, false);

    let finished = shop.load().args(["--mode", "process", "--workers", "2", "-q", "600"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), u64::from(SEATS), "{finished:?}");
}

/// Whoever is set aside for and does not pay has a seat all the same.
#[test]
fn purchase_that_fails_behind_a_hold_is_unknown_and_ahead_of_one_refused() {
    let shop = PythonShop::open("holds", SEATS, false);
    shop.change_map("4242 4242 4242 4242", "1111");
    let refused = "sold_out = { status = [410] }\nrefused = { status = [402] }";
    shop.change_map("sold_out = { status = [410] }", refused);

    let finished = shop.load().run();

    let result = result(&finished);
    let outcomes = &result["outcomes"];
    assert_eq!(number(&outcomes["unknown"]), u64::from(SEATS), "{result:#}");
    assert_eq!(number(&outcomes["sold_out"]), u64::from(60 - SEATS), "{result:#}");
    assert_eq!(finished.code, Some(3), "{result:#}");

    let shop = PythonShop::open("forms", SEATS, false);
    shop.change_map("path = \"/basket\"", "path = \"/no-basket\"\nrefused = { status = [404] }");
    let finished = shop.load().run();
    assert_eq!(number(&finished.json()["outcomes"]["refused"]), 60, "{finished:?}");
}
