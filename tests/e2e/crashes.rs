//! SIGKILL at any moment: what was acknowledged is sold, and no ticket is sold twice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use e2e::{Answer, Counter, Method, Server, crowd, seeded};

use crate::{
    programs::{serve, serve_with},
    sales::{assert_conserved, tickets, tickets_of},
};

const BUYERS: usize = 8;

#[test]
fn acknowledged_sale_survives_sigkill() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let sale = server.buy().json();

    server.kill();
    let restarted = serve(&counter);

    assert_eq!((restarted.count(), &restarted.search()["sold"]), (99, &1.into()));
    assert_eq!(tickets_of(&restarted.buy()), [2], "ticket {} is sold", sale["tickets"]);
}

/// F18, F36: killed between any two steps, also before the answer.
#[test]
fn acknowledged_sales_survive_sigkill_in_the_middle_of_a_rush() {
    let mut random = seeded("acknowledged_sales_survive_sigkill_in_the_middle_of_a_rush");
    let counter = Counter::with(100_000);
    let mut acknowledged = Vec::new();
    let mut unknown = 0;

    for _ in 0..6 {
        let server = serve(&counter);
        let (answers, cut_off) = buy_until_killed(server, random.usize(0..300));
        acknowledged.extend(answers);
        unknown += cut_off;
    }

    let sold_once = tickets(&acknowledged).len() as u64;
    let server = serve(&counter);
    let sold = server.search()["sold"].as_u64().expect("a number");
    assert!(sold >= sold_once, "{sold_once} were acknowledged, {sold} are sold");
    assert!(sold <= sold_once + unknown as u64, "{sold} sold, {sold_once} acknowledged");
    assert_conserved(&counter, 100_000, sold);
}

/// F43: out of memory is a SIGKILL too.
#[test]
fn other_server_goes_on_where_the_killed_one_ended() {
    let mut random = seeded("other_server_goes_on_where_the_killed_one_ended");
    let counter = Counter::with(100_000);
    let survivor = serve(&counter);

    for _ in 0..3 {
        let victim = serve(&counter);
        let (answers, unknown) = buy_until_killed(victim, random.usize(0..100));
        let next = survivor.buy();

        let highest = tickets(&answers).last().copied().unwrap_or(0);
        let own = tickets_of(&next)[0];
        assert!(own > highest, "ticket {own} after {highest} was acknowledged");
        assert!(unknown <= BUYERS);
    }
    let sold = survivor.search()["sold"].as_u64().expect("a number");
    assert_conserved(&counter, 100_000, sold);
}

#[test]
fn buffered_sales_survive_a_crash_of_the_server_too() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--durability", "buffered"]);
    for _ in 0..5 {
        server.buy();
    }

    server.kill();

    assert_eq!(serve(&counter).search()["sold"], 5);
    assert_eq!(counter.count(), 95);
}

/// Lets buyers buy and kills `server` once `sales_before` are acknowledged. Returns the answers
/// and how many requests got none.
fn buy_until_killed(server: Server, sales_before: usize) -> (Vec<Answer>, usize) {
    let client = server.client().clone();
    let server = std::sync::Mutex::new(Some(server));
    let acknowledged = AtomicUsize::new(0);
    let killed = AtomicBool::new(false);
    let outcomes = crowd(BUYERS, |_| {
        let mut answers = Vec::new();
        while !killed.load(Ordering::SeqCst) {
            let Ok(answer) = Answer::try_to(client.request(Method::POST, "/buy")) else {
                return (answers, 1);
            };
            answers.push(answer);
            if acknowledged.fetch_add(1, Ordering::SeqCst) == sales_before {
                let victim = server.lock().expect("no buyer panicked").take();
                victim.expect("it is killed once").kill();
                killed.store(true, Ordering::SeqCst);
            }
        }
        (answers, 0)
    });
    let unknown = outcomes.iter().map(|(_, unknown)| unknown).sum();
    (outcomes.into_iter().flat_map(|(answers, _)| answers).collect(), unknown)
}
