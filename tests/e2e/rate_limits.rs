//! `--rate-limit`: how often one client may change something, and `--trust-proxy`: who that is.

use std::time::{Duration, Instant};

use e2e::{Answer, Client, Counter, Method, Nginx, eventually};
use serde_json::json;

use crate::{
    problem::assert_problem,
    programs::{serve_with, server},
    sales::assert_conserved,
};

/// Buys for a client that a proxy speaks of in `header`.
fn buy_for(server: &Client, header: &'static str, client: &str) -> Answer {
    Answer::to(server.request(Method::POST, "/buy").header(header, client))
}

/// Buys until refused, a thousand times at most: how often that went well, and the refusal.
#[track_caller]
fn bought_until_refused(mut buy: impl FnMut() -> Answer) -> (usize, Answer) {
    for bought in 0..1000 {
        let answer = buy();
        if answer.status != 201 {
            return (bought, answer);
        }
    }
    panic!("nobody is refused");
}

#[test]
fn client_that_asks_too_often_is_told_when_to_come_back() {
    let counter = Counter::with(1000);
    let server = serve_with(&counter, &["--rate-limit", "1/s"]);

    let started = Instant::now();
    let (bought, refused) = bought_until_refused(|| server.buy());

    assert!(bought >= 1 && bought as u64 <= 2 + started.elapsed().as_secs(), "{bought}");
    assert_problem(&server, &refused, 429, "too-many-requests");
    assert_eq!(refused.retry_after(), Duration::from_secs(1));
    // Reading and probes go on.
    for path in ["/search", "/", "/livez", "/readyz", "/metrics"] {
        for _ in 0..20 {
            assert_eq!(server.get(path).status, 200, "{path}");
        }
    }
    eventually("another purchase", || (server.buy().status == 201).then_some(()));
    assert_conserved(&counter, 1000, bought as u64 + 1);
}

#[test]
fn every_call_that_changes_something_counts() {
    let counter = Counter::with(1000);
    let server = serve_with(&counter, &["--rate-limit", "1/s"]);

    for _ in 0..2 {
        server.buy();
    }
    let refused = server.post("/restock", &json!({"quantity": 1}));

    assert_problem(&server, &refused, 429, "too-many-requests");
}

#[test]
fn nobody_is_believed_who_is_no_trusted_proxy() {
    let counter = Counter::with(1000);
    let server = serve_with(&counter, &["--rate-limit", "1/s"]);
    let names = std::cell::Cell::new(0_u8);

    let (_, refused) = bought_until_refused(|| {
        names.set(names.get().wrapping_add(1));
        buy_for(&server, "X-Forwarded-For", &format!("203.0.113.{}", names.get()))
    });

    assert_problem(&server, &refused, 429, "too-many-requests");
    assert!(refused.text().contains("--trust-proxy 127.0.0.1"), "{}", refused.text());
}

#[test]
fn clients_behind_a_trusted_proxy_are_told_apart() {
    let counter = Counter::with(1000);
    let arguments = ["--rate-limit", "1/s", "--trust-proxy", "127.0.0.0/8"];
    let server = serve_with(&counter, &arguments);

    for header in ["X-Forwarded-For", "Forwarded"] {
        let prefix = if header == "Forwarded" { "for=" } else { "" };
        let (block, clients) = (if header == "Forwarded" { 113 } else { 114 }, 20);
        for client in 0..clients {
            let bought = buy_for(&server, header, &format!("{prefix}203.0.{block}.{client}"));
            assert_eq!(bought.status, 201, "{client}: {bought:?}");
        }
        // What the client itself sent stands before what the proxy added.
        let forged = std::cell::Cell::new(0);
        let (_, refused) = bought_until_refused(|| {
            forged.set(forged.get() + 1);
            let (forged, own) = (forged.get(), format!("{prefix}203.0.{block}.250"));
            buy_for(&server, header, &format!("{prefix}198.51.100.{forged}, {own}"))
        });
        assert!(refused.text().contains(&format!("203.0.{block}.250")), "{}", refused.text());
        assert!(!refused.text().contains("--trust-proxy"), "{}", refused.text());
    }
    let site = |host: u16| buy_for(&server, "X-Forwarded-For", &format!("2001:db8:0:1::{host:x}"));
    let (host, sites) = (std::cell::Cell::new(0), 1000);
    let (bought, refused) = bought_until_refused(|| {
        host.set(host.get() + 1);
        site(host.get())
    });
    assert!(bought < sites, "{bought}");
    assert_problem(&server, &refused, 429, "too-many-requests");
}

