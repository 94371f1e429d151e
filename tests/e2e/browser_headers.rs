//! What browsers are told about every answer that they may show.

use e2e::{Counter, Method};
use serde_json::json;

use crate::programs::serve;

#[test]
fn whatever_a_browser_shows_runs_nothing_and_stands_in_no_frame() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let receipt = server.buy().header("Location").to_owned();

    let shown = ["/", "/livez", "/readyz", "/metrics", "/problems/sold-out", "/nothing", &receipt];
    let shown = shown.map(|path| (path, server.get(path)));
    let refused = server.post("/buy", &json!({"quantity": 0}));
    for (path, answer) in
        shown.iter().map(|(path, answer)| (*path, answer)).chain([("/buy", &refused)])
    {
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            // A form of a page that sends no referrer says no origin either.
            ("Referrer-Policy", if path == "/" { "same-origin" } else { "no-referrer" }),
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let policy = answer.header("Content-Security-Policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
    for answer in [server.get("/search"), server.buy()] {
        assert_eq!(answer.header("X-Content-Type-Options"), "nosniff", "{answer:?}");
    }
    let live = server.request(Method::GET, "/live").send().expect("the stream opens");
    assert_eq!(live.headers()["X-Content-Type-Options"], "nosniff");
}
