//! `GET /sales`: what was sold, for the operator.

use std::fs;

use e2e::{Answer, Client, Method, Server};
use serde_json::{Value, json};

use crate::{counter::Counter, problem::assert_problem, programs::serve_with};

const TOKEN: &str = "a-long-secret-of-the-operator";

/// A server on `counter` that knows its operator.
pub(crate) fn serve(counter: &Counter) -> Server {
    let file = counter.folder().join("token");
    fs::write(&file, TOKEN).expect("the test's own folder");
    serve_with(
        counter,
        &["--admin-token-file", file.to_str().expect("a path in UTF-8"), "--refunds", "buyer"],
    )
}

pub(crate) fn ask(client: &Client, path: &str, accept: &str) -> Answer {
    let request = client.request(Method::GET, path).header("Accept", accept);
    Answer::to(request.bearer_auth(TOKEN))
}

pub(crate) fn page(client: &Client, query: &str) -> Value {
    let answer = ask(client, &format!("/sales{query}"), "application/json");
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json()
}

/// The revisions of the sales on a page.
pub(crate) fn revisions(page: &Value) -> Vec<u64> {
    let sales = page["sales"].as_array().expect("a list");
    sales.iter().map(|sale| sale["revision"].as_u64().expect("a number")).collect()
}

pub(crate) fn buy_for(client: &Client, buyer: &str) -> String {
    let sold = client.post("/buy", &json!({"buyer": buyer}));
    assert_eq!(sold.status, 201, "{sold:?}");
    sold.header("Location").to_owned()
}

#[test]
fn sales_are_listed_page_by_page_from_either_end() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    // A hold is no sale: revision 4.
    for number in 1..=7 {
        match number {
            4 => drop(server.post("/holds", &json!({"quantity": 1, "seconds": 3600}))),
            _ => drop(buy_for(&server, &format!("user {number}"))),
        }
    }

    let first = page(&server, "?page_size=4");
    let rest =
        page(&server, &format!("?page_token={}", first["next_page_token"].as_str().unwrap()));
    let latest = page(&server, "?page_size=2&order=newest");
    let token = latest["next_page_token"].as_str().unwrap();
    let before = page(&server, &format!("?page_size=2&order=newest&page_token={token}"));

    assert_eq!((revisions(&first), revisions(&rest)), (vec![1, 2, 3, 5], vec![6, 7]));
    assert_eq!(rest["next_page_token"], Value::Null);
    assert_eq!((revisions(&latest), revisions(&before)), (vec![7, 6], vec![5, 3]));
    assert_eq!(revisions(&page(&server, "?buyer=user+7")), [7]);
    assert_eq!(revisions(&page(&server, "?buyer=user")), [0; 0], "the whole name");
    assert_eq!(revisions(&page(&server, "?search=USER")).len(), 6, "a part of it");
    assert_eq!(revisions(&page(&server, "?search=4")), [5], "the fourth ticket");
}

#[test]
fn what_became_of_a_sale_is_told_by_every_server() {
    let counter = Counter::with(100);
    let (one, other) = (serve(&counter), serve(&counter));
    let (refunded, admitted) = (buy_for(&one, "Ann"), buy_for(&one, "Ben"));
    assert_eq!(Answer::to(one.request(Method::DELETE, &refunded)).status, 200);
    let admission = other.request(Method::POST, &format!("{admitted}/admit")).bearer_auth(TOKEN);
    assert_eq!(Answer::to(admission).status, 200);

    for server in [&one, &other] {
        let page = page(server, "");
        let statuses = page["sales"].as_array().unwrap().iter().map(|sale| sale["status"].as_str());
        assert_eq!(statuses.collect::<Vec<_>>(), [Some("refunded"), Some("admitted")]);
    }
}

#[test]
fn all_sales_are_a_table_that_a_spreadsheet_reads_and_does_not_run() {
    let counter = Counter::with(5000);
    let server = serve(&counter);
    buy_for(&server, "=HYPERLINK(\"//evil\")");
    buy_for(&server, "O'Neil, \"Ann\"");
    for _ in 0..1200 {
        server.buy();
    }

    let table = ask(&server, "/sales", "text/csv");

    assert!(table.header("Content-Type").starts_with("text/csv"), "{table:?}");
    let text = table.text();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[0], "revision,at,status,tickets,buyer,admitted_at,receipt");
    assert!(rows[1].contains(",sold,1,\"'=HYPERLINK(\"\"//evil\"\")\",,"), "{}", rows[1]);
    assert!(rows[2].contains(",sold,2,\"O'Neil, \"\"Ann\"\"\",,"), "{}", rows[2]);
    assert_eq!(rows.len(), 1 + 1202, "all of them, and not a page");
}

#[test]
fn nobody_but_the_operator_sees_them_and_wrong_parameters_are_named() {
    let counter = Counter::with(5);
    let server = serve(&counter);

    assert_problem(&server, &server.get("/sales"), 401, "unauthorized");
    for query in ["?page=2", "?page_size=0", "?page_token=-1", "?order=up", "?buyer=a&buyer=b"] {
        let refused = ask(&server, &format!("/sales{query}"), "application/json");
        assert_problem(&server, &refused, 400, "invalid-request");
        let name = query[1..].split('=').next().unwrap();
        assert!(refused.text().contains(&format!("`{name}`")), "{query}: {}", refused.text());
    }
}
