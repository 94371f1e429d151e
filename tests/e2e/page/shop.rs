//! The page that sells.

use std::{sync::Arc, time::Duration};

use e2e::{Browser, Counter, Fate, Gate, Live, Process, Stub, eventually};
use serde_json::{Value, json};

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with, server},
};

#[test]
fn page_shows_the_count_and_nothing_that_a_buyer_does_not_need() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    let browser = Browser::start();

    browser.open(server.url());

    assert_eq!(browser.text("count"), "99");
    assert_eq!(browser.text("event"), "Tickets");
    assert!(!browser.is_visible("warning"));
    assert!(!page_text(&browser).contains("revision") && !page_text(&browser).contains("locking"));
}

#[test]
fn buyer_buys_and_sees_the_new_count_without_a_reload() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());
    browser.run("window.loadedOnce = true");

    browser.click("buy");

    browser.wait_for_text("count", |text| text == "99");
    let answers = browser.wait_for_text("answers", |text| !text.is_empty());
    assert!(answers.contains('1'), "the ticket's number: {answers}");
    assert_eq!(browser.run("return window.loadedOnce"), json!(true));
    assert_eq!(counter.count(), 99);
}

#[test]
fn buyer_chooses_how_many() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());

    browser.fill("quantity", "3");
    browser.click("buy");

    browser.wait_for_text("count", |text| text == "97");
    assert_eq!(counter.count(), 97);
}

#[test]
fn sale_of_another_buyer_is_seen_live() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());
    browser.run("window.loadedOnce = true");
    assert_eq!(browser.text("count"), "100");

    server.buy();

    browser.wait_for_text("count", |text| text == "99");
    assert_eq!(browser.run("return window.loadedOnce"), json!(true));
}

#[test]
fn page_says_sold_out_when_the_last_ticket_is_gone() {
    let counter = Counter::with(1);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());
    assert!(!page_text(&browser).contains("sold out"));

    browser.click("buy");

    browser.wait_for_text("count", |text| text == "0");
    assert!(page_text(&browser).contains("sold out"), "{}", page_text(&browser));
}

#[test]
fn order_for_more_than_is_left_is_told_sold_out() {
    let counter = Counter::with(2);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());

    browser.fill("quantity", "3");
    browser.click("buy");

    let told = |text: &str| text.to_lowercase().contains("sold out") || text.contains('2');
    browser.wait_for_text("answers", told);
    assert_eq!(counter.count(), 2);
}

#[test]
fn unsafe_server_is_marked_on_its_page() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--locking", "none"]);
    let browser = Browser::start();

    browser.open(server.url());

    assert!(browser.is_visible("warning"));
    assert!(browser.text("locking").contains("none"));
    let color = browser.run("return getComputedStyle(document.getElementById('warning')).color");
    let background =
        browser.run("return getComputedStyle(document.getElementById('warning')).backgroundColor");
    assert!(is_red(&color) || is_red(&background), "{color} on {background}");
}

#[test]
fn count_can_be_read_without_javascript() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    let browser = Browser::start_without_javascript();

    browser.open(server.url());

    assert_eq!(browser.text("count"), "99");
}

#[test]
fn page_says_when_the_server_is_gone_and_when_it_is_back() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let address = server.address().to_owned();
    let browser = Browser::start();
    browser.open(server.url());
    let live = browser.wait_for_text("live-state", |text| !text.is_empty());

    server.kill();
    browser.wait_for_text("live-state", |text| text != live);

    let _restarted = restarted(&counter, &address);
    browser.wait_for_text("live-state", |text| text == live);
}

#[test]
fn page_says_that_the_tickets_cannot_be_reached_and_shows_them_once_they_can() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let (open, late) = (Browser::start(), Browser::start());
    open.open(server.url());
    open.wait_for_text("live-state", |text| text == "live");
    let head = counter.text();

    counter.overwrite("?");

    open.wait_for_text("live-state", |text| text.contains("cannot be reached"));
    assert_eq!(open.text("count"), "100", "what was known");
    late.open(server.url());
    assert!(late.text("words").contains("looks again by itself"), "{}", late.text("words"));
    assert_problem(&server, &server.get("/"), 503, "not-sold");
    counter.overwrite(&head);
    open.wait_for_text("live-state", |text| text == "live");
    assert_eq!(late.text("count"), "100");
}

