//! Answers that a buyer's browser never gets: what the page says then, and what it finds out later.

use std::sync::Arc;

use e2e::{Browser, Counter, Fate, Gate, Stub, eventually};
use serde_json::json;

use crate::programs::{serve, serve_with};

fn first_is_lost(number: usize) -> Fate {
    if number == 0 { Fate::AnswerLost } else { Fate::Passed }
}

fn first_is_lost_and_the_second_refused(number: usize) -> Fate {
    match number {
        0 => Fate::AnswerLost,
        1 => Fate::Refused("429 too-many-requests"),
        _ => Fate::Passed,
    }
}

/// Presses "Ask again".
fn ask_again(browser: &Browser) {
    browser.run("document.querySelector('#answers button').click()");
}

/// What is held has lapsed, by the clock of the page.
fn let_time_pass(browser: &Browser) {
    browser.run("const now = Date.now; Date.now = () => now() + 3_600_000");
}

#[track_caller]
fn wait_until_unsure(browser: &Browser) {
    let told = browser.wait_for_text("answers", |text| text.contains("We are not sure"));
    assert!(told.contains("you will not buy twice"), "{told}");
}

#[track_caller]
fn wait_for_ticket(browser: &Browser, number: u64) {
    let is_sure = |text: &str| !text.is_empty() && !text.contains("We are not sure");
    let told = browser.wait_for_text("answers", is_sure);
    assert!(told.contains(&format!("Ticket {number} is yours")), "{told}");
    browser.wait_for_text("kept-list", |text| text.contains(&format!("Ticket {number}")));
}

/// Holds a ticket, and confirms it: that answer is lost.
#[track_caller]
fn confirm_unheard(browser: &Browser, shop: &Stub) {
    browser.open(&shop.url());
    browser.click("hold");
    eventually("a hold", || browser.is_visible("confirm").then_some(()));
    browser.click("confirm");
    wait_until_unsure(browser);
}

#[test]
fn repetition_that_is_refused_says_nothing_of_the_first_purchase() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let shop = Stub::before(server.address(), "POST /buy", first_is_lost_and_the_second_refused);
    let browser = Browser::start();
    browser.open(&shop.url());

    browser.click("buy");
    wait_until_unsure(&browser);
    // It is known after a reload, too, that this is a repetition.
    browser.open(&shop.url());
    wait_until_unsure(&browser);
    let before = browser.text("answers");
    ask_again(&browser);
    browser.wait_for_text("answers", |text| text != before && !text.contains("Asking"));
    wait_until_unsure(&browser);
    ask_again(&browser);

    wait_for_ticket(&browser, 1);
    assert_eq!(counter.count(), 99);
    assert_eq!(browser.run("return sessionStorage.length"), json!(0));
}

/// The lesson remembers no keys: whether the first one bought the last ticket, nobody can say.
#[test]
fn repetition_in_a_lesson_says_nothing_of_the_first_purchase() {
    let counter = Counter::with(1);
    let server = serve_with(&counter, &["--locking", "mutex"]);
    let shop = Stub::before(server.address(), "POST /buy", first_is_lost);
    let browser = Browser::start();
    browser.open(&shop.url());

    browser.click("buy");
    browser.wait_for_text("answers", |text| text.contains("may buy twice"));
    ask_again(&browser);

    eventually("the second answer", || {
        let order = browser.run("return JSON.parse(sessionStorage.getItem('tickets / pending'))");
        let is_answered =
            browser.text("answers").contains("Ask again") && order["tries"] != json!(1);
        (is_answered || order.is_null()).then_some(())
    });
    let told = browser.text("answers");
    assert!(told.contains("We are not sure") && !told.contains("You did not buy"), "{told}");
}

#[test]
fn refusal_of_a_first_try_is_final() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let shop =
        Stub::before(server.address(), "POST /buy", |_| Fate::Refused("429 too-many-requests"));
    let browser = Browser::start();
    browser.open(&shop.url());

    browser.click("buy");

    browser.wait_for_text("answers", |text| text.contains("You did not buy anything"));
    assert_eq!(browser.run("return sessionStorage.length"), json!(0));
}

