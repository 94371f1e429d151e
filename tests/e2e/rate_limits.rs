//! `--rate-limit`: how often one client may change something, and `--trust-proxy`: who that is.

use std::time::{Duration, Instant};

use e2e::{Answer, Counter, Method, Nginx, Server, eventually};
use serde_json::json;

use crate::{
    problem::assert_problem,
    programs::{serve_with, server},
    sales::assert_conserved,
};

/// Buys for a client that a proxy speaks of in `header`.
fn buy_for(server: &Server, header: &'static str, client: &str) -> Answer {
    Answer::to(server.request(Method::POST, "/buy").header(header, client))
}

/// Buys until refused, a thousand times at most: how often that went well, and the refusal.
#[track_caller]
fn bought_until_refused(buy: impl Fn() -> Answer) -> (usize, Answer) {
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

#[test]
fn client_of_a_stock_nginx_is_limited_by_its_own_address() {
    let counter = Counter::with(1000);
    let arguments =
        ["--rate-limit", "1/s", "--trust-proxy", "127.0.0.1", "--allow-host", "shop.example"];
    let server = serve_with(&counter, &arguments);
    let nginx = Nginx::before(server.address());
    let client = e2e::Client::new(nginx.url());

    let (_, refused) = bought_until_refused(|| client.buy());

    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.header("Retry-After"), "1");
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