/// The page asks what is left behind its own purchase, and hears of another's before it is told.
#[test]
fn answer_that_live_news_overtook_does_not_make_the_page_look_old() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let gate = Arc::<Gate>::default();
    let late = Arc::clone(&gate);
    let shop = Stub::before(server.address(), "GET /search", move |number| match number {
        0 => Fate::AnswerLate(Arc::clone(&late)),
        _ => Fate::Passed,
    });
    let browser = Browser::start();
    browser.open(&shop.url());
    browser.wait_for_text("live-state", |text| text == "live");
    browser.run(
        "window.said = []; const line = document.getElementById('live-state'); \
         new MutationObserver(() => said.push(line.textContent)).observe(line, {childList: true})",
    );

    browser.click("buy");
    gate.wait_for_an_answer();
    server.buy();
    browser.wait_for_text("count", |text| text == "98");
    gate.open();
    // Whatever it makes of that answer, it has before it asks and is answered once more.
    let answers = "return performance.getEntriesByType('resource')\
                   .filter(({name, responseEnd}) => name.endsWith('/search') && responseEnd > 0).length";
    let answered = |number| {
        eventually("an answer", || (browser.run(answers) == json!(number)).then_some(()));
    };
    answered(1);
    browser.run("document.dispatchEvent(new Event('visibilitychange'))");
    answered(2);

    assert_eq!(browser.run("return window.said"), json!([]));
    assert_eq!(browser.text("live-state"), "live");
}

/// What the page shows is from before the counter was put back.
#[test]
fn page_of_a_counter_that_was_put_back_says_that_it_is_out_of_date() {
    let (counter, older) = (Counter::with(100), Counter::with(100));
    let server = serve(&counter);
    let address = server.address().to_owned();
    let browser = Browser::start();
    browser.open(server.url());
    server.buy();
    browser.wait_for_text("count", |text| text == "99");

    server.kill();
    let _restarted = restarted(&older, &address);

    browser.wait_for_text("live-state", |text| text.contains("out of date"));
    assert_eq!(browser.text("count"), "99");
}

#[test]
fn page_asks_now_and_then_where_all_places_for_listeners_are_taken() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--live-max", "1"]);
    let live = Live::open(server.client());
    live.wait_for_count(100);
    let browser = Browser::start();

    browser.open(server.url());
    browser.wait_for_text("live-state", |text| text == "updated every few seconds");
    server.buy();

    browser.wait_for_text("count", |text| text == "99");
}

#[test]
fn page_asks_nobody_else_and_fits_a_phone() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();

    browser.open(server.url());
    browser.click("buy");
    browser.wait_for_text("count", |text| text == "99");

    let asked = browser.run("return performance.getEntriesByType('resource').map(r => r.name)");
    let asked = asked.as_array().expect("a list of addresses");
    let own = |address: &Value| address.as_str().is_some_and(|it| it.starts_with(server.url()));
    assert!(asked.iter().all(own), "{asked:?}");
    let overhang = browser.run("return document.documentElement.scrollWidth - innerWidth");
    assert!(overhang.as_f64().is_some_and(|pixels| pixels <= 0.0), "{overhang} px too wide");
}

#[test]
fn page_speaks_to_a_screen_reader() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();

    browser.open(server.url());

    for (what, script) in [
        ("language", "return document.documentElement.lang.length > 0"),
        ("title", "return document.title.length > 0"),
        ("heading", "return document.querySelectorAll('h1').length === 1"),
        ("label", "return document.getElementById('quantity').labels.length > 0"),
        ("button's name", "return document.getElementById('buy').textContent.trim().length > 0"),
        (
            "live answers",
            "return document.querySelector('#answers[aria-live], [aria-live] #answers, #answers[role=status], #answers[role=log]') !== null",
        ),
    ] {
        assert_eq!(browser.run(script), json!(true), "{what}");
    }
}

/// A server on `counter` where another one was.
#[track_caller]
fn restarted(counter: &Counter, address: &str) -> Process {
    let started = server().args(["--listen", address, "--db"]).arg(counter.path()).start();
    let ready = started
        .stderr()
        .find_line(Duration::from_secs(20), |line| line.starts_with("listening on").then_some(()));
    assert!(ready.is_some(), "{}", started.stderr().text());
    started
}

fn page_text(browser: &Browser) -> String {
    let text = browser.run("return document.body.innerText");
    text.as_str().unwrap_or_default().to_lowercase()
}

fn is_red(color: &Value) -> bool {
    let color = color.as_str().unwrap_or_default();
    let channels = color
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter_map(|number| number.parse::<f64>().ok())
        .collect::<Vec<_>>();
    matches!(channels[..], [red, green, blue, ..] if red > 1.5 * green && red > 1.5 * blue)
}
