//! Many lives of a counter, each with accidents of its own: `CRASH_LIVES` says how many.
//!
//! All of them, on every processor:
//! `CRASH_LIVES=100000 cargo test --release -p server --lib lives_tests`.

use std::{collections::BTreeSet, sync::Mutex};

use rand::RngExt as _;

use crate::{
    ledger::file::disk::Disk,
    simulation::{
        books::{ANSWERS, RECORDS},
        disk::SimDisk,
        life::Life,
        shop::{setting, with_every_seed},
    },
};

/// What a life came to: the kinds of its records and answers.
type Kinds = BTreeSet<&'static str>;

/// One server: sell until an accident, recover with more accidents on the way, and check.
pub(super) fn live_alone<D: Disk>(seed: u64, wrap: fn(SimDisk) -> D) -> Kinds {
    let mut life = Life::new(seed, wrap);
    life.plan_an_accident(400);
    if life.start(0).is_ok() {
        for _ in 0..20 {
            life.sell(0);
        }
    }
    let power_cut = life.dice.random_bool(0.5);
    life.recover(power_cut);
    life.kinds
}

/// Two servers in turn, either of which may end at any call, and an outsider who edits.
pub(super) fn live_together<D: Disk>(seed: u64, wrap: fn(SimDisk) -> D) -> Kinds {
    let mut life = Life::new(seed, wrap);
    for _ in 0..life.dice.random_range(1..4) {
        live_until_the_lights_go_out(&mut life);
        let power_cut = life.dice.random_bool(0.4);
        if power_cut {
            life.forget_what_the_outsider_read();
        }
        life.recover(power_cut);
    }
    life.kinds
}

fn live_until_the_lights_go_out<D: Disk>(life: &mut Life<D>) {
    for _ in 0..life.dice.random_range(1..24) {
        let place = usize::from(life.dice.random_bool(0.5));
        match life.dice.random_range(0..20) {
            0 => life.kill(place),
            1 => life.plan_an_accident(30),
            2..=4 => life.edit(),
            5 => life.rest(place),
            _ => {}
        }
        // Without room, or after a failed sync, it does not start; then later.
        let _ = life.start(place);
        life.sell(place);
    }
}

#[test]
fn whatever_was_acknowledged_survives_any_accident() {
    with_every_seed(setting("CRASH_LIVES", 2_000), |seed| drop(live_alone(seed, |disk| disk)));
}

#[test]
fn two_servers_and_an_outsider_never_sell_more_than_is_explained() {
    with_every_seed(setting("CRASH_LIVES", 2_000), |seed| drop(live_together(seed, |disk| disk)));
}

#[test]
fn lives_come_to_every_kind_of_record_and_of_answer() {
    let come_to = Mutex::new(Kinds::new());
    with_every_seed(200, |seed| {
        let kinds = live_together(seed, |disk| disk);
        come_to.lock().unwrap().extend(kinds);
    });
    let all: Kinds = RECORDS.into_iter().chain(ANSWERS).collect();
    assert_eq!(come_to.into_inner().unwrap(), all);
}
