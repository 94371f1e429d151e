//! Requests that are refused: each by a problem document that says why, and nothing is sold.

use e2e::{Answer, Counter, Method, RawRequest, Server};

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with},
};

#[test]
fn bad_quantity_is_refused_by_name() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let big = format!("1{}", "0".repeat(30));

    for quantity in
        ["0", "-1", "1.5", "\"1\"", "1e30", &big, "11", "true", "[1]", "{}", "1e0", "1.0", "01"]
    {
        let answer = server.post_text("/buy", &format!("{{\"quantity\": {quantity}}}"));

        assert_problem(&server, &answer, 400, "invalid-request");
        if quantity != "01" {
            assert!(answer.json()["detail"].to_string().contains("quantity"), "{}", answer.text());
        }
    }
    assert_eq!(counter.count(), 100);
}

#[test]
fn member_that_the_call_does_not_know_is_refused_by_name() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for member in ["quantitiy", "Quantity", "price"] {
        let answer = server.post_text("/buy", &format!("{{\"{member}\": 2}}"));

        assert_problem(&server, &answer, 400, "invalid-request");
        assert!(answer.json()["detail"].to_string().contains(member), "{}", answer.text());
    }
    assert_eq!(counter.count(), 100);
}

/// A mistyped quantity must not buy one, wherever it stands.
#[test]
fn parameter_that_the_call_does_not_know_is_refused_by_name() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for (method, path, name) in [
        (Method::POST, "/buy?quantity=2", "quantity"),
        (Method::POST, "/buy?&amount=2&quantity=1", "amount"),
        (Method::POST, "/buy?%71uantity", "%71uantity"),
        (Method::POST, "/restock?quantity=50", "quantity"),
        (Method::GET, "/search?revision=3", "revision"),
        (Method::GET, "/?page=2", "page"),
        (Method::GET, "/receipts/x?buyer=me", "buyer"),
        (Method::GET, "/live?since=3", "since"),
        (Method::GET, "/livez?verbose", "verbose"),
        (Method::GET, "/readyz?verbose=1", "verbose"),
        (Method::GET, "/problems/sold-out?lang=de", "lang"),
    ] {
        let answer = Answer::to(server.request(method, path));

        assert_problem(&server, &answer, 400, "invalid-request");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(&format!("`{name}`")), "{path}: {detail}");
    }
    assert_problem(&server, &server.get("/nothing?quantity=2"), 404, "not-found");
    assert_eq!(counter.count(), 100);
    assert_eq!(Answer::to(server.request(Method::POST, "/buy?")).status, 201);
}

#[test]
fn body_that_is_no_json_object_is_refused() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let deep = "[".repeat(10_000);
    let deep_member = format!("{{\"quantity\": {deep}");

    for body in [
        "quantity=1",
        "{\"quantity\": 1",
        "{\"quantity\": 1} {\"quantity\": 1}",
        "{\"quantity\": 1, \"quantity\": 2}",
        "[1]",
        "1",
        "null",
        "\"{}\"",
        " ",
        "\u{feff}{}",
        &deep,
        &deep_member,
    ] {
        let answer = server.post_text("/buy", body);

        assert_problem(&server, &answer, 400, "invalid-request");
    }
    let no_utf8 = server.request(Method::POST, "/buy").header("Content-Type", "application/json");
    let answer = Answer::to(no_utf8.body(b"{\"buyer\": \"\xff\"}".to_vec()));
    assert_problem(&server, &answer, 400, "invalid-request");
    assert_eq!(counter.count(), 100);
}

#[test]
fn too_large_body_is_refused_before_it_is_read() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let padded = format!("{{\"quantity\": 1}}{}", " ".repeat(1_000_000));
    let announced = format!(
        "POST /buy HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 99999999\r\nConnection: close\r\n\r\n{{",
        server.address()
    );

    let sent = server.post_text("/buy", &padded);
    let only_announced = RawRequest::send(server.address(), announced).answer();

    assert_problem(&server, &sent, 413, "too-large");
    assert_problem(&server, &only_announced, 413, "too-large");
    assert_eq!(counter.count(), 100);
}

#[test]
fn client_that_sends_on_after_its_answer_is_not_cut_off() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let announced = format!(
        "POST /buy HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 99999999\r\nConnection: close\r\n\r\n",
        server.address()
    );

    let mut request = RawRequest::send(server.address(), announced);
    for sent in 0..16 {
        request.send_more(&[b' '; 0x10000]).unwrap_or_else(|error| {
            panic!("after {sent} pieces that it did not ask for the server hung up: {error}")
        });
    }

    assert_problem(&server, &request.answer(), 413, "too-large");
}

#[test]
fn too_large_body_in_chunks_is_refused() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let request = format!(
        "POST /buy HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{}0\r\n\r\n",
        server.address(),
        chunk.repeat(2)
    );

    let answer = RawRequest::send(server.address(), request).answer();

    assert_problem(&server, &answer, 413, "too-large");
    assert_eq!(counter.count(), 100);
}

#[test]
fn body_of_another_type_is_refused() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let typed = |content_type: Option<&str>| {
        let mut request = server.request(Method::POST, "/buy").body("{\"quantity\": 1}");
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        Answer::to(request)
    };

    for content_type in [None, Some("text/plain"), Some("application/jsonp")] {
        assert_problem(&server, &typed(content_type), 415, "unsupported-media-type");
    }
    // What `curl -d` sends where nothing is said: a form, of one member that no order has.
    let as_form = typed(Some("application/x-www-form-urlencoded"));
    assert_problem(&server, &as_form, 400, "invalid-request");
    assert!(
        as_form.text().contains("unknown member `{\\\"quantity\\\": 1}`"),
        "{}",
        as_form.text()
    );
    assert_eq!(counter.count(), 100);
}

