//! Behind a proxy that does no more than it must: a stock `nginx` with `proxy_pass` alone.

use std::time::{Duration, Instant};

use e2e::{Answer, Client, Counter, Live, Method, Nginx, eventually};

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with},
    sales::tickets_of,
};

/// What a browser sends that has the page of `https://shop.example` open.
fn buy_from_the_page(client: &Client) -> Answer {
    let request = client.request(Method::POST, "/buy").header("Host", "shop.example");
    Answer::to(request.header("Origin", "https://shop.example"))
}

#[test]
fn behind_a_stock_nginx_page_live_and_buying_work_with_allow_host() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--allow-host", "shop.example"]);
    let nginx = Nginx::before(server.address());
    let client = Client::new(nginx.url());

    let page = Answer::to(client.request(Method::GET, "/").header("Host", "shop.example"));
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text().contains("100"), "{}", page.text());
    let live = Live::open(&client);
    live.wait_for_count(100);
    assert_eq!(tickets_of(&buy_from_the_page(&client)), [1]);

    let started = Instant::now();
    live.wait_for_count(99);
    // A proxy that keeps answers back lets go of this one when it is long, or at its end.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn behind_a_stock_nginx_the_refusal_names_the_way_out() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let nginx = Nginx::before(server.address());

    let refused = buy_from_the_page(&Client::new(nginx.url()));

    assert_problem(&server, &refused, 403, "foreign-origin");
    assert!(refused.text().contains("--allow-host shop.example"), "{}", refused.text());
}

#[test]
fn place_of_a_listener_behind_nginx_is_free_once_it_has_left() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--live-max", "1"]);
    let nginx = Nginx::before(server.address());
    let client = Client::new(nginx.url());

    for _ in 0..5 {
        eventually("a free place", || (client.status("/live") == 200).then_some(()));
    }
}
