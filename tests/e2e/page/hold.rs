//! Holding tickets on the page that sells: a countdown, then bought or given back.

use e2e::{Browser, Counter, eventually};
use serde_json::json;

use crate::programs::{serve, serve_with};

#[test]
fn buyer_holds_reloads_and_buys() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--buyer", "required"]);
    let browser = Browser::start();
    browser.open(server.url());
    browser.fill("quantity", "2");
    browser.fill("buyer", "Ada");

    browser.click("hold");
    browser.wait_for_text("time-left", |text| text.starts_with("1:"));
    assert_eq!(server.search()["held"], 2);

    browser.open(server.url());
    browser.wait_for_text("held-words", |text| text.starts_with("2 tickets"));
    browser.click("confirm");
    browser.wait_for_text("answers", |text| text.contains("Tickets 1 and 2 are yours"));
    assert_eq!(
        (server.search()["held"].clone(), server.search()["sold"].clone()),
        (json!(0), json!(2))
    );
    browser.run("document.querySelector('#answers a').click()");
    browser.wait_for_text("buyer", |text| text == "Ada");
}

#[test]
fn buyer_gives_back_what_was_held() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());

    browser.click("hold");
    browser.wait_for_text("count", |text| text == "99");
    browser.click("release");

    browser.wait_for_text("count", |text| text == "100");
    assert!(browser.is_visible("buy"));
    assert!(!browser.is_visible("held"));
}

#[test]
fn buyer_whose_time_is_up_is_told_so_and_may_begin_again() {
    let counter = Counter::with(1);
    let server = serve_with(&counter, &["--hold-max", "2s"]);
    let browser = Browser::start();
    browser.open(server.url());
    assert!(browser.text("hold").contains("2 seconds"), "{}", browser.text("hold"));

    browser.click("hold");

    browser.wait_for_text("answers", |text| text.contains("Time is up"));
    browser.wait_for_text("count", |text| text == "1");
    eventually("the form to be back", || browser.is_visible("buy").then_some(()));
}

#[test]
fn lesson_without_holds_offers_none() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--locking", "mutex"]);
    let browser = Browser::start();
    browser.open(server.url());

    assert_eq!(browser.run("return document.getElementById('hold')"), json!(null));
    browser.click("buy");
    browser.wait_for_text("answers", |text| text.contains("Ticket 1 is yours"));
}
