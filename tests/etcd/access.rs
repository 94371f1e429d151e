//! Who may ask a cluster: passwords, certificates, and what is told where they are wrong.

use std::net::TcpListener;

use e2e::{Certificate, Etcd, eventually};
use server::ledger::etcd::{
    cluster::{Access, Tls},
    options::Sizes,
};

use crate::seat::{Seat, TICKETS, access, lasting, passing};

fn seat(access: Access) -> Seat {
    Seat::with(access, Some(TICKETS), Sizes::default())
}

#[test]
fn a_wrong_password_is_told_and_a_right_one_sells() {
    let etcd = Etcd::start();
    etcd.ctl(&["user", "add", "root:secret"]);
    etcd.ctl(&["auth", "enable"]);
    let by = |password: &str| {
        let user = Some(("root".to_owned(), password.to_owned()));
        Access { user, ..access(&etcd.addresses()) }
    };
    let wrong =
        "the etcd cluster refuses this server: authentication failed, invalid user ID or password";
    // A password's hash takes its time, and on a busy machine more than an answer may take.
    let told = eventually("an answer", || {
        let told = passing(seat(by("guessed")).hear());
        (!told.ends_with("no answer")).then_some(told)
    });
    assert_eq!(told, wrong);
    let nobody = passing(seat(access(&etcd.addresses())).hear());
    assert!(nobody.ends_with("user name is empty"), "{nobody}");
    seat(by("secret")).sell(1);
}

#[test]
fn with_certificates_only_those_are_served_that_the_cluster_knows() {
    let (members, clients) = (Certificate::of_loopback(), Certificate::of_loopback());
    let etcd = Etcd::over_tls(&members, &clients);
    let pem = |path| std::fs::read(path).unwrap();
    let by = |ca: &Certificate, identity: Option<&Certificate>| {
        let identity =
            identity.map(|certificate| (pem(certificate.chain()), pem(certificate.key())));
        let tls = Some(Tls { ca: pem(ca.chain()), identity });
        Access { tls, ..access(&etcd.addresses()) }
    };
    let mut right = seat(by(&members, Some(&clients)));
    eventually("the cluster to come up", || right.hear().ok());
    right.sell(1);
    let told = passing(seat(by(&clients, Some(&clients))).hear());
    assert!(told.starts_with("no TLS with the etcd member 127.0.0.1:"), "{told}");
    assert!(told.to_lowercase().contains("certificate"), "{told}");
    let told = passing(seat(by(&members, None)).hear());
    assert!(told.to_lowercase().contains("certificate"), "{told}");
    let told = passing(seat(by(&members, Some(&members))).hear());
    assert!(told.to_lowercase().contains("certificate"), "{told}");
    let told = passing(seat(access(&etcd.addresses())).hear());
    assert!(told.starts_with("no member of the etcd cluster can be used: 127.0.0.1:"), "{told}");
}

#[test]
fn an_address_where_nobody_is_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let told = passing(seat(access(std::slice::from_ref(&address))).hear());
    let expected =
        format!("no member of the etcd cluster can be used: {address}: Connection refused");
    assert!(told.starts_with(&expected), "{told}");
}

#[test]
fn a_counter_of_a_later_version_or_what_is_left_of_one_is_refused() {
    let etcd = Etcd::start();
    etcd.ctl(&["put", "tickets/hall/head", "{}"]);
    let told = passing(seat(access(&etcd.addresses())).hear());
    let expected = "the etcd cluster has keys of a counter `hall`, but not the counter: ";
    assert!(told.starts_with(expected) && told.contains("`etcdctl del "), "{told}");
    // As a later version writes it: `crc32c json`.
    etcd.ctl(&["put", "tickets/hall/counter", LATER]);
    let told = lasting(seat(access(&etcd.addresses())).hear()).to_string();
    assert_eq!(told, "the counter `hall` is of version 9 of the format, and this program knows 1");
}

/// A first line of version 9, with a member that this program does not know.
const LATER: &str = "4937c7ed {\"etcd\":9,\"shards\":3}\n";
