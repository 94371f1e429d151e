//! Who may ask a cluster: passwords, certificates, and what is told where they are wrong.

use e2e::{Certificate, Etcd, eventually};
use server::ledger::etcd::{
    cluster::{Access, Tls},
    options::Sizes,
};

use crate::seat::{Seat, TICKETS, access, answered, lasting, passing};

fn seat(access: Access) -> Seat {
    Seat::with(access, Some(TICKETS), Sizes::default())
}

/// Why nothing is sold with this `access`, once that is answered.
#[track_caller]
fn told(access: &Access) -> String {
    passing(answered(|| seat(access.clone()).hear()))
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
    assert_eq!(told(&by("guessed")), wrong);
    let nobody = told(&access(&etcd.addresses()));
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
    let of_others = told(&by(&clients, Some(&clients)));
    assert!(of_others.starts_with("no TLS with the etcd member 127.0.0.1:"), "{of_others}");
    assert!(of_others.to_lowercase().contains("certificate"), "{of_others}");
    let without = told(&by(&members, None));
    assert!(without.to_lowercase().contains("certificate"), "{without}");
    let unknown = told(&by(&members, Some(&members)));
    assert!(unknown.to_lowercase().contains("certificate"), "{unknown}");
    let plain = told(&access(&etcd.addresses()));
    assert!(plain.starts_with("no member of the etcd cluster can be used: 127.0.0.1:"), "{plain}");
}

#[test]
fn an_address_where_nobody_is_is_told() {
    // A port that only the system's own services may have, and none has.
    let told = told(&access(&["127.0.0.1:1".to_owned()]));
    let expected = "no member of the etcd cluster can be used: 127.0.0.1:1: Connection refused";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn a_counter_of_a_later_version_or_what_is_left_of_one_is_refused() {
    let etcd = Etcd::start();
    etcd.ctl(&["put", "tickets/hall/head", "{}"]);
    let left = told(&access(&etcd.addresses()));
    let expected = "the etcd cluster has keys of a counter `hall`, but not the counter: ";
    assert!(left.starts_with(expected) && left.contains("`etcdctl del "), "{left}");
    // As a later version writes it: `crc32c json`.
    etcd.ctl(&["put", "tickets/hall/counter", LATER]);
    let told = lasting(answered(|| seat(access(&etcd.addresses())).hear())).to_string();
    let expected = "the counter `hall` was made by a newer version of this program: its format is `9`, and this one knows \
                    up to `1`";
    assert_eq!(told, expected);
}

/// A first line of version 9, with a member that this program does not know.
const LATER: &str = "4937c7ed {\"etcd\":9,\"shards\":3}\n";
