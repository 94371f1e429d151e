//! Under which names the server answers, and which pages may call it.

use e2e::{Answer, Counter, Method, RawRequest, Server};

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with, server},
};

fn ask(server: &Server, head: &str) -> Answer {
    RawRequest::send(server.address(), format!("{head}\r\nConnection: close\r\n\r\n")).answer()
}

#[test]
fn probe_is_answered_under_any_host() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for path in ["/livez", "/readyz"] {
        for host in ["10.244.0.5:8080", "[fd00::5]:8080", "shop.example", "a_b.c.svc.local"] {
            let answer = ask(&server, &format!("GET {path} HTTP/1.1\r\nHost: {host}"));
            assert_eq!(answer.status, 200, "{path}, {host}: {answer:?}");
            let answer = ask(&server, &format!("HEAD {path} HTTP/1.1\r\nHost: {host}"));
            assert_eq!(answer.status, 200, "{path}, {host}: {answer:?}");
        }
        assert_eq!(ask(&server, &format!("GET {path} HTTP/1.0")).status, 200, "{path}");
        // RFC 9112, section 3.2: HTTP/1.1 has exactly one `Host`.
        for hosts in ["", "\r\nHost: localhost\r\nHost: localhost"] {
            let answer = ask(&server, &format!("GET {path} HTTP/1.1{hosts}"));
            assert_problem(&server, &answer, 400, "invalid-request");
        }
    }
    for call in ["GET /search", "GET /", "GET /livezz", "POST /buy", "POST /livez"] {
        let answer = ask(&server, &format!("{call} HTTP/1.1\r\nHost: 10.244.0.5:8080"));
        assert_problem(&server, &answer, 421, "wrong-host");
        let answer = ask(&server, &format!("{call} HTTP/1.0"));
        assert_problem(&server, &answer, 400, "invalid-request");
    }
    assert_eq!(counter.count(), 100);
}

#[test]
fn page_of_another_port_is_another_origin() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--allow-host", "Shop.Example"]);
    let buy_from =
        |origin: &str| Answer::to(server.request(Method::POST, "/buy").header("Origin", origin));

    for origin in [
        "https://shop.example",
        "http://shop.example",
        "https://SHOP.example",
        "https://shop.example:443",
        "https://shop.example.",
        server.url(),
    ] {
        assert_eq!(buy_from(origin).status, 201, "{origin}");
    }
    for origin in [
        "https://shop.example:8443",
        "http://shop.example:8080",
        "http://shop.example:443",
        "ftp://shop.example",
        "https://x.shop.example",
        "http://localhost",
        "http://127.0.0.1:1",
        "https://shop.example@evil.example",
        "null",
    ] {
        let answer = buy_from(origin);
        assert_problem(&server, &answer, 403, "foreign-origin");
    }
    assert_eq!(counter.count(), 94);
}

#[test]
fn refusal_names_the_flag_that_would_mend_it() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let host = ask(&server, "POST /buy HTTP/1.1\r\nHost: shop.example:8080");
    assert!(host.text().contains("--allow-host shop.example`"), "{}", host.text());
    let origin = server.request(Method::POST, "/buy").header("Origin", "https://shop.example");
    let origin = Answer::to(origin);
    assert!(origin.text().contains("--allow-host shop.example`"), "{}", origin.text());

    // What no flag mends: the proxy in front hides the port that the page came from.
    let allowing = serve_with(&counter, &["--allow-host", "shop.example"]);
    let request = allowing.request(Method::POST, "/buy");
    let port = Answer::to(request.header("Origin", "https://shop.example:8443"));
    assert_eq!(port.status, 403);
    assert!(port.text().contains("$http_host"), "{}", port.text());
}

#[test]
fn name_that_a_refusal_gives_the_operator_is_one_that_mends_it() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for host in ["shop.example.", "SHOP.example.:8080", "[fd00:0::5]:80", "10.1", "bücher.example"]
    {
        let head = format!("GET /search HTTP/1.1\r\nHost: {host}");
        let refused = ask(&server, &head);
        assert_problem(&server, &refused, 421, "wrong-host");
        let text = refused.text();
        let (_, named) = text.split_once("--allow-host ").expect("a flag");
        let named = named.split('`').next().unwrap_or_default();

        let allowing = serve_with(&counter, &["--allow-host", named]);

        let answer = ask(&allowing, &head);
        assert_eq!(answer.status, 200, "{host}, {named}: {answer:?}");
    }
    for host in ["a..b", "*.example", "a b"] {
        let refused = ask(&server, &format!("GET /search HTTP/1.1\r\nHost: {host}"));
        assert_problem(&server, &refused, 421, "wrong-host");
        assert!(!refused.text().contains("--allow-host"), "no flag allows it: {refused:?}");
    }
}

