//! Two servers on one counter: what one held, sold or refunded, the other knows.

use e2e::{crowd, eventually};
use serde_json::json;

use super::steps::{
    admit, assert_same, assert_stock, bought, confirm, held, hold, refund, release, token, told,
};
use crate::{
    counter::Counter, operator::serve_for_operator, problem::assert_problem, sales::count_of,
};

#[test]
fn hold_of_one_server_is_confirmed_and_released_at_the_other() {
    let counter = Counter::with(10);
    let (one, other) = (serve_for_operator(&counter, &[]), serve_for_operator(&counter, &[]));
    let (first, second) = (held(&one, 2), held(&one, 3));
    assert_stock(&other, &counter, 5, 0, 5);

    let sold = confirm(&other, &first);
    let freed = release(&other, &second);

    assert_eq!((sold.status, freed.status), (201, 200), "{sold:?} {freed:?}");
    assert_same(&sold, &confirm(&one, &first));
    assert_same(&freed, &release(&one, &second));
    assert_stock(&one, &counter, 8, 2, 0);
}

#[test]
fn refund_and_admission_at_one_server_bind_the_other() {
    let counter = Counter::with(10);
    let (one, other) = (serve_for_operator(&counter, &[]), serve_for_operator(&counter, &[]));
    let (first, second) = (bought(&one, 1), bought(&other, 2));

    let refunded = refund(&other, &first);
    let admitted = admit(&one, &second);

    assert_same(&refunded, &refund(&one, &first));
    assert_problem(&one, &admit(&one, &first), 409, "refunded");
    assert_problem(&other, &refund(&other, &second), 409, "admitted");
    assert_eq!(admit(&other, &second).json()["admitted_at"], admitted.json()["admitted_at"]);
    assert_eq!(told(&one, &first)["status"], json!("refunded"));
    assert_eq!(told(&other, &second)["status"], json!("admitted"));
    assert_stock(&one, &counter, 8, 2, 0);
}

#[test]
fn hold_lapses_at_both_and_once() {
    let counter = Counter::with(10);
    let (one, other) = (serve_for_operator(&counter, &[]), serve_for_operator(&counter, &[]));
    let lapsing = token(&hold(&one, 4, 1), "hold");
    assert_eq!(other.count(), 6);

    eventually("the tickets of a hold of one second in what is kept", || {
        (counter.count() == 10).then_some(())
    });

    for server in [&one, &other] {
        assert_problem(server, &confirm(server, &lapsing), 410, "hold-expired");
        assert_stock(server, &counter, 10, 0, 0);
    }
}

#[test]
fn crowd_at_both_servers_neither_holds_nor_sells_too_much() {
    let counter = Counter::with(10);
    let servers = [serve_for_operator(&counter, &[]), serve_for_operator(&counter, &[])];

    let holds = crowd(20, |at| hold(&servers[at % 2], 1, 3600));
    assert_eq!((count_of(&holds, 201), count_of(&holds, 409)), (10, 10), "{holds:?}");
    let holds: Vec<_> =
        holds.iter().filter(|hold| hold.status == 201).map(|hold| token(hold, "hold")).collect();
    // Each is confirmed at one server and released at the other, at once.
    let ends = crowd(20, |at| {
        let (server, hold) = (&servers[at % 2], &holds[at / 2]);
        if at % 2 == 0 { confirm(server, hold) } else { release(server, hold) }
    });

    let (sold, freed) = (count_of(&ends, 201), count_of(&ends, 200));
    assert_eq!(sold + freed, 10, "{ends:?}");
    assert_stock(&servers[0], &counter, freed as u64, sold as u64, 0);
    assert_stock(&servers[1], &counter, freed as u64, sold as u64, 0);
}
