//! Behind each proxy of `server/packaging`, as a workshop puts it in front: over TLS, under a domain
//! of the server's own or under a path of a site.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    time::{Duration, Instant},
};

use e2e::{
    Browser, Counter, DOMAIN, Packaged, PackagedProxy, Server, Stub, eventually, has_ipv6, left_out,
};
use serde_json::json;

use crate::{
    programs::{serve, serve_with},
    sales::tickets_of,
};

/// How long news may take: a proxy that keeps them back lets go of them much later, or never.
const NEWS_PATIENCE: Duration = Duration::from_secs(10);

#[track_caller]
fn serve_behind(counter: &Counter, packaged: Packaged) -> (Server, PackagedProxy) {
    let server = serve_with(counter, &["--allow-host", DOMAIN]);
    let proxy = PackagedProxy::before(server.address(), packaged);
    (server, proxy)
}

#[test]
fn page_shows_and_asks_for_nothing_outside_its_own_folder() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let (_server, proxy) = serve_behind(&counter, packaged);

        let page = proxy.answer("/", &[]);

        assert_eq!(page.status, 200, "{packaged:?}: {page:?}");
        let text = page.text();
        assert!(text.contains("<data id=\"count\" value=\"100\""), "{packaged:?}: {text}");
        for rooted in ["fetch(\"/", "EventSource(\"/", "action=\"/", "href=\"/", "src=\"/"] {
            assert!(!text.contains(rooted), "{packaged:?}: `{rooted}` leaves the prefix");
        }
    }
}

#[test]
fn page_buys_and_its_receipt_is_found() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let (_server, proxy) = serve_behind(&counter, packaged);

        let origin = format!("Origin: {}", proxy.origin());
        let sale = proxy.answer(
            "/buy",
            &["--json", "{\"quantity\": 2}", "-H", &origin, "-H", "Idempotency-Key: order-17"],
        );

        assert_eq!(sale.status, 201, "{packaged:?}: {sale:?}");
        assert_eq!(tickets_of(&sale), [1, 2], "{packaged:?}");
        let location = sale.header("Location");
        assert!(location.starts_with(&format!("{}/receipts/", proxy.base())), "{sale:?}");
        let receipt = proxy.answer_at(&(proxy.origin() + location), &[]);
        assert_eq!(receipt.status, 200, "{packaged:?}: {receipt:?}");
        assert_eq!(receipt.json()["tickets"], json!([1, 2]), "{packaged:?}");
        assert_eq!(counter.count(), 98, "{packaged:?}");
    }
}

#[test]
fn form_buys_without_a_script_and_leads_to_a_ticket_that_knows_its_address() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let (_server, proxy) = serve_behind(&counter, packaged);

        let origin = format!("Origin: {}", proxy.origin());
        let sale = proxy.answer("/buy", &["--data", "quantity=2", "-H", &origin]);

        assert_eq!(sale.status, 303, "{packaged:?}: {sale:?}");
        let location = sale.header("Location");
        let own = format!("{}/{location}", proxy.url(""));
        let address = if location.starts_with('/') { proxy.origin() + location } else { own };
        let ticket = proxy.answer_at(&address, &["-H", "Accept: text/html"]);
        assert_eq!(ticket.status, 200, "{packaged:?}, {address}: {ticket:?}");
        assert!(ticket.text().contains(&address), "{packaged:?}, {address}: {}", ticket.text());
        assert_eq!(counter.count(), 98, "{packaged:?}");
    }
}

#[test]
fn news_arrive_while_the_stream_goes_on() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let (server, proxy) = serve_behind(&counter, packaged);
        let live = proxy.curl(&proxy.url("/live")).start();
        let told = |count: u64| {
            let wanted = format!("\"count\":{count},");
            let found =
                |line: &str| (line.starts_with("data:") && line.contains(&wanted)).then_some(());
            assert!(
                live.stdout().find_line(NEWS_PATIENCE, found).is_some(),
                "{packaged:?}: {count}"
            );
        };
        told(100);
        let started = Instant::now();

        server.buy();

        told(99);
        assert!(started.elapsed() < NEWS_PATIENCE, "{packaged:?}: {:?}", started.elapsed());
    }
}

#[test]
fn browser_buys_and_hears_the_news() {
    let browser = Browser::start_knowing(DOMAIN);
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let (server, proxy) = serve_behind(&counter, packaged);
        browser.open(&proxy.url("/"));

        browser.click("buy");

        browser.wait_for_text("count", |text| text == "99");
        server.buy();
        browser.wait_for_text("count", |text| text == "98");
        browser.wait_for_text("live-state", |text| text == "live");
        assert_eq!(counter.count(), 98, "{packaged:?}");
    }
}

