//! Round after round: an accident at a random moment, then the books are audited.
//!
//! `E2E_KILL_ROUNDS=2000` makes the kills a campaign; `E2E_SEED` repeats the choices of a run.

use std::thread;

use e2e::{Counter, number_of, seeded};

use super::{
    box_office::{self, BoxOffice},
    fleet::{Accident, Fleet},
    shop::Shop,
};
use crate::programs::serve;

/// How many buyers never stop.
const BUYERS: usize = 6;

/// After how many rounds a new counter begins: reading a long ledger at each start takes time.
const ROUNDS_A_LIFE: u32 = 20;

/// After how many rounds the buyers pause for the audit.
const ROUNDS_AN_AUDIT: u32 = 5;

/// Who takes tickets beside the servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outsider {
    Nobody,
    /// A program that says `flock`, reads, and writes in place.
    Careful,
}

/// F18, F35, F36: killed between any two steps of a sale, also before its answer.
#[test]
fn acknowledged_sales_of_three_servers_survive_kills_at_random_moments() {
    let mut random = seeded("acknowledged_sales_of_three_servers_survive_kills_at_random_moments");
    live_on(number_of("E2E_KILL_ROUNDS", 200), Accident::Killed, Outsider::Nobody, &mut random);
}

/// F19: and a ticket that somebody took outside is taken once, whoever is killed while learning it.
#[test]
fn sales_and_what_an_outsider_took_survive_kills_at_random_moments() {
    let mut random = seeded("sales_and_what_an_outsider_took_survive_kills_at_random_moments");
    live_on(number_of("E2E_KILL_ROUNDS", 200), Accident::Killed, Outsider::Careful, &mut random);
}

/// F05: stopped anywhere, also with the locks held; the others wait.
#[test]
fn servers_paused_at_random_moments_oversell_nothing() {
    let mut random = seeded("servers_paused_at_random_moments_oversell_nothing");
    live_on(60, Accident::Paused, Outsider::Careful, &mut random);
}

/// F18, F36: of what was held, confirmed, given back, refunded or used, nothing is lost or happens twice.
#[test]
fn holds_refunds_and_admissions_survive_kills_at_random_moments() {
    let mut random = seeded("holds_refunds_and_admissions_survive_kills_at_random_moments");
    let (rounds, mut tally) = (number_of("E2E_KILL_ROUNDS", 40), [0; 4]);
    for begun in (0..rounds).step_by(ROUNDS_A_LIFE as usize) {
        let life = live_at_the_box_office(ROUNDS_A_LIFE.min(rounds - begun), &mut random);
        tally = [0, 1, 2, 3].map(|at| tally[at] + life[at]);
    }
    println!("{rounds} rounds; told of sales, kept, refunded, admitted: {tally:?}");
    assert!(tally.iter().all(|told| *told > 0), "too little to speak of: {tally:?}");
}

/// As many rounds as asked for, in lives of a counter each.
fn live_on(rounds: u32, accident: Accident, outsider: Outsider, random: &mut fastrand::Rng) {
    let mut sales = 0;
    for begun in (0..rounds).step_by(ROUNDS_A_LIFE as usize) {
        sales += live(ROUNDS_A_LIFE.min(rounds - begun), accident, outsider, random);
    }
    println!("{rounds} rounds, {sales} purchases answered");
    assert!(sales > rounds as usize, "too few sales to speak of: {sales}");
}

/// One counter's life; how many purchases were answered in it.
fn live(rounds: u32, accident: Accident, outsider: Outsider, random: &mut fastrand::Rng) -> usize {
    let counter = Counter::with(super::shop::TICKETS);
    let shop = Shop::new();
    let mut fleet = Fleet::open(&counter, &shop, serve);
    thread::scope(|scope| {
        let shop = &shop;
        let _closing = shop.closing();
        for _ in 0..BUYERS {
            let seed = random.u64(..);
            scope.spawn(move || shop.buy_on(seed));
        }
        if outsider == Outsider::Careful {
            scope.spawn(|| shop.take_outside_on(&counter, |counter| counter.change_count(-1)));
        }
        for round in 1..=rounds {
            fleet.suffer(accident, random);
            if round % ROUNDS_AN_AUDIT == 0 || round == rounds {
                shop.audit(&counter, fleet.servers());
            }
        }
    });
    shop.sales_count()
}

/// A life of a counter whose visitors hold, refund and are let in; how many sales were told, and of each status.
fn live_at_the_box_office(rounds: u32, random: &mut fastrand::Rng) -> [usize; 4] {
    let counter = Counter::with(super::shop::TICKETS);
    let shop = Shop::new();
    let mut fleet = Fleet::open(&counter, &shop, box_office::serve);
    let office = BoxOffice::at(&shop);
    thread::scope(|scope| {
        let office = &office;
        let _closing = shop.closing();
        for _ in 0..BUYERS {
            let seed = random.u64(..);
            scope.spawn(move || office.visit_on(seed));
        }
        for round in 1..=rounds {
            fleet.suffer(Accident::Killed, random);
            if round % ROUNDS_AN_AUDIT == 0 || round == rounds {
                office.audit(fleet.servers());
            }
        }
        office.close_the_books(&counter);
    });
    office.tally()
}