#[test]
fn body_with_a_content_encoding_is_refused_by_its_name() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let coded = |codings: &[&str], body: &'static [u8]| {
        let request = server.request(Method::POST, "/buy");
        let request = codings
            .iter()
            .fold(request, |request, coding| request.header("Content-Encoding", *coding));
        Answer::to(request.header("Content-Type", "application/json").body(body))
    };

    for (codings, name) in [
        (&["gzip"][..], "gzip"),
        (&["br"], "br"),
        (&["identity", "deflate"], "deflate"),
        (&["identity, zstd"], "zstd"),
    ] {
        // Whatever it is, and also where it would be JSON as it stands.
        for body in [&b"\x1f\x8b\x08"[..], b"{\"quantity\": 1}"] {
            let answer = coded(codings, body);

            assert_problem(&server, &answer, 415, "unsupported-media-type");
            assert!(answer.text().contains(name), "{}", answer.text());
        }
    }
    assert_eq!(counter.count(), 100);
    for (codings, body) in
        [(&["identity"][..], &b"{}"[..]), (&["Identity"], b"{}"), (&["gzip"], b"")]
    {
        assert_eq!(coded(codings, body).status, 201, "{codings:?}");
    }
}

#[test]
fn unknown_path_is_not_found() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for path in ["/nothing", "/buy/", "/search/x", "//buy", "/problems/no-such-problem", "/db.txt"]
    {
        assert_problem(&server, &server.get(path), 404, "not-found");
    }
}

#[test]
fn wrong_method_is_told_the_right_ones() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for (method, path, allowed) in [
        (Method::GET, "/buy", "POST"),
        (Method::PUT, "/buy", "POST"),
        (Method::POST, "/search", "GET"),
        (Method::DELETE, "/", "GET"),
        (Method::POST, "/live", "GET"),
    ] {
        let answer = Answer::to(server.request(method.clone(), path));

        assert_problem(&server, &answer, 405, "method-not-allowed");
        let allow = answer.header("Allow");
        assert!(
            allow.split(',').any(|one| one.trim() == allowed),
            "{method} {path}: Allow: {allow}"
        );
        assert!(!allow.contains(method.as_str()), "{method} {path}: Allow: {allow}");
    }
    assert_eq!(counter.count(), 100);
}

#[test]
fn foreign_host_is_misdirected() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"] {
        for (method, path) in [("GET", "/search"), ("POST", "/buy"), ("GET", "/")] {
            let answer = with_hosts(&server, method, path, &[host]);

            assert_problem(&server, &answer, 421, "wrong-host");
        }
    }
    assert_eq!(counter.count(), 100);
}

#[test]
fn host_is_named_exactly_once() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let own = server.address();

    for hosts in [&[][..], &[own, own], &[own, "evil.example"]] {
        let answer = with_hosts(&server, "POST", "/buy", hosts);

        assert_problem(&server, &answer, 400, "invalid-request");
    }
    assert_eq!(counter.count(), 100);
}

#[test]
fn host_that_the_operator_allowed_is_answered() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--allow-host", "tickets.example"]);

    for host in ["tickets.example", "Tickets.Example:8080", "localhost:1", "[::1]:2"] {
        assert_eq!(with_hosts(&server, "POST", "/buy", &[host]).status, 201, "{host}");
    }
    assert_eq!(with_hosts(&server, "POST", "/buy", &["x.tickets.example"]).status, 421);
}

/// Probes and balancers know no name of the server, and some speak HTTP/1.0 without one.
#[test]
fn probe_is_answered_under_any_host() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let own = server.address();

    for path in ["/livez", "/readyz"] {
        for method in ["GET", "HEAD"] {
            let answer = with_hosts(&server, method, path, &["10.244.0.5:8080"]);
            assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
        }
        let old = RawRequest::send(own, format!("GET {path} HTTP/1.0\r\n\r\n")).answer();
        assert_eq!(old.status, 200, "{path}: {old:?}");
        for hosts in [&[][..], &[own, own]] {
            let answer = with_hosts(&server, "GET", path, hosts);
            assert_problem(&server, &answer, 400, "invalid-request");
        }
        let answer = with_hosts(&server, "POST", path, &["10.244.0.5:8080"]);
        assert_problem(&server, &answer, 421, "wrong-host");
    }
    let old = RawRequest::send(own, "POST /buy HTTP/1.0\r\n\r\n").answer();
    assert_problem(&server, &old, 400, "invalid-request");
    assert_eq!(counter.count(), 100);
}

#[test]
fn page_of_another_site_cannot_buy() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for origin in ["http://evil.example", "null", "https://localhost.evil.example"] {
        let answer = Answer::to(server.request(Method::POST, "/buy").header("Origin", origin));

        assert_eq!(answer.status, 403, "{origin}: {answer:?}");
        assert_eq!(answer.header("Content-Type"), "application/problem+json");
    }
    let own = Answer::to(server.request(Method::POST, "/buy").header("Origin", server.url()));
    assert_eq!(own.status, 201);
    assert_eq!(counter.count(), 99);
}

#[test]
fn malformed_requests_do_not_disturb_the_next_one() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for request in ["\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{0}\u{1}\r\n\r\n"] {
        // Answered or cut off, both are fine: the next request must be answered.
        drop(RawRequest::send(server.address(), request));
        assert_eq!(server.get("/livez").status, 200, "{request:?}");
    }
    assert_eq!(server.buy().status, 201);
}

#[track_caller]
fn with_hosts(server: &Server, method: &str, path: &str, hosts: &[&str]) -> Answer {
    let hosts = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect::<String>();
    let request = format!("{method} {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
    RawRequest::send(server.address(), request).answer()
}
