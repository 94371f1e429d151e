//! What every engine has to do, on a cluster where nothing fails.

use std::{collections::BTreeSet, thread};

use e2e::Etcd;
use server::ledger::{Appended, etcd::options::Sizes};

use crate::seat::{Seat, TICKETS, access, answered, lasting, passing, ticket};

#[test]
fn what_one_appends_is_news_to_another_and_is_found_again() {
    let etcd = Etcd::start();
    let (mut one, mut another) = (Seat::at(&etcd), Seat::at(&etcd));
    let mut sold = one.sell(3);
    sold.extend(one.sell(1));
    another.hear_in_time();
    assert_eq!(another.count(), (TICKETS - 4, 4));
    sold.extend(another.sell(2));
    let heard = one.hear_up_to(6);
    assert_eq!((heard.own, heard.records), (0, sold[4..].to_vec()));
    assert_eq!(one.look_up(1, 9), sold);
    assert_eq!(another.look_up(2, 3), sold[1..3]);
    assert_eq!(one.look_up(7, 7), []);
}

#[test]
fn of_two_batches_for_one_revision_one_is_lost() {
    let etcd = Etcd::start();
    let (mut one, mut another) = (Seat::at(&etcd), Seat::at(&etcd));
    one.hear_in_time();
    another.hear_in_time();
    let tried = one.try_to_sell_between(2, || drop(another.sell(1))).unwrap();
    assert!(matches!(tried.appended, Appended::Lost), "{:?}", tried.appended);
    assert_eq!(one.hear_in_time().records.len(), 1);
    assert_eq!(one.count(), (TICKETS - 1, 1));
}

#[test]
fn what_is_known_is_confirmed_until_another_appends() {
    let etcd = Etcd::start();
    let (mut one, mut another) = (Seat::at(&etcd), Seat::at(&etcd));
    one.hear_in_time();
    assert!(one.confirm_in_time());
    another.sell(1);
    assert!(!one.confirm_in_time());
    one.hear_in_time();
    assert!(one.confirm_in_time());
}

/// A transaction that only reads is answered by one member, which may be of the past.
#[test]
fn a_confirmation_goes_through_the_common_log() {
    let etcd = Etcd::start();
    let mut seat = Seat::at(&etcd);
    seat.hear_in_time();
    let applied = |etcd: &Etcd| etcd.applied_of_the_leader();
    let before = applied(&etcd);
    for _ in 0..50 {
        assert!(seat.confirm_in_time());
    }
    assert!(applied(&etcd) >= before + 50, "{before}, then {}", applied(&etcd));
    assert_eq!(seat.count(), (TICKETS, 0));
}

#[test]
fn what_many_sell_at_once_is_sold_once_and_all_of_it_is_there() {
    let etcd = Etcd::start();
    let sellers = 4;
    let sold: Vec<u64> = thread::scope(|scope| {
        let sell = || {
            let mut seat = Seat::at(&etcd);
            (0..40).flat_map(|_| seat.sell(3)).map(|record| ticket(&record)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..sellers).map(|_| scope.spawn(sell)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let tickets: BTreeSet<_> = sold.iter().copied().collect();
    let all = sellers * 40 * 3;
    assert_eq!((sold.len() as u64, tickets.len() as u64), (all, all));
    let mut late = Seat::at(&etcd);
    late.hear_in_time();
    assert_eq!(late.count(), (TICKETS - all, all));
    assert_eq!(late.look_up(1, all + 1).len() as u64, all);
}

#[test]
fn a_counter_that_is_missing_is_made_only_where_that_was_asked_for() {
    let etcd = Etcd::start();
    let mut none = Seat::with(access(&etcd.addresses()), None, Sizes::default());
    let told = lasting(answered(|| none.hear())).to_string();
    assert_eq!(told, "the etcd cluster has no counter `hall`: `--init N` makes one with N tickets");
    // Later on it may be put back.
    assert_eq!(passing(answered(|| none.hear())), told);
    Seat::at(&etcd).sell(1);
    none.hear_in_time();
    assert_eq!(none.count(), (TICKETS - 1, 1));
    // And one that is there is left as it is.
    let mut again = Seat::with(access(&etcd.addresses()), Some(5), Sizes::default());
    again.hear_in_time();
    assert_eq!(again.count(), (TICKETS - 1, 1));
}
