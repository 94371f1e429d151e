//! `loadgen map init`: a first map, which after a look at its marks fits the shop.

use std::fs;

use e2e::Counter;
use serde_json::{Value, json};

use super::python_shop::PythonShop;
use crate::programs::{loadgen, serve};

#[test]
fn map_from_the_description_of_our_own_server_sells_there() {
    let counter = Counter::with(20);
    let server = serve(&counter);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [description, map] = ["openapi.json", "shop.toml"].map(|name| folder.path().join(name));
    let described = server.client().get("/openapi.json").text();
    fs::write(&description, described).expect("the test's own");

    let drawn = loadgen().args(["map", "init", server.url(), "--openapi"]).arg(&description).run();

    assert_eq!(drawn.code, Some(0), "{drawn:?}");
    assert!(drawn.stdout.contains("# ?") && drawn.stderr.contains("are marked"), "{drawn:?}");
    fs::write(&map, &drawn.stdout).expect("the test's own");
    let rehearsed = loadgen().args(["try", server.url(), "--buy", "--map"]).arg(&map).run();
    assert_eq!(rehearsed.code, Some(0), "{}{rehearsed:?}", drawn.stdout);
    assert!(rehearsed.stdout.contains("left after the purchase: 19"), "{rehearsed:?}");
}

fn seen(method: &str, url: &str, status: u16, answer: &str, sent: &str) -> Value {
    json!({
        "request": {
            "method": method,
            "url": url,
            "headers": [{"name": "Cookie", "value": "session=s3cret"}],
            "postData": {"mimeType": "application/x-www-form-urlencoded", "text": sent},
        },
        "response": {"status": status, "content": {"text": answer}},
    })
}

#[test]
fn map_from_a_recorded_purchase_sells_once_its_marks_are_seen_to() {
    let shop = PythonShop::open("forms", 20, false);
    let url = |path: &str| format!("{}{path}", shop.url());
    let page = |csrf: &str| format!("<form><input type=hidden name=csrf value=\"{csrf}\"></form>");
    let recording = json!({"log": {"entries": [
        seen("GET", "chrome-extension://abcdef/inject.js", 200, "", ""),
        seen("GET", &url("/login"), 200, &page("first-one"), ""),
        seen("POST", &url("/login"), 302, "", "csrf=first-one&mail=me%40x.test&password=hunter2"),
        seen("GET", &url("/hello"), 200, "Hello", ""),
        seen("GET", &url("/basket"), 200, &page("second-one"), ""),
        seen("POST", &url("/basket"), 303, "", "csrf=second-one&seats=1&event=concert"),
        seen("GET", &url("/style.css"), 200, "", ""),
        seen("GET", &url("/checkout"), 200, &page("third-one"), ""),
        seen("POST", &url("/checkout"), 303, "", "csrf=third-one&terms=on"),
        seen("GET", &url("/orders/17"), 200, "<p>Seat <b>1</b></p>", ""),
    ]}});
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("purchase.har");
    fs::write(&path, recording.to_string()).expect("the test's own");

    let drawn = loadgen().args(["map", "init", &shop.url(), "--har"]).arg(&path).run();

    assert_eq!(drawn.code, Some(0), "{drawn:?}");
    for secret in ["hunter2", "me@x.test", "first-one", "s3cret"] {
        assert!(!drawn.stdout.contains(secret), "{}", drawn.stdout);
    }
    let ticket = drawn.stdout.lines().find(|line| line.starts_with("# ? ticket")).expect("marked");
    let map = drawn.stdout.replace(ticket, "ticket = 'regex:Seat <b>([^<]+)</b>'");
    shop.replace_map(&map);
    let rehearsed = shop.program("try").arg("--buy").run();
    assert_eq!(rehearsed.code, Some(0), "{map}{rehearsed:?}");
    assert!(rehearsed.stdout.contains("bought: 1"), "{rehearsed:?}");
}

#[test]
fn files_that_describe_no_shop_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file.json");
    let of_extension =
        json!({"log": {"entries": [seen("GET", "chrome-extension://abcdef/x.html", 200, "", "")]}});
    for (flag, text, said) in [
        ("--openapi", "openapi: 3.1.0", "is no JSON"),
        ("--openapi", "{}", "no OpenAPI description"),
        ("--har", "{}", "no HAR recording"),
        ("--har", &of_extension.to_string(), "chrome-extension://abcdef"),
    ] {
        fs::write(&path, text).expect("the test's own");
        let drawn = loadgen().args(["map", "init", "http://shop.test", flag]).arg(&path).run();
        assert_eq!(drawn.code, Some(2), "{drawn:?}");
        assert!(drawn.stderr.contains(said) && drawn.stdout.is_empty(), "{drawn:?}");
    }
}
