//! An address that leads to two clusters, by a mistake: a counter of the same name can be in each.

use e2e::{Etcd, Proxy, Server, eventually};

use crate::servers::{not_ready, server};

/// What is said of a member that does not belong to the others.
const FOREIGN: &str = "is of another cluster";

/// A proxy in front of each member.
fn proxies(etcd: &Etcd) -> Vec<Proxy> {
    etcd.addresses().iter().map(|member| Proxy::before(member)).collect()
}

fn serve(proxies: &[&[Proxy]]) -> Server {
    let members: Vec<_> =
        proxies.iter().flat_map(|proxies| proxies.iter()).map(Proxy::address).collect();
    let db = format!("etcd://{}/hall", members.join(","));
    Server::start_without_counter(server().args([
        "--db",
        &db,
        "--init",
        "9",
        "--lock-timeout",
        "1s",
    ]))
}

/// What stands of counters in a cluster.
fn counters(etcd: &Etcd) -> String {
    etcd.ctl(&["get", "--prefix", "tickets/", "--keys-only"]).stdout
}

#[track_caller]
fn assert_refused_for_a_foreign_member(server: &Server) {
    eventually(FOREIGN, || not_ready(server).filter(|why| why.contains(FOREIGN)));
    let refused = server.buy();
    assert_eq!(
        (refused.status, &refused.json()["sold"]),
        (503, &"no".into()),
        "{}",
        refused.text()
    );
}

/// A review found it.
#[test]
fn server_stays_with_its_cluster_and_one_that_is_shown_two_begins_with_neither() {
    let [own, other] = [Etcd::start(), Etcd::start()];
    let [to_own, to_other] = [proxies(&own), proxies(&other)];
    to_other.iter().for_each(Proxy::cut);
    let running = serve(&[&to_own, &to_other]);
    eventually("a sale", || (running.buy().status == 201).then_some(()));

    to_other.iter().for_each(Proxy::mend);
    to_own.iter().for_each(Proxy::cut);

    eventually("nothing to be on its way", || (running.buy().json()["sold"] == "no").then_some(()));
    assert_refused_for_a_foreign_member(&running);
    to_own.iter().for_each(Proxy::mend);
    eventually("a sale", || (running.buy().status == 201).then_some(()));
    assert_eq!(counters(&other), "");

    // Whoever begins now cannot know which is meant.
    let [third, fourth] = [&other, &own].map(proxies);
    own.ctl(&["del", "--prefix", "tickets/"]);
    let shown_two = serve(&[&third, &fourth]);
    assert_refused_for_a_foreign_member(&shown_two);
    assert_eq!((counters(&own), counters(&other)), (String::new(), String::new()));
}
