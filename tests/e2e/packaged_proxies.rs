//! Behind each proxy of `server/packaging`, as a workshop puts it in front: over TLS, under a domain
//! of the server's own or under a path of a site.

use std::time::{Duration, Instant};

use e2e::{Browser, Counter, DOMAIN, Packaged, PackagedProxy, Server};
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
