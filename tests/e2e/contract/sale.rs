//! `POST /sale` and `POST /restock`: the operator closes, opens, and puts more on sale.

use serde_json::json;

use super::steps::{assert_same, assert_stock, confirm, held, hold, release};
use crate::{
    counter::Counter,
    operator::{post_as_operator, serve_for_operator},
    problem::assert_problem,
    sales::{order, tickets_of},
};

#[test]
fn closed_sale_sells_and_holds_nothing_and_what_is_held_can_be_confirmed() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let (first, second) = (held(&server, 2), held(&server, 1));

    let closed = post_as_operator(&server, "/sale", &json!({"open": false}));

    assert_eq!((closed.status, &closed.json()["open"]), (200, &json!(false)), "{closed:?}");
    assert_problem(&server, &order(&server, 1), 410, "sale-closed");
    assert_problem(&server, &hold(&server, 1, 60), 410, "sale-closed");
    assert_eq!(tickets_of(&confirm(&server, &first)), [1, 2]);
    assert_eq!(release(&server, &second).status, 200);
    assert_eq!(server.search()["open"], false);
    assert_stock(&server, &counter, 8, 2, 0);
}

#[test]
fn sale_that_is_opened_again_sells_on() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let set = |open: bool| post_as_operator(&server, "/sale", &json!({"open": open}));
    set(false);
    set(false);

    let opened = set(true);

    assert_eq!((opened.status, &opened.json()["open"]), (200, &json!(true)), "{opened:?}");
    assert_eq!(order(&server, 2).status, 201);
    assert_eq!(server.search()["open"], json!(null));
}

#[test]
fn closed_sale_is_closed_at_every_server_and_after_a_restart() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let other = serve_for_operator(&counter, &[]);
    post_as_operator(&server, "/sale", &json!({"open": false}));

    assert_problem(&other, &order(&other, 1), 410, "sale-closed");
    server.kill();
    let restarted = serve_for_operator(&counter, &[]);
    assert_problem(&restarted, &order(&restarted, 1), 410, "sale-closed");
    assert_stock(&restarted, &counter, 10, 0, 0);
}

#[test]
fn restocked_tickets_are_sold_also_where_all_were() {
    let counter = Counter::with(1);
    let server = serve_for_operator(&counter, &[]);
    server.buy();
    assert_problem(&server, &order(&server, 1), 409, "sold-out");

    let restocked = post_as_operator(&server, "/restock", &json!({"quantity": 50}));

    assert_eq!(restocked.status, 200, "{restocked:?}");
    assert_eq!(restocked.json()["remaining"], 50);
    assert_eq!(tickets_of(&order(&server, 2)), [2, 3]);
    assert_stock(&server, &counter, 48, 3, 0);
}

#[test]
fn keyed_restock_is_done_once() {
    let counter = Counter::with(1);
    let server = serve_for_operator(&counter, &[]);
    let restock = |quantity: u64| {
        let request =
            server.request(e2e::Method::POST, "/restock").json(&json!({"quantity": quantity}));
        let request = request.header("Idempotency-Key", "delivery 7");
        e2e::Answer::to(request.bearer_auth(crate::operator::TOKEN))
    };

    let (first, again, other) = (restock(50), restock(50), restock(51));

    assert_same(&first, &again);
    assert_eq!(again.header("Idempotent-Replayed"), "true");
    assert_problem(&server, &other, 422, "key-reused");
    assert_stock(&server, &counter, 51, 0, 0);
}