#[test]
fn allowed_name_that_would_never_match_is_refused_with_a_hint() {
    let counter = Counter::with(100);

    for (name, hint) in [
        ("*", "each name"),
        ("*.shop.example", "each name"),
        ("shop.example:8080", "`--allow-host shop.example`"),
        ("http://shop.example", "`--allow-host shop.example`"),
        ("https://shop.example:8443/buy", "`--allow-host shop.example`"),
        ("shop.example/", "`--allow-host shop.example`"),
        ("10.0.0.0/8", "each address"),
        ("10.0.0.5:80", "`--allow-host 10.0.0.5`"),
        ("[fd00::5]:80", "`--allow-host [fd00::5]`"),
        ("a.example,b.example", "each name"),
        ("a.example b.example", "each name"),
        ("", "`--allow-host shop.example`"),
        (" ", "`--allow-host shop.example`"),
        ("shop..example", "`--allow-host shop.example`"),
        (".", "`--allow-host shop.example`"),
        ("0.0.0.0", "each by which it is called"),
        ("0", "each by which it is called"),
        ("::", "each by which it is called"),
        ("[::]", "each by which it is called"),
        ("[::ffff:0.0.0.0]", "each by which it is called"),
        ("10.0.0.256", "`--allow-host shop.example`"),
        ("shop.example\u{7}", "`--allow-host shop.example`"),
    ] {
        let refusal = server().arg("--allow-host").arg(name).arg("--db").arg(counter.path()).run();

        assert_eq!(refusal.code, Some(2), "{name}: {refusal:?}");
        let told = refusal.stderr.split("hint:").nth(1).unwrap_or_default();
        assert!(told.contains(hint), "{name}: {}", refusal.stderr);
        assert!(refusal.stderr.contains("--allow-host"), "{name}: {}", refusal.stderr);
    }
}

#[test]
fn server_that_other_machines_reach_needs_an_allowed_name() {
    let counter = Counter::with(100);
    let listening =
        |address: &str| server().args(["--listen", address, "--db"]).arg(counter.path());

    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:0.0.0.0]:0"] {
        let refusal = listening(address).run();

        assert_eq!(refusal.code, Some(2), "{address}: {refusal:?}");
        assert!(refusal.stderr.contains(address), "{address}: {}", refusal.stderr);
        let told = refusal.stderr.split("hint:").nth(1).unwrap_or_default();
        assert!(told.contains("--allow-host"), "{address}: {}", refusal.stderr);
    }
    assert!(!counter.ledger().exists());
    for (listen, program) in [
        ("127.0.0.2:0", listening("127.0.0.2:0")),
        ("0.0.0.0:0", listening("0.0.0.0:0").args(["--allow-host", "shop.example"])),
        ("noop", server().args(["noop", "--listen", "0.0.0.0:0"])),
    ] {
        let process = program.start();
        let patience = std::time::Duration::from_secs(20);
        let line =
            process.stderr().find_line(patience, |line| line.strip_prefix("listening").map(drop));
        assert!(line.is_some(), "{listen}: {}", process.stderr().text());
    }
}

#[test]
fn allowed_name_is_known_in_every_spelling() {
    let counter = Counter::with(100);

    for (name, host) in [
        ("SHOP.Example", "shop.example"),
        ("shop.example.", "shop.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("10.244.0.5", "10.244.0.5:8080"),
        ("fd00:0::5", "[fd00::5]:8080"),
        ("[FD00::5]", "[fd00::5]"),
        ("a_b.shop.svc", "a_b.shop.svc"),
    ] {
        let server = serve_with(&counter, &["--allow-host", name]);

        let answer = ask(&server, &format!("GET /search HTTP/1.1\r\nHost: {host}"));
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
}
