//! Answers that are lost, members that are killed, stopped or too few, a cluster that is full, and a counter that
//! is another all of a sudden.

use e2e::{Etcd, Proxy, Signal, eventually};
use server::{
    domain::Record,
    ledger::{Appended, Cause, Fault},
};

use crate::seat::{Seat, TICKETS, Tried, answered, lasting, passing};

/// A proxy in front of each member, and where they listen.
fn proxies(etcd: &Etcd) -> (Vec<Proxy>, Vec<String>) {
    let proxies: Vec<_> = etcd.addresses().iter().map(|member| Proxy::before(member)).collect();
    let addresses = proxies.iter().map(|proxy| proxy.address().to_owned()).collect();
    (proxies, addresses)
}

#[track_caller]
fn unknown(tried: &Tried) -> String {
    match &tried.appended {
        Appended::Unknown(cause) => cause.to_string(),
        appended => panic!("{appended:?}"),
    }
}

#[test]
fn a_batch_whose_answer_was_lost_is_found_to_be_ones_own() {
    let etcd = Etcd::start();
    let (proxies, members) = proxies(&etcd);
    let mut seat = Seat::by(&members);
    seat.sell(1);
    let tried =
        seat.try_to_sell_between(3, || proxies.iter().for_each(Proxy::swallow_answers)).unwrap();
    assert_eq!(unknown(&tried), "the etcd cluster does not answer: no answer in time");
    passing(seat.hear());
    proxies.iter().for_each(Proxy::mend);
    assert!(seat.settle(&tried.batch, &tried.records));
    assert_eq!(seat.count(), (TICKETS - 4, 4));
    // It is there once.
    let mut late = Seat::at(&etcd);
    late.hear_in_time();
    assert_eq!(late.count(), (TICKETS - 4, 4));
}

#[test]
fn a_batch_that_never_arrived_is_made_good_once() {
    let etcd = Etcd::start();
    let (proxies, members) = proxies(&etcd);
    let mut seat = Seat::by(&members);
    seat.sell(1);
    let tried = seat.try_to_sell_between(3, || proxies.iter().for_each(Proxy::cut)).unwrap();
    unknown(&tried);
    proxies.iter().for_each(Proxy::mend);
    assert!(seat.settle(&tried.batch, &tried.records));
    assert_eq!(seat.count(), (TICKETS - 4, 4));
    assert_eq!(seat.hear_in_time().records, []);
}

#[test]
fn a_batch_whose_answer_was_lost_is_anothers_revision_where_another_was_faster() {
    let etcd = Etcd::start();
    let (proxies, members) = proxies(&etcd);
    let (mut seat, mut another) = (Seat::by(&members), Seat::at(&etcd));
    seat.sell(1);
    let meanwhile = || {
        another.sell(1);
        proxies.iter().for_each(Proxy::swallow_answers);
    };
    let tried = seat.try_to_sell_between(3, meanwhile).unwrap();
    unknown(&tried);
    proxies.iter().for_each(Proxy::mend);
    assert!(!seat.settle(&tried.batch, &tried.records));
    assert_eq!(seat.count(), (TICKETS - 2, 2));
}

#[test]
fn sales_go_on_when_the_leader_is_killed_and_none_is_lost() {
    let mut etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    let mut sold: Vec<Record> = Vec::new();
    for _ in 0..3 {
        let leader = etcd.leader();
        sold.extend((0..20).flat_map(|_| seat.sell(2)));
        etcd.kill(leader);
        sold.extend((0..20).flat_map(|_| seat.sell(2)));
        etcd.restart(leader);
    }
    let mut late = Seat::at(&etcd);
    late.hear_in_time();
    assert_eq!(late.look_up(1, u64::MAX >> 1), sold);
}

#[test]
fn a_receipt_is_found_when_the_member_that_was_asked_before_is_gone() {
    let mut etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    let sold = [seat.sell(1), seat.sell(1)].concat();
    assert_eq!(seat.look_up(1, 1), sold[..1]);
    etcd.kill(etcd.leader());
    etcd.leader();
    assert_eq!(seat.look_up(2, 2), sold[1..]);
}

#[test]
fn sales_go_on_when_a_member_stops_and_nothing_it_says_later_is_believed() {
    let etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    let mut sold: Vec<Record> = Vec::new();
    for _ in 0..3 {
        let leader = etcd.leader();
        sold.extend(seat.sell(1));
        etcd.signal(leader, Signal::STOP);
        sold.extend((0..20).flat_map(|_| seat.sell(2)));
        etcd.signal(leader, Signal::CONT);
        sold.extend((0..20).flat_map(|_| seat.sell(2)));
        assert!(seat.confirm_in_time());
    }
    let mut late = Seat::at(&etcd);
    late.hear_in_time();
    assert_eq!(late.look_up(1, u64::MAX >> 1), sold);
}

#[test]
fn too_few_members_are_told_and_waited_for() {
    let mut etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    seat.sell(1);
    let others: Vec<_> = (0..3).filter(|member| *member != etcd.leader()).collect();
    others.iter().for_each(|member| etcd.kill(*member));
    let too_few = "the etcd cluster has no leader: too few of its members can reach each other";
    eventually("the lack of a leader to be noticed", || {
        let told = seat.confirm().and_then(|_| seat.hear().map(drop)).err()?;
        (told.to_string() == too_few).then_some(())
    });
    assert_eq!(passing(seat.try_to_sell(1).map(|_| ())), too_few);
    others.iter().for_each(|member| etcd.restart(*member));
    seat.sell(1);
}

