//! The operator's pages: the sale and the door, behind the token.

use std::fs;

use e2e::{Answer, Browser, Client, Counter, Fate, Method, Server, Stub, eventually};
use serde_json::{Value, json};

use crate::programs::{serve, serve_with};

const TOKEN: &str = "a-long-secret-of-the-operator";

/// As a scanner ends a code, and WebDriver writes it.
const ENTER: &str = "\u{e007}";

#[track_caller]
fn serve_for_operator(counter: &Counter) -> Server {
    let file = counter.folder().join("token");
    fs::write(&file, format!("{TOKEN}\n")).expect("the test's own folder");
    serve_with(counter, &["--admin-token-file", &file.display().to_string()])
}

/// Opens a page of the operator's and signs in.
#[track_caller]
fn sign_in(browser: &Browser, server: &Server, page: &str) {
    sign_in_at(browser, server.url(), page);
}

#[track_caller]
fn sign_in_at(browser: &Browser, url: &str, page: &str) {
    browser.open(&format!("{url}/{page}"));
    assert!(!browser.is_visible("signed-in"));
    browser.press("token", TOKEN);
    browser.press("token", ENTER);
    eventually("the page behind the token", || browser.is_visible("signed-in").then_some(()));
}

/// The last sale's receipt.
#[track_caller]
fn sold(client: &Client) -> String {
    let sale = client.buy().json();
    sale["receipt"].as_str().expect("a receipt").to_owned()
}

#[track_caller]
fn wait_for_verdict(browser: &Browser, verdict: &str) {
    eventually(&format!("the verdict `{verdict}`"), || {
        let now = browser.run("return document.getElementById('verdict').dataset.verdict");
        (now == verdict).then_some(())
    });
}

#[test]
fn operator_sees_the_figures_live_and_restocks() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let browser = Browser::start();
    sign_in(&browser, &server, "operator");
    browser.wait_for_text("count", |text| text == "100");

    server.buy();
    browser.wait_for_text("sold", |text| text == "1");
    assert_eq!((browser.text("revision"), browser.text("locking")), ("1".into(), "group".into()));

    browser.fill("restock-quantity", "50");
    browser.click("restock");

    browser.wait_for_text("count", |text| text == "149");
    browser.wait_for_text("answers", |text| text.contains("50 more tickets on sale"));
}

#[test]
fn operator_finds_a_sale_and_refunds_it() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    for buyer in ["Ada <script>", "Grace", "Ada Two"] {
        server.post("/buy", &json!({"quantity": 2, "buyer": buyer}));
    }
    let receipt = sold(server.client());
    let browser = Browser::start();
    sign_in(&browser, &server, "operator");
    browser
        .wait_for_text("sales", |text| text.lines().next().is_some_and(|l| l.contains("Ticket 7")));

    browser.fill("find", "grace");
    browser.wait_for_text("sales", |text| text.contains("Grace") && !text.contains("Ada"));
    browser.fill("find", "2");
    browser.wait_for_text("sales", |text| text.contains("Ada <script>") && !text.contains("Grace"));
    browser.fill("find", &format!("{}/receipts/{receipt}", server.url()));
    browser.wait_for_text("sales", |text| text.contains("Ticket 7") && !text.contains("Ada"));

    let press = "document.querySelector('#sales button').click()";
    browser.run(press);
    browser.wait_for_text("sales", |text| text.contains("Sure?"));
    browser.run(press);

    browser.wait_for_text("answers", |text| text.contains("Ticket 7 refunded"));
    browser.wait_for_text("sales", |text| text.contains("Refunded"));
    browser.wait_for_text("refunded", |text| text == "1");
    browser.wait_for_text("chart", |text| text.contains("each minute, at most"));
}

#[test]
fn wrong_token_is_told_so() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let browser = Browser::start();
    browser.open(&format!("{}/operator", server.url()));

    browser.press("token", &format!("another-long-secret{ENTER}"));

    browser.wait_for_text("sign-in-answer", |text| text.contains("not the token"));
    assert!(!browser.is_visible("signed-in"));
}

#[test]
fn operator_closes_the_sale_and_the_buyers_page_says_so() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let (browser, buyer) = (Browser::start(), Browser::start());
    sign_in(&browser, &server, "operator");
    buyer.open(server.url());

    // A second press, so that nobody closes a sale with an elbow.
    browser.click("set-sale");
    browser.wait_for_text("set-sale", |text| text == "Press again");
    browser.click("set-sale");

    browser.wait_for_text("sale-heading", |text| text == "The sale is closed");
    buyer.wait_for_text("over-heading", |text| text == "The sale is closed");
    assert!(!buyer.is_visible("buy"));
    assert!(
        server
            .get("/")
            .text()
            .contains("<h2 id=\"over-heading\" tabindex=\"-1\">The sale is closed")
    );

    browser.wait_for_text("set-sale", |text| text == "Open the sale");
    browser.click("set-sale");
    browser.wait_for_text("set-sale", |text| text == "Press again");
    browser.click("set-sale");
    eventually("the form to be back", || buyer.is_visible("buy").then_some(()));
}

#[test]
fn second_press_does_what_the_first_one_meant() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let browser = Browser::start();
    sign_in(&browser, &server, "operator");

    browser.click("set-sale");
    browser.wait_for_text("set-sale", |text| text == "Press again");
    let close = server.request(Method::POST, "/sale").json(&json!({"open": false}));
    let closed = Answer::to(close.header("Authorization", format!("Bearer {TOKEN}")));
    assert_eq!(closed.status, 200, "{closed:?}");
    browser.wait_for_text("sale-heading", |text| text == "The sale is closed");
    browser.click("set-sale");

    let told = browser.wait_for_text("answers", |text| !text.is_empty());
    assert!(told.contains("The sale is closed"), "{told}");
    assert_eq!(server.search()["open"], json!(false));
}