#[test]
fn without_allow_host_the_refusal_names_the_way_out() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let server = serve(&counter);
        let proxy = PackagedProxy::before(server.address(), packaged);

        let refused = proxy.answer("/buy", &["-X", "POST"]);

        assert_eq!(refused.status, 421, "{packaged:?}: {refused:?}");
        let hint = format!("--allow-host {DOMAIN}`");
        assert!(refused.text().contains(&hint), "{packaged:?}: {}", refused.text());
        assert_eq!(counter.count(), 100, "{packaged:?}");
    }
}

#[test]
fn page_of_another_site_buys_nothing() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let (_server, proxy) = serve_behind(&counter, packaged);

        let refused = proxy.answer("/buy", &["-X", "POST", "-H", "Origin: https://evil.example"]);

        assert_eq!(refused.status, 403, "{packaged:?}: {refused:?}");
        assert_eq!(counter.count(), 100, "{packaged:?}");
    }
}

#[test]
fn operator_refunds_and_a_held_ticket_is_bought() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let token = counter.folder().join("token");
        fs::write(&token, "a-long-secret-of-the-operator").expect("the test's own folder");
        let flags = ["--allow-host", DOMAIN, "--admin-token-file", &token.to_string_lossy()];
        let server = serve_with(&counter, &flags);
        let proxy = PackagedProxy::before(server.address(), packaged);
        let sale = proxy.answer("/buy", &["--json", "{\"quantity\": 3}"]);
        let receipt = proxy.origin() + sale.header("Location");
        let hold = proxy.answer("/holds", &["--json", "{\"quantity\": 2, \"seconds\": 60}"]);
        assert_eq!(hold.status, 201, "{packaged:?}: {hold:?}");

        let bearer = "Authorization: Bearer a-long-secret-of-the-operator";
        let refunds = [(); 2].map(|()| proxy.answer_at(&receipt, &["-X", "DELETE", "-H", bearer]));
        let hold = hold.json()["hold"].as_str().unwrap_or_default().to_owned();
        let bought = proxy.answer(&format!("/holds/{hold}/confirm"), &["-X", "POST"]);

        for refund in refunds {
            assert_eq!(refund.status, 200, "{packaged:?}: {refund:?}");
            assert_eq!(refund.json()["remaining"], 98, "{packaged:?}");
        }
        assert_eq!(bought.status, 201, "{packaged:?}: {bought:?}");
        assert_eq!(tickets_of(&bought), [4, 5], "{packaged:?}");
        assert_eq!(counter.count(), 98, "{packaged:?}");
    }
}

/// A server that answers with the head of the request, as it got it.
fn echo() -> Stub {
    Stub::start(|stream| {
        let mut out = stream.try_clone().expect("a stream can be written while it is read");
        let mut head = String::new();
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if !line.is_empty() {
                head += &(line + "\n");
                continue;
            }
            let length = head.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{head}");
            if out.write_all(answer.as_bytes()).is_err() {
                return;
            }
            head.clear();
        }
    })
}

#[test]
fn server_is_told_who_calls_under_which_name_and_nothing_that_the_client_made_up() {
    for packaged in Packaged::ALL {
        let echo = echo();
        let address = echo.url();
        let address = address.strip_prefix("http://").expect("it speaks in the clear");
        let proxy = PackagedProxy::before(address, packaged);
        let made_up = ["For", "Proto", "Host", "Prefix"].map(|name| format!("X-Forwarded-{name}"));
        let made_up = made_up.iter().map(String::as_str).chain(["X-Request-Id", "Forwarded"]);
        let made_up: Vec<_> = made_up.map(|name| format!("{name}: for=made-up")).collect();
        let options: Vec<&str> = made_up.iter().flat_map(|field| ["-H", field]).collect();

        let head = proxy.answer("/search", &options).text().to_lowercase();

        assert!(head.starts_with("get /search http/1.1\n"), "{packaged:?}: {head}");
        assert!(!head.contains("made-up"), "{packaged:?}: {head}");
        let authority = proxy.origin().replace("https://", "");
        for (name, value) in [
            ("host", authority.as_str()),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", &authority),
            ("x-forwarded-prefix", proxy.base()),
        ] {
            let prefix = format!("{name}: ");
            let values: Vec<_> =
                head.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
            let expected = Some(value).filter(|value| !value.is_empty());
            assert_eq!(values, Vec::from_iter(expected), "{packaged:?}, {name}: {head}");
        }
        assert_eq!(head.matches("x-request-id: ").count(), 1, "{packaged:?}: {head}");
    }
}

#[test]
fn request_has_its_client_and_one_name_in_the_log_and_in_the_answer() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let flags = ["--allow-host", DOMAIN, "--trust-proxy", "127.0.0.1", "--access-log"];
        let server = serve_with(&counter, &flags);
        let proxy = PackagedProxy::before(server.address(), packaged);

        // The client has another address than the proxy, and says of itself that it has a third one.
        let lies = ["-H", "X-Forwarded-For: 192.0.2.1", "-H", "Forwarded: for=192.0.2.1"];
        let options = [lies.as_slice(), &["--interface", "127.0.0.2"]].concat();
        let answer = proxy.answer("/search", &options);

        let name = answer.header("X-Request-Id");
        assert!(name.len() >= 16, "{packaged:?}: {answer:?}");
        let told = format!("client=127.0.0.2 request_id=\"{name}\"");
        eventually("the line of the request", || server.stderr().contains(&told).then_some(()));
    }
}

