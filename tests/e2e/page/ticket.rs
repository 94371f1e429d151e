//! The ticket: a page of its own, with its QR code, after a reload and behind a proxy.

use e2e::{Answer, Browser, Counter, Method, Nginx, RawRequest, eventually};
use serde_json::json;

use crate::{problem::assert_problem, programs::serve};

/// Where the browser is now.
fn location(browser: &Browser) -> String {
    let location = browser.run("return location.href");
    location.as_str().unwrap_or_default().to_owned()
}

#[test]
fn ticket_is_there_again_after_a_reload() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());
    browser.fill("buyer", "Ada");
    browser.click("buy");
    browser.wait_for_text("answers", |text| text.contains("Ticket 1 is yours"));

    browser.open(server.url());
    browser.wait_for_text("kept-list", |text| text.contains("Ticket 1"));
    browser.run("document.querySelector('#kept-list a').click()");

    let at_ticket = || location(&browser).contains("/receipts/").then_some(());
    eventually("the ticket's page", at_ticket);
    assert_eq!((browser.text("tickets"), browser.text("buyer")), ("Ticket 1".into(), "Ada".into()));
    browser.run("location.reload()");
    browser.wait_for_text("tickets", |text| text == "Ticket 1");
}

#[test]
fn ticket_of_a_counter_that_is_gone_is_not_kept() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let browser = Browser::start();
    browser.open(server.url());
    browser.run(
        "localStorage.setItem('tickets / bought', \
         JSON.stringify([{receipt: 'of-another', tickets: [1], at: '2026-01-01T00:00:00Z'}]))",
    );

    browser.open(server.url());

    eventually("the list to be empty", || (!browser.is_visible("kept")).then_some(()));
}

#[test]
fn browser_gets_a_page_and_a_program_gets_json() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let path = server.buy().header("Location").to_owned();
    let get = |path: &str, accept: &str| {
        Answer::to(server.request(Method::GET, path).header("Accept", accept))
    };

    for (accept, content_type) in [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("image/svg+xml", "image/svg+xml"),
    ] {
        let ticket = get(&path, accept);

        assert_eq!((ticket.status, ticket.header("Content-Type")), (200, content_type), "{accept}");
        assert_eq!(ticket.header("Vary"), "accept");
    }
    let unknown = get("/receipts/unknown", "text/html");
    assert_eq!((unknown.status, unknown.header("Content-Type")), (404, "text/html; charset=utf-8"));
    assert_eq!(get("/receipts/unknown", "image/svg+xml").status, 404);
}

#[test]
fn link_with_something_behind_it_leads_a_browser_to_the_page_and_a_program_nowhere() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let ticket = server.buy().header("Location").to_owned();
    let get = |address: &str, accept: &str| {
        let host = format!("Host: {}\r\nConnection: close", server.address());
        let head = format!("GET {address} HTTP/1.1\r\n{host}\r\nAccept: {accept}\r\n\r\n");
        RawRequest::send(server.address(), head).answer()
    };

    for path in ["/", "/operator", "/door", &ticket] {
        let link = format!("{path}?fbclid=IwAR0&utm_source=mail");
        let page = get(&link, "text/html,application/xhtml+xml,*/*;q=0.8");

        assert_eq!(page.status, 303, "{path}");
        let name = path.rsplit('/').next().expect("a path");
        assert_eq!(page.header("Location"), format!("./{name}"), "{path}");
        assert_problem(&server, &get(&link, "application/json"), 400, "invalid-request");
        assert_eq!(get(&format!("{path}?"), "text/html").status, 200, "{path}");
    }
    // It buys nothing, whatever it says.
    assert_problem(&server, &get("/search?quantity=2", "text/html"), 400, "invalid-request");
    assert_problem(&server, &server.post_text("/buy?quantity=2", ""), 400, "invalid-request");
    assert_eq!(counter.count(), 99);

    let nginx = Nginx::before_under("tickets", server.address());
    let browser = Browser::start();
    browser.open(&format!("{}{ticket}?utm_source=mail", nginx.url()));
    eventually("the ticket's page", || {
        (location(&browser) == format!("{}{ticket}", nginx.url())).then_some(())
    });
    browser.open(&format!("{}/?fbclid=IwAR0", nginx.url()));
    browser.wait_for_text("count", |text| text == "99");
}

/// The proxy passes on nothing that tells its prefix: only the page can know where it is.
#[test]
fn everything_works_under_the_prefix_of_a_proxy() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let nginx = Nginx::before_under("tickets", server.address());
    let browser = Browser::start();

    browser.open(&format!("{}/", nginx.url()));
    browser.wait_for_text("live-state", |text| text == "live");
    browser.click("buy");
    browser.wait_for_text("answers", |text| text.contains("Ticket 1 is yours"));
    server.buy();
    browser.wait_for_text("count", |text| text == "98");
    browser.run("document.querySelector('#answers a').click()");

    let ticket = format!("{}/receipts/", nginx.url());
    eventually("the ticket's page", || location(&browser).starts_with(&ticket).then_some(()));
    let own = "return document.getElementById('code').dataset.address === location.href";
    eventually("its own address in the code", || (browser.run(own) == json!(true)).then_some(()));
    browser.run("document.querySelector('.actions a').click()");
    browser.wait_for_text("count", |text| text == "98");
}

#[test]
fn form_works_under_the_prefix_of_a_proxy() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let nginx = Nginx::before_under("tickets", server.address());
    let browser = Browser::start_without_javascript();

    browser.open(&format!("{}/", nginx.url()));
    browser.click("buy");

    assert_eq!(browser.text("tickets"), "Ticket 1");
}