#[test]
fn restock_whose_answer_was_lost_is_done_once_also_where_a_repetition_is_refused() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let front = Stub::before(server.address(), "POST /restock", |number| match number {
        0 => Fate::AnswerLost,
        1 => Fate::Refused("429 too-many-requests"),
        _ => Fate::Passed,
    });
    let browser = Browser::start();
    sign_in_at(&browser, &front.url(), "operator");

    browser.fill("restock-quantity", "50");
    for told in ["We are not sure", "too-many-requests", "50 more tickets on sale"] {
        browser.click("restock");
        browser.wait_for_text("answers", |text| text.contains(told));
    }

    assert_eq!(counter.count(), 150);
}

#[test]
fn door_remembers_that_an_answer_was_lost_until_it_has_one() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let receipt = sold(server.client());
    let front = Stub::before(server.address(), "POST /receipts/", |number| match number {
        0 => Fate::AnswerLost,
        1 => Fate::Refused("429 too-many-requests"),
        _ => Fate::Passed,
    });
    let browser = Browser::start();
    sign_in_at(&browser, &front.url(), "door");
    let scan = |told: &str| {
        browser.press("code", &format!("{receipt}{ENTER}"));
        browser.wait_for_text("verdict-words", |text| text.contains(told));
        wait_for_verdict(&browser, "unsure");
    };

    scan("No answer from the server");
    browser.open(&format!("{}/door", front.url()));
    eventually("the door, signed in", || browser.is_visible("signed-in").then_some(()));
    scan("of the test");
    scan("Perhaps by your own scan");

    browser.press("code", &format!("{receipt}{ENTER}"));
    wait_for_verdict(&browser, "bad");
    assert!(browser.text("verdict").contains("Used before"), "{}", browser.text("verdict"));
}

#[test]
fn door_lets_a_ticket_in_once() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let receipt = sold(server.client());
    let browser = Browser::start();
    sign_in(&browser, &server, "door");

    // An address, as in the QR code, wherever the ticket was opened.
    browser.press("code", &format!("https://shop.example/tickets/receipts/{receipt}{ENTER}"));
    wait_for_verdict(&browser, "good");
    assert!(browser.text("verdict").contains("Come in"), "{}", browser.text("verdict"));
    browser.wait_for_text("admitted", |text| text == "1");

    browser.press("code", &format!("{receipt}{ENTER}"));
    wait_for_verdict(&browser, "bad");
    assert!(browser.text("verdict").contains("Used before"), "{}", browser.text("verdict"));
    assert!(browser.text("before").contains("Come in"), "{}", browser.text("before"));
}

#[test]
fn door_refuses_what_was_refunded_and_what_is_no_ticket() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let receipt = sold(server.client());
    let refund = server.request(Method::DELETE, &format!("/receipts/{receipt}"));
    let refunded = Answer::to(refund.header("Authorization", format!("Bearer {TOKEN}")));
    assert_eq!(refunded.status, 200, "{refunded:?}");
    let browser = Browser::start();
    sign_in(&browser, &server, "door");

    for (code, words) in [(receipt.as_str(), "Refunded"), ("4711", "No ticket")] {
        browser.press("code", &format!("{code}{ENTER}"));
        browser.wait_for_text("verdict", |text| text.contains(words));
        wait_for_verdict(&browser, "bad");
    }
}

#[test]
fn door_that_has_no_connection_lets_nobody_in() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let receipt = sold(server.client());
    let browser = Browser::start();
    sign_in(&browser, &server, "door");

    server.kill();
    browser.press("code", &format!("{receipt}{ENTER}"));

    wait_for_verdict(&browser, "unsure");
    assert!(browser.text("verdict").contains("Not checked"), "{}", browser.text("verdict"));
    browser.wait_for_text("live-state", |text| text.contains("No connection"));
}

#[test]
fn token_is_kept_in_the_tab_and_nowhere_else() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    let browser = Browser::start();
    sign_in(&browser, &server, "operator");

    browser.open(&format!("{}/door", server.url()));
    eventually("the door, signed in", || browser.is_visible("signed-in").then_some(()));
    assert_eq!(browser.run("return [localStorage.length, document.cookie]"), json!([0, ""]));
    browser.click("sign-out");
    assert!(browser.is_visible("token"));
    assert_eq!(browser.run("return sessionStorage.length"), json!(0));
}

#[test]
fn pages_say_nothing_to_whoever_has_no_token() {
    let counter = Counter::with(4711);
    let server = serve(&counter);
    for page in ["/operator", "/door"] {
        let shell = server.get(page);
        assert_eq!(shell.status, 200, "{shell:?}");
        assert!(!shell.text().contains("4711"), "{}", shell.text());
        let policy = shell.header("Content-Security-Policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    }
}

#[test]
fn pages_fit_a_phone_and_break_no_policy() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter);
    sold(server.client());
    let browser = Browser::start();
    for page in ["operator", "door"] {
        sign_in(&browser, &server, page);
        let overhang = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(overhang.as_f64().is_some_and(|pixels| pixels <= 0.0), "{page}: {overhang} px");
        let headings = browser.run("return document.querySelectorAll('h1').length");
        assert_eq!(headings, Value::from(1), "{page}");
        browser.click("sign-out");
    }
}