#[test]
fn haproxy_finds_the_server_alive() {
    for packaged in [Packaged::Haproxy, Packaged::HaproxyPrefix] {
        let counter = Counter::with(100);
        let server = serve_with(&counter, &["--access-log"]);
        let _proxy = PackagedProxy::before(server.address(), packaged);

        eventually("a look at whether the server runs", || {
            let stderr = server.stderr();
            stderr.contains("route=\"/livez\" status=200").then_some(())
        });
    }
}

/// As on a full disk, or behind a failed sync: whoever only reads is served on.
#[test]
fn counter_that_cannot_sell_has_its_receipts_and_pages_all_the_same() {
    for packaged in Packaged::ALL {
        let counter = Counter::with(100);
        let server = serve_with(&counter, &["--allow-host", DOMAIN, "--access-log"]);
        let proxy = PackagedProxy::before(server.address(), packaged);
        let sale = proxy.answer("/buy", &["-X", "POST"]);
        let receipt = proxy.origin() + sale.header("Location");

        counter.write("spoilt");
        assert_eq!(server.get("/readyz").status, 503);
        let looks = || {
            let stderr = server.stderr();
            ["/livez", "/readyz"].map(|probe| stderr.matches(probe).count()).iter().sum::<usize>()
        };
        if matches!(packaged, Packaged::Haproxy | Packaged::HaproxyPrefix) {
            let before = looks();
            // By the third that fails it sends nobody there any more.
            eventually("six looks at the server", || (looks() >= before + 6).then_some(()));
        }

        let refused = proxy.answer("/buy", &["-X", "POST"]);
        assert_eq!(refused.status, 503, "{packaged:?}: {refused:?}");
        assert_eq!(refused.json()["sold"], "no", "by the server itself, {packaged:?}: {refused:?}");
        assert_eq!(proxy.answer_at(&receipt, &[]).status, 200, "{packaged:?}");
        assert_eq!(proxy.answer("/operator", &[]).status, 200, "{packaged:?}");
    }
}

/// Where the domain has an AAAA record, what listens on IPv4 only leaves it to another site. Caddy listens on all
/// addresses where nothing else is said.
#[test]
fn domain_is_answered_over_ipv6_too() {
    if !has_ipv6() {
        left_out("the packaged proxies over IPv6", "there is no IPv6 here");
        return;
    }
    for packaged in [Packaged::Nginx, Packaged::Haproxy] {
        let counter = Counter::with(100);
        let flags = ["--allow-host", DOMAIN, "--trust-proxy", "127.0.0.1", "--access-log"];
        let server = serve_with(&counter, &flags);
        let proxy = PackagedProxy::before(server.address(), packaged);
        let over_ipv6 = ["--connect-to", "::[::1]:"];

        let answer = proxy.answer("/search", &over_ipv6);
        let led = proxy.answer_at(&format!("http://{DOMAIN}:{}/", proxy.plain_port()), &over_ipv6);

        assert_eq!(answer.status, 200, "{packaged:?}: {answer:?}");
        assert!((301..=308).contains(&led.status), "{packaged:?}: {led:?}");
        let told = format!("client=::1 request_id=\"{}\"", answer.header("X-Request-Id"));
        eventually("the line of the request", || server.stderr().contains(&told).then_some(()));
    }
}

#[test]
fn plain_http_is_led_to_tls() {
    for packaged in [Packaged::Nginx, Packaged::Caddy, Packaged::Haproxy] {
        let counter = Counter::with(100);
        let (_server, proxy) = serve_behind(&counter, packaged);

        let led = proxy.answer_at(&format!("http://{DOMAIN}:{}/", proxy.plain_port()), &[]);

        assert!((301..=308).contains(&led.status), "{packaged:?}: {led:?}");
        assert!(led.header("Location").starts_with("https://shop.example"), "{led:?}");
    }
}

#[test]
fn rest_of_the_site_stays_what_it_is() {
    for packaged in [Packaged::NginxPrefix, Packaged::CaddyPrefix, Packaged::HaproxyPrefix] {
        let counter = Counter::with(100);
        let (_server, proxy) = serve_behind(&counter, packaged);

        for path in ["/", "/buy", "/ticketsale"] {
            let answer = proxy.answer_at(&(proxy.origin() + path), &[]);
            assert_eq!(answer.text().trim(), "the site", "{packaged:?}, {path}: {answer:?}");
        }
        let led = proxy.answer_at(&(proxy.origin() + "/tickets"), &[]);
        assert_eq!(led.status, 301, "{packaged:?}: {led:?}");
        assert!(led.header("Location").ends_with("/tickets/"), "{packaged:?}: {led:?}");
    }
}
