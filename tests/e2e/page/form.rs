//! Buying without a script: a form, 303, the ticket.

use e2e::{Answer, Browser, Client, Counter, Method, eventually};
use serde_json::json;

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with},
};

/// `POST /buy` with a form, by a program.
fn send(client: &Client, form: &str) -> Answer {
    send_accepting(client, form, "*/*")
}

fn send_accepting(client: &Client, form: &str, accept: &str) -> Answer {
    let request = client.request(Method::POST, "/buy").body(form.to_owned());
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    Answer::to(request.header("Accept", accept))
}

#[test]
fn buyer_without_javascript_gets_the_ticket() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--event", "Jazz <live>"]);
    let browser = Browser::start_without_javascript();
    browser.open(server.url());
    assert_eq!(
        (browser.text("event"), browser.text("count")),
        ("Jazz <live>".into(), "100".into())
    );

    browser.fill("quantity", "2");
    browser.fill("buyer", "Zoë <script>");
    browser.click("buy");

    assert_eq!(browser.text("tickets"), "Tickets 1 and 2");
    assert_eq!(browser.text("buyer"), "Zoë <script>");
    assert!(browser.is_visible("code"));
    assert_eq!(counter.count(), 98);
}

#[test]
fn form_is_answered_with_the_way_to_the_receipt() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let client = server.client();
    let sold = send(client, "quantity=2&buyer=Zo%C3%AB");

    // The client follows, as a browser does, and says what it takes as no browser does.
    assert_eq!((sold.status, sold.header("Content-Type")), (200, "application/json"), "{sold:?}");
    assert_eq!(sold.json()["buyer"], "Zoë");
    assert_eq!(counter.count(), 98);
}

#[test]
fn form_that_is_sent_twice_buys_once() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let form = "quantity=1&key=of-one-page";
    let first = send(server.client(), form).json();

    assert_eq!(send(server.client(), form).json()["receipt"], first["receipt"]);
    assert_eq!(send(server.client(), "quantity=2&key=of-one-page").status, 422);
    assert_eq!(counter.count(), 99);
}

#[test]
fn what_is_wrong_with_a_form_is_told_as_a_page() {
    let counter = Counter::with(2);
    let server = serve(&counter);

    for (form, status, words) in [
        ("quantity=3", 409, "Only 2 left"),
        ("quantity=11", 400, "from 1 to 10"),
        ("quantiy=1", 400, "quantiy"),
        ("quantity=1&quantity=1", 400, "twice"),
        ("buyer=a%00b", 400, "control characters"),
    ] {
        let refused = send_accepting(server.client(), form, "text/html,*/*;q=0.8");

        assert_eq!(refused.status, status, "{form}: {refused:?}");
        assert_eq!(refused.header("Content-Type"), "text/html; charset=utf-8", "{form}");
        assert!(refused.text().contains(words), "{form}: {}", refused.text());
        let told = send(server.client(), form);
        assert_eq!(told.header("Content-Type"), "application/problem+json", "{form}: {told:?}");
    }
    assert_eq!(counter.count(), 2);
}

#[test]
fn form_that_is_turned_away_is_told_so_as_a_page() {
    let counter = Counter::with(1000);
    let server = serve_with(&counter, &["--rate-limit", "1/s"]);
    let form = |path: &str, header: (&'static str, &'static str)| {
        let request = server.request(Method::POST, path).header(header.0, header.1);
        let request = request.header("Accept", "text/html,*/*;q=0.8").body("quantity=1");
        Answer::to(request.header("Content-Type", "application/x-www-form-urlencoded"))
    };
    let too_often = || {
        let answer = form("/buy", ("Accept-Language", "en"));
        (answer.status != 200).then_some(answer)
    };

    for (refused, status, words) in [
        (form("/buy?quantity=1", ("Accept-Language", "en")), 400, "unknown parameter"),
        (form("/buy", ("Origin", "https://evil.example")), 403, "page of another site"),
        (form("/buy", ("Host", "evil.example")), 421, "this host name"),
        (eventually("a form too many", too_often), 429, "Too many orders"),
    ] {
        assert_eq!(refused.status, status, "{refused:?}");
        assert_eq!(refused.header("Content-Type"), "text/html; charset=utf-8", "{status}");
        assert!(refused.text().contains(words), "{status}: {}", refused.text());
        let policy = refused.header("Content-Security-Policy");
        assert!(policy.starts_with("default-src 'none'"), "{status}: {policy}");
    }
}

#[test]
fn form_of_another_site_buys_nothing() {
    let counter = Counter::with(2);
    let server = serve(&counter);

    let request = server.request(Method::POST, "/buy").header("Origin", "https://evil.example");
    let form =
        request.header("Content-Type", "application/x-www-form-urlencoded").body("quantity=1");

    assert_problem(&server, &Answer::to(form), 403, "foreign-origin");
    assert_eq!(counter.count(), 2);
}

#[test]
fn lesson_without_receipts_sells_to_a_form_all_the_same() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--locking", "none"]);

    let sold = send(server.client(), "quantity=2");

    assert_eq!(sold.status, 201, "{sold:?}");
    assert!(sold.text().contains("Tickets 1 and 2"), "{}", sold.text());
    assert_eq!(counter.count(), 98);
}

#[test]
fn name_is_the_same_by_form_and_as_json_and_white_space_is_none() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--buyer", "required"]);

    for nobody in ["{\"buyer\": \"  \"}", "{\"buyer\": \"\\u00a0\"}"] {
        assert_eq!(server.post_text("/buy", nobody).status, 400, "{nobody}");
        assert_eq!(server.post_text("/holds", nobody).status, 400, "{nobody}");
    }
    assert_eq!(counter.count(), 100);
    let sold = send(server.client(), "buyer=+Ann+&key=one");
    // The client has followed to the receipt.
    assert_eq!((sold.status, &sold.json()["buyer"]), (200, &json!("Ann")), "{sold:?}");
    let again = server.request(Method::POST, "/buy").header("Idempotency-Key", "one");
    let again = again.header("Content-Type", "application/json").body("{\"buyer\": \" Ann \"}");
    let again = Answer::to(again);
    assert_eq!((again.status, again.header("Idempotent-Replayed")), (201, "true"), "{again:?}");
}

#[test]
fn name_is_asked_for_refused_or_missed_as_the_operator_wants() {
    for (rule, without, with_a_name) in
        [("none", 201, 400), ("optional", 201, 201), ("required", 400, 201)]
    {
        let counter = Counter::with(100);
        let server = serve_with(&counter, &["--buyer", rule]);

        let answers = ["{}", "{\"buyer\": \"Ada\"}"].map(|body| server.post_text("/buy", body));

        assert_eq!(
            answers.each_ref().map(|answer| answer.status),
            [without, with_a_name],
            "{rule}"
        );
        for refused in answers.iter().filter(|answer| answer.status == 400) {
            assert_problem(&server, refused, 400, "invalid-request");
            assert!(refused.text().contains("`buyer`"), "{}", refused.text());
            assert!(refused.text().contains(&format!("--buyer {rule}")), "{}", refused.text());
        }
        assert_eq!(server.get("/").text().contains("id=\"buyer\""), rule != "none");
    }
}
