//! Shops that are spoken to in HTTP/2, over TLS and in the clear, behind a stock `nginx`; and those that do not
//! speak it.

use std::{
    fs,
    io::{Read as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use e2e::{Certificate, Finished, Nginx, Program, Stub, TlsFront};
use serde_json::json;

use super::{
    measured::{number, result, run},
    python_shop::PythonShop,
};

const SEATS: u32 = 20;

/// A purchase of one call, and a search.
const MAP: &str = r#"
http2 = true
[buy]
path = "/buy"
json = { who = "${client}" }
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409] }
[search]
path = "/left"
remaining = "/left"
"#;

/// A shop with thirty seats that sells one after the other.
fn stub() -> Stub {
    let sold = AtomicU32::new(0);
    Stub::http(move |request| {
        if request.call == "GET /left" {
            return ("200 OK", json!({"left": 30 - sold.load(Ordering::SeqCst)}).to_string());
        }
        let next = |sold| (sold < 30).then_some(sold + 1);
        match sold.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) {
            Ok(before) => ("201 Created", json!({"seat": before + 1}).to_string()),
            Err(_) => ("409 Conflict", json!({"error": "sold out"}).to_string()),
        }
    })
}

fn address(url: &str) -> &str {
    url.trim_start_matches("http://")
}

/// Purchases of one call at `url`, with these `arguments`.
fn purchases(url: &str, arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    fs::write(&map, MAP).expect("the folder is the test's own");
    run(url).args(["-k", "--map"]).arg(&map).args(arguments).run()
}

#[track_caller]
fn assert_http2(nginx: &Nginx, requests: usize) {
    let protocols = nginx.protocols();
    assert!(protocols.len() >= requests, "{protocols:?}");
    assert!(protocols.iter().all(|protocol| protocol == "HTTP/2.0"), "{protocols:?}");
}

/// A login, hidden fields, cookies and redirects; and each connection is closed behind 25 requests.
#[test]
fn shop_of_forms_is_found_out_over_tls_and_in_the_clear() {
    let certificate = Certificate::of_loopback();
    let trusting = |program: Program| {
        program.env("SSL_CERT_FILE", certificate.chain()).without_env("SSL_CERT_DIR")
    };
    for certificate in [None, Some(&certificate)] {
        for (is_racy, code, verdict) in [(false, 0, "valid"), (true, 1, "violation")] {
            let shop = PythonShop::open("forms", SEATS, is_racy);
            let nginx =
                Nginx::in_http2(address(&shop.url()), certificate, "keepalive_requests 25;");
            let shop = shop.behind_http2(nginx.url());

            let rehearsed = trusting(shop.program("try")).run();
            let finished = trusting(shop.load()).run();

            assert!(rehearsed.stdout.contains("the shop speaks HTTP/2"), "{rehearsed:?}");
            assert_eq!(finished.code, Some(code), "{finished:?}");
            let result = result(&finished);
            assert_eq!(result["verdict"], verdict, "{result:#}");
            if !is_racy {
                let outcomes = [&result["outcomes"]["sold"], &result["outcomes"]["sold_out"]];
                assert_eq!(outcomes.map(number), [20, 40], "{result:#}");
                assert_eq!(result["untried"], json!([]), "{result:#}");
            }
            assert_http2(&nginx, 300);
        }
    }
}

/// And each connection is closed behind five requests.
#[test]
fn purchase_of_one_call_is_made_in_every_mode() {
    let certificate = Certificate::of_loopback();
    for arguments in [
        &["--mode", "task"][..],
        &["--mode", "thread"],
        &["--mode", "process", "--workers", "2"],
        &["--disable-keepalive"],
        &["-q", "20000"],
    ] {
        for certificate in [None, Some(&certificate)] {
            let shop = stub();
            let nginx = Nginx::in_http2(address(&shop.url()), certificate, "keepalive_requests 5;");

            let finished = purchases(nginx.url(), &[&["-c", "8", "-n", "60"], arguments].concat());

            assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
            let result = result(&finished);
            assert_eq!(result["verdict"], "valid", "{arguments:?}: {result:#}");
            assert_eq!(number(&result["outcomes"]["sold"]), 30, "{arguments:?}: {result:#}");
            // Whom a connection is closed to has lost nothing.
            let failed = ["refused", "error", "unknown"].map(|one| &result["outcomes"][one]);
            assert_eq!(failed.map(number), [0; 3], "{arguments:?}: {result:#}");
            assert_http2(&nginx, 60);
        }
    }
}

#[test]
fn connection_that_is_closed_while_it_is_idle_is_opened_anew() {
    let shop = stub();
    let nginx = Nginx::in_http2(address(&shop.url()), None, "keepalive_timeout 20ms;");

    let finished = purchases(nginx.url(), &["-c", "1", "-q", "5", "-n", "4"]);

    let result = result(&finished);
    assert_eq!(number(&result["outcomes"]["sold"]), 4, "{result:#}");
}

#[test]
fn shop_that_speaks_no_http2_is_named_and_never_asked() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let shop = Stub::http(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        ("201 Created", json!({"seat": 1, "left": 9}).to_string())
    });
    let front = TlsFront::before(address(&shop.url()));
    let old = Stub::start(|mut stream| {
        stream.read_exact(&mut [0; 24]).ok();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").ok();
        stream.read_to_end(&mut Vec::new()).ok();
    });
    for (url, reason) in [
        (shop.url(), "it closes the connection"),
        (old.url(), "it answers in HTTP/1.1"),
        (front.url(), "its TLS does not choose `h2`"),
    ] {
        let finished = purchases(&url, &["-c", "2", "-n", "4"]);

        assert_eq!(finished.code, Some(2), "{finished:?}");
        for part in
            ["no HTTP/2 there, which `http2` in the map asks for", reason, "hint: for a shop"]
        {
            assert!(finished.stderr.contains(part), "no {part}: {}", finished.stderr);
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