/// It passes on what clients say of themselves, so it is not to be trusted; and all behind it are one client.
#[test]
fn behind_a_stock_nginx_nobody_gets_round_the_limit_by_a_name_of_its_own() {
    let counter = Counter::with(1000);
    let server = serve_with(&counter, &["--rate-limit", "1/s", "--allow-host", "shop.example"]);
    let nginx = Nginx::before(server.address());
    let client = Client::new(nginx.url());

    for (header, mut name) in
        [("X-Forwarded-For", forged("203.0.113.")), ("Forwarded", forged("for=203.0.113."))]
    {
        let (_, refused) = bought_until_refused(|| buy_for(&client, header, &name()));

        assert_eq!(refused.status, 429, "{header}: {refused:?}");
        assert_eq!(refused.header("Retry-After"), "1");
    }
}

/// A proxy that adds itself to a line of the client's, as RFC 7239 (section 4) lets it.
#[test]
fn open_quote_does_not_hide_what_the_proxy_has_written_behind_it() {
    let counter = Counter::with(1000);
    let server = serve_with(&counter, &["--rate-limit", "1/s", "--trust-proxy", "127.0.0.1"]);
    let mut name = forged("for=10.9.8.");

    let (_, refused) = bought_until_refused(|| {
        buy_for(&server, "Forwarded", &format!("{};x=\", for=203.0.113.9", name()))
    });

    assert_eq!(refused.status, 429, "{refused:?}");
}

/// The same text with another number behind it each time.
fn forged(text: &str) -> impl FnMut() -> String {
    let mut number = 0;
    move || {
        number += 1;
        format!("{text}{}", number % 250)
    }
}

/// Where a socket is of both families, a client of IPv4 has the address that it has anywhere, in every spelling.
#[test]
fn proxy_is_known_by_the_address_that_the_refusal_names() {
    let counter = Counter::with(1000);
    let serve = |more: &[&str]| {
        let server = server().args(["--rate-limit", "1/s", "--listen", "[::]:0", "--db"]);
        let server = server.arg(counter.path()).args(["--allow-host", "shop.example"]).args(more);
        let process = server.start();
        let port = |line: &str| Some(line.strip_prefix("listening on http://[::]:")?.to_owned());
        let port = process.stderr().find_line(Duration::from_secs(120), port).expect("a port");
        (process, Client::new(&format!("http://127.0.0.1:{port}")))
    };
    let (process, client) = serve(&[]);
    let (_, refused) = bought_until_refused(|| buy_for(&client, "X-Forwarded-For", "203.0.113.9"));
    assert!(refused.text().contains("`--trust-proxy 127.0.0.1`"), "{}", refused.text());
    drop(process);

    for proxy in ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.0/104"] {
        let (_process, client) = serve(&["--trust-proxy", proxy]);
        let mut name = forged("203.0.113.");
        for _ in 0..10 {
            assert_eq!(buy_for(&client, "X-Forwarded-For", &name()).status, 201, "{proxy}");
        }
    }
}

#[test]
fn rates_and_networks_that_cannot_be_meant_are_refused() {
    let counter = Counter::with(100);

    for (flag, value, words) in [
        ("--rate-limit", "0/s", "`10/s`"),
        ("--rate-limit", "10", "`10/s`"),
        ("--rate-limit", "-1/s", "`10/s`"),
        ("--rate-limit", "10/m", "`10/s`"),
        ("--trust-proxy", "proxy.example", "10.0.0.0/8"),
        ("--trust-proxy", "10.0.0.0/33", "10.0.0.0/8"),
        ("--trust-proxy", "0.0.0.0/0", "everybody"),
        ("--trust-proxy", "::/0", "everybody"),
    ] {
        let refusal = server().args([flag, value, "--db"]).arg(counter.path()).run();

        assert_eq!(refusal.code, Some(2), "{value}: {refusal:?}");
        assert!(refusal.stderr.contains(flag), "{value}: {}", refusal.stderr);
        assert!(refusal.stderr.contains(words), "{value}: {}", refusal.stderr);
    }
}