#[test]
fn page_does_not_promise_what_the_server_has_forgotten_after_a_day() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let shop = Stub::before(server.address(), "POST /buy", first_is_lost);
    let browser = Browser::start();
    browser.open(&shop.url());
    browser.click("buy");
    wait_until_unsure(&browser);

    browser.run(
        "const key = 'tickets / pending', order = JSON.parse(sessionStorage.getItem(key)); \
         sessionStorage.setItem(key, JSON.stringify({...order, at: Date.now() - 86_400_000}))",
    );
    browser.open(&shop.url());

    let told = browser.wait_for_text("answers", |text| text.contains("We are not sure"));
    assert!(told.contains("After a day, asking again may buy twice"), "{told}");
}

#[test]
fn confirmed_hold_whose_answer_was_lost_is_found_out_when_its_time_is_up() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let shop = Stub::before(server.address(), "POST /holds/", first_is_lost);
    let browser = Browser::start();
    confirm_unheard(&browser, &shop);

    let_time_pass(&browser);

    wait_for_ticket(&browser, 1);
    assert!(!browser.is_visible("held"));
    assert_eq!(counter.count(), 99);
}

#[test]
fn confirmed_hold_whose_answer_was_lost_is_found_out_after_a_reload() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let shop = Stub::before(server.address(), "POST /holds/", first_is_lost);
    let browser = Browser::start();
    confirm_unheard(&browser, &shop);

    browser.run(
        "const key = 'tickets / held', [hold] = JSON.parse(localStorage.getItem(key)); \
         localStorage.setItem(key, JSON.stringify([{...hold, expires: Date.now() - 1}]))",
    );
    browser.open(&shop.url());

    browser.wait_for_text("answers", |text| text.contains("Ticket 1 is yours"));
    browser.wait_for_text("kept-list", |text| text.contains("Ticket 1"));
    assert_eq!(browser.run("return localStorage.getItem('tickets / held')"), json!(null));
}

#[test]
fn confirmed_hold_whose_answer_was_lost_is_not_given_back() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let shop = Stub::before(server.address(), "POST /holds/", first_is_lost);
    let browser = Browser::start();
    confirm_unheard(&browser, &shop);

    browser.click("release");

    wait_for_ticket(&browser, 1);
    assert_eq!(counter.count(), 99);
}

/// The time is up before the answer is lost: asking again has to know what for.
#[test]
fn confirmed_hold_whose_answer_is_lost_late_is_asked_for_again() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let gate = Arc::<Gate>::default();
    let late = Arc::clone(&gate);
    let shop = Stub::before(server.address(), "POST /holds/", move |number| match number {
        0 => Fate::AnswerLostLate(Arc::clone(&late)),
        1 => Fate::Refused("429 too-many-requests"),
        _ => Fate::Passed,
    });
    let browser = Browser::start();
    browser.open(&shop.url());
    browser.click("hold");
    eventually("a hold", || browser.is_visible("confirm").then_some(()));

    browser.click("confirm");
    gate.wait_for_an_answer();
    let_time_pass(&browser);
    browser.wait_for_text("time-left", |text| text == "0:00");
    gate.open();
    wait_until_unsure(&browser);
    eventually("the second try, which is refused", || {
        let left =
            browser.run("return JSON.parse(localStorage.getItem('tickets / held'))[0].tries");
        (left == json!(2) && browser.text("confirm") == "Buy now").then_some(())
    });
    ask_again(&browser);

    wait_for_ticket(&browser, 1);
}

#[test]
fn ticket_that_is_bought_while_the_page_looks_at_older_ones_is_kept() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let gate = Arc::<Gate>::default();
    let late = Arc::clone(&gate);
    let shop = Stub::before(server.address(), "GET /receipts/", move |_| {
        Fate::AnswerLate(Arc::clone(&late))
    });
    let browser = Browser::start();
    browser.open(&shop.url());
    browser.click("buy");
    wait_for_ticket(&browser, 1);
    browser.open(&shop.url());
    gate.wait_for_an_answer();

    browser.click("buy");
    wait_for_ticket(&browser, 2);
    gate.open();
    let looked = "return performance.getEntriesByType('resource').some(({name, responseEnd}) => \
                  name.includes('/receipts/') && responseEnd > 0)";
    eventually("the older one to be looked at", || {
        (browser.run(looked) == json!(true)).then_some(())
    });
    browser.open(&shop.url());

    let kept = browser.wait_for_text("kept-list", |text| text.contains("Ticket 1"));
    assert!(kept.contains("Ticket 2"), "{kept}");
}