#[test]
fn a_cluster_that_is_full_takes_nothing_and_says_so_and_goes_on_when_it_has_room() {
    let etcd = Etcd::with(&["--quota-backend-bytes=4000000"]);
    for number in 0..20 {
        etcd.ctl(&["put", &format!("ballast/{number}"), &"x".repeat(100_000)]);
    }
    let mut seat = Seat::at(&etcd);
    let mut sold = Vec::new();
    let (refused, told) = loop {
        // Few at a time: a member learns ten times a second how full it is, and what it takes meanwhile must not be
        // more than the ballast.
        match seat.try_to_sell(50).unwrap() {
            Tried { appended: Appended::Durable, records, .. } => sold.extend(records),
            Tried { appended: Appended::Unknown(_), batch, records } => {
                // It was put by the last room that there was.
                assert!(seat.settle(&batch, &records));
                sold.extend(records);
            }
            Tried { appended: Appended::Lost, records, .. } => {
                break (records, passing(answered(|| seat.hear())));
            }
            Tried { appended, .. } => panic!("{appended:?}"),
        }
    };
    assert_eq!(told, "the etcd cluster is full: mvcc: database space exceeded");
    // What stands there can be read, and confirmed.
    assert_eq!(seat.hear_in_time().records, []);
    assert!(seat.confirm_in_time());
    let mut late = Seat::at(&etcd);
    late.hear_in_time();
    assert_eq!(late.look_up(1, u64::MAX >> 1), sold);
    assert!(!sold.is_empty() && !sold.contains(&refused[0]));
    etcd.make_room("ballast/");
    seat.sell(1);
}

#[test]
fn a_counter_that_was_made_anew_is_not_sold_from() {
    let etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    seat.sell(2);
    etcd.ctl(&["del", "--prefix", "tickets/hall/"]);
    let told = passing(answered(|| seat.confirm()));
    assert!(told.starts_with("the etcd cluster has no counter `hall`"), "{told}");
    Seat::at(&etcd).sell(1);
    let told = lasting(answered(|| seat.hear())).to_string();
    assert!(told.contains("`hall` is another one: it was made anew"), "{told}");
}

#[test]
fn a_ledger_that_was_put_back_to_an_older_one_is_not_sold_from() {
    let etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    seat.sell(2);
    let head = etcd.ctl(&["get", "--print-value-only", "tickets/hall/head"]).stdout;
    seat.sell(1);
    etcd.ctl(&["put", "tickets/hall/head", &format!("{}\n", head.trim_end())]);
    let tried = seat.try_to_sell(1);
    let told = match tried {
        Ok(Tried { appended: Appended::Broken(cause), .. }) => cause.to_string(),
        tried => Cause::of(tried.map(|_| ()).unwrap_err()).to_string(),
    };
    assert!(told.contains("`hall` ends at revision `2`, and had `3`"), "{told}");
}

/// Why a seat sells nothing any more, once it is answered; that it sells nothing until then.
#[track_caller]
fn refused(seat: &mut Seat) -> String {
    eventually("an answer", || match seat.try_to_sell(1) {
        Ok(Tried { appended: Appended::Durable, .. }) => panic!("it was sold"),
        Ok(Tried { appended: Appended::Broken(cause), .. }) | Err(Fault::Lasting(cause)) => {
            Some(cause.to_string())
        }
        Ok(_) | Err(Fault::Passing(_)) => None,
    })
}

/// The numbers by which a batch knows its place: when the counter was made, and when its head was last written.
fn numbers(etcd: &Etcd) -> [u64; 2] {
    let number = |key: &str, name: &str| {
        let told = etcd.ctl(&["get", key, "--write-out=fields"]).stdout;
        let number = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" : "));
        number.and_then(|number| number.parse().ok()).expect("a key has numbers")
    };
    [
        number("tickets/hall/counter", "\"CreateRevision\""),
        number("tickets/hall/head", "\"ModRevision\""),
    ]
}

/// A review found it: revisions alone were compared, and those of two clusters can be the same.
#[test]
fn a_counter_of_another_cluster_is_not_sold_from_though_all_numbers_are_the_same() {
    let mut etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    seat.hear_in_time();
    let known = numbers(&etcd);

    etcd.replace();
    let mut another = Seat::at(&etcd);
    another.hear_in_time();

    assert_eq!(numbers(&etcd), known);
    let told = refused(&mut seat);
    assert!(told.contains("its address leads to another cluster"), "{told}");
    another.sell(1);
    assert_eq!(another.count(), (TICKETS - 1, 1));
}

/// The same where it is the same counter, put back and sold from.
#[test]
fn a_ledger_that_was_put_back_and_has_other_sales_since_is_not_sold_from() {
    let mut etcd = Etcd::start();
    let (counter, head) = ("tickets/hall/counter", "tickets/hall/head");
    let mut seat = Seat::at(&etcd);
    seat.hear_in_time();
    let [kept_counter, kept_head] = [counter, head].map(|key| {
        let value = etcd.ctl(&["get", "--print-value-only", key]).stdout;
        format!("{}\n", value.trim_end())
    });
    etcd.ctl(&["put", "ballast", "for a revision"]);
    seat.sell(1);
    let known = numbers(&etcd);

    etcd.replace();
    etcd.ctl(&["put", counter, &kept_counter]);
    etcd.ctl(&["put", head, &kept_head]);
    let mut another = Seat::at(&etcd);
    let sold = another.sell(1);

    assert_eq!(numbers(&etcd), known);
    let told = refused(&mut seat);
    assert!(told.contains("`hall` has another record `1` than this server knows"), "{told}");
    let mut late = Seat::at(&etcd);
    late.hear_in_time();
    assert_eq!(late.look_up(1, 9), sold);
}
