//! Two windows of one browser, which keep what is held and bought in one place.

use e2e::{Browser, Counter, Fate, Stub, eventually};
use serde_json::json;

use crate::programs::serve;

#[test]
fn hold_that_another_window_confirms_is_over_in_this_one_too() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());
    browser.click("hold");
    eventually("a hold", || browser.is_visible("confirm").then_some(()));
    browser.open_window();
    browser.open(server.url());
    assert!(browser.is_visible("held"));

    browser.switch_window();
    browser.click("confirm");
    browser.wait_for_text("answers", |text| text.contains("Ticket 1 is yours"));
    browser.click("hold");
    eventually("another hold", || browser.is_visible("confirm").then_some(()));
    browser.switch_window();
    browser.run("const now = Date.now; Date.now = () => now() + 3_600_000");

    eventually("the hold to be over", || (!browser.is_visible("held")).then_some(()));
    let told = browser.text("answers");
    assert!(!told.contains("You did not buy anything"), "{told}");
    browser.wait_for_text("kept-list", |text| text.contains("Ticket 1"));
    browser.switch_window();
    browser.open(server.url());
    assert!(browser.is_visible("held"), "what this window holds by now");
    assert_eq!(server.search()["held"], json!(1));
}

#[test]
fn hold_of_another_window_is_kept_when_this_one_gives_back_its_own() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    let hold = || {
        browser.click("hold");
        eventually("a hold", || browser.is_visible("release").then_some(()));
    };
    browser.open(server.url());
    browser.open_window();
    browser.open(server.url());
    hold();
    browser.switch_window();
    hold();

    browser.switch_window();
    browser.click("release");
    browser.wait_for_text("count", |text| text == "99");
    browser.switch_window();
    browser.open(server.url());

    assert!(browser.is_visible("held"));
}

#[test]
fn hold_that_may_be_bought_is_not_forgotten_for_one_of_another_window() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let shop = Stub::before(server.address(), "POST /holds/", |number| match number {
        0 => Fate::AnswerLost,
        _ => Fate::Passed,
    });
    let browser = Browser::start();
    browser.open(&shop.url());
    browser.open_window();
    browser.open(&shop.url());
    browser.click("hold");
    eventually("a hold", || browser.is_visible("confirm").then_some(()));
    browser.click("confirm");
    browser.wait_for_text("answers", |text| text.contains("We are not sure"));

    browser.switch_window();
    browser.click("hold");
    eventually("another hold", || browser.is_visible("confirm").then_some(()));
    browser.switch_window();
    browser.open(&shop.url());

    browser.wait_for_text("answers", |text| text.contains("Ticket 1 is yours"));
    browser.open(&shop.url());
    browser.wait_for_text("held-words", |text| text.contains("1 ticket"));
}
