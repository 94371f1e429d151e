//! Calls of the operator: `Authorization: Bearer TOKEN`.

use e2e::{Answer, Method, Server};
use serde_json::json;

use crate::{
    counter::Counter,
    operator::{TOKEN, serve_for_operator},
    problem::assert_problem,
    programs::serve,
};

/// RFC 9110, section 11.1: the scheme is written in any case, and spaces stand behind it.
#[test]
fn operator_is_known_in_every_spelling_of_the_scheme() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);

    for (at, scheme) in ["Bearer ", "bearer ", "BEARER  ", "bEaReR    "].into_iter().enumerate() {
        let restocked = restock(&server, Some(&format!("{scheme}{TOKEN}")));

        assert_eq!(restocked.status, 200, "{scheme}: {restocked:?}");
        let remaining = 15 + 5 * at;
        assert_eq!(restocked.json(), json!({"remaining": remaining, "revision": at + 1}));
    }
}

#[test]
fn nobody_else_is_taken_for_the_operator() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);

    for credentials in [
        None,
        Some(String::new()),
        Some(TOKEN.to_owned()),
        Some(format!("Bearer{TOKEN}")),
        Some(format!("Bearer\t{TOKEN}")),
        Some(format!("Basic {TOKEN}")),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {TOKEN}x")),
        Some(format!("Bearer {}", TOKEN.to_uppercase())),
        Some(format!("Bearer {}", &TOKEN[1..])),
        Some(format!("Bearer {TOKEN} {TOKEN}")),
    ] {
        let refused = restock(&server, credentials.as_deref());

        assert_problem(&server, &refused, 401, "unauthorized");
        assert_eq!(refused.header("WWW-Authenticate"), "Bearer", "{credentials:?}");
    }
    assert_eq!(counter.count(), 10);
}

#[test]
fn server_without_a_token_says_how_to_get_one() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    let refused = restock(&server, Some("Bearer "));

    assert_problem(&server, &refused, 401, "unauthorized");
    assert!(refused.text().contains("--admin-token-file"), "{}", refused.text());
    assert_eq!(counter.count(), 10);
}

/// Puts five more tickets on sale, with these `credentials`.
#[track_caller]
fn restock(server: &Server, credentials: Option<&str>) -> Answer {
    let request = server.request(Method::POST, "/restock").json(&json!({"quantity": 5}));
    Answer::to(match credentials {
        Some(credentials) => request.header("Authorization", credentials),
        None => request,
    })
}
