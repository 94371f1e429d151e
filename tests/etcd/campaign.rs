//! Three servers on three members, buyers who never give up, and the member that leads killed, stopped or cut off
//! from the others again and again; then everything is settled, and the judge gets all that was told.
//!
//! `E2E_ACCIDENTS=200` makes it a campaign; `E2E_SEED` repeats the choices of a run.

use std::{thread, time::Duration};

use e2e::{
    Buyers, Counter, Etcd, Program, Server, Signal, eventually, number_of, seeded, tickets,
    tickets_of,
};

use crate::servers::{loadgen, serve};

/// More than anybody buys.
const TICKETS: u64 = 1_000_000;

/// How often the member that leads is killed, is stopped, and is cut off, each.
const TIMES: u32 = 20;

/// How long whoever was killed, stopped or cut off stays so after others sell again, at most.
const LINGERS_MS: u64 = 100;

#[derive(Clone, Copy, Debug)]
enum Accident {
    Killed,
    Stopped,
    CutOff,
}

#[test]
fn whatever_happens_to_who_leads_nothing_is_lost_and_nothing_is_sold_twice() {
    let mut random =
        seeded("whatever_happens_to_who_leads_nothing_is_lost_and_nothing_is_sold_twice");
    let times = number_of("E2E_ACCIDENTS", TIMES);
    let mut etcd = Etcd::that_can_be_parted();
    let servers: Vec<_> = (0..3).map(|_| serve(&etcd, TICKETS)).collect();
    let doors = servers.iter().map(|server| server.url().to_owned()).collect();
    let buyers = Buyers::while_doing(6, doors, &mut random, |buyers, random| {
        buyers.wait_for(20);
        for number in 0..times {
            for accident in [Accident::Killed, Accident::Stopped, Accident::CutOff] {
                let leader = etcd.leader();
                thread::sleep(Duration::from_millis(random.u64(0..LINGERS_MS)));
                match accident {
                    Accident::Killed => etcd.kill(leader),
                    Accident::Stopped => etcd.signal(leader, Signal::STOP),
                    Accident::CutOff => etcd.isolate(leader),
                }
                // While it lasts: the others elect another, and sell.
                buyers.wait_for(10);
                thread::sleep(Duration::from_millis(random.u64(0..LINGERS_MS)));
                match accident {
                    Accident::Killed => etcd.restart(leader),
                    Accident::Stopped => etcd.signal(leader, Signal::CONT),
                    Accident::CutOff => etcd.reunite(),
                }
                buyers.wait_for(10);
                etcd.wait_for_all();
                println!("{number}: {leader} was {accident:?}");
            }
        }
    });
    assert_settled(&servers, &buyers);
}

/// What the campaign rests on.
#[test]
fn who_is_cut_off_has_no_leader_and_the_others_have_another() {
    let etcd = Etcd::that_can_be_parted();
    let first = etcd.leader();
    etcd.isolate(first);
    eventually("the one that led to be alone", || etcd.is_alone(first).then_some(()));
    assert_ne!(etcd.leader(), first);
    etcd.reunite();
    etcd.wait_for_all();
}

/// What was told is in the ledger, once, was taken off the count, and is explained by one order.
#[track_caller]
fn assert_settled(servers: &[Server], buyers: &Buyers) {
    let sales = buyers.sales();
    let sold = tickets(&sales);
    let count = sold.len() as u64;
    assert_eq!(sold, (1..=count).collect::<Vec<_>>(), "AnswerOnce: a key each, no other sale");
    for server in servers {
        let search = eventually("a server that can be asked", || {
            Some(server.get("/search")).filter(|found| found.status == 200)
        });
        let search = search.json();
        let state = (search["count"].as_u64(), search["sold"].as_u64());
        assert_eq!(state, (Some(TICKETS - count), Some(count)));
    }
    for (number, sale) in sales.iter().enumerate() {
        let server = &servers[number % servers.len()];
        let found = eventually("a receipt that can be looked up", || {
            Some(server.get(sale.header("Location"))).filter(|found| found.status != 503)
        });
        assert_eq!(found.status, 200, "AckAfterSync: {} is lost", sale.text());
        assert_eq!(tickets_of(&found), tickets_of(sale), "{}", found.text());
    }
    let history = Counter::holding(buyers.history(TICKETS, TICKETS - count));
    let check: Program = loadgen().args(["check", "--json"]).arg(history.path());
    let check = check.run();
    assert_eq!(check.code, Some(0), "{check:?}");
    assert_eq!(check.json()["verdict"], "valid", "{check:?}");
    println!("{count} sales were told");
}
