//! Who may ask a cluster: passwords, certificates, and what is told where they are wrong.

use std::fs;

use e2e::{Certificate, Etcd, Server, eventually};
use server::ledger::etcd::{
    cluster::{Access, Tls},
    options::Sizes,
};

use crate::{
    seat::{Seat, TICKETS, access, answered, lasting, passing},
    servers::{buy, server},
};

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

/// Waits until no member knows a token any more that was used by now.
#[track_caller]
fn wait_until_tokens_have_ended(etcd: &Etcd) {
    let ended = |member| {
        let said = etcd.stderr(member);
        let ended = said.lines().filter(|line| line.contains("deleted a simple token"));
        ended.filter(|line| line.contains("\"user-name\":\"last\"")).count()
    };
    let before = [0, 1, 2].map(ended);
    // Each member lets them end in the order in which they were used last.
    etcd.ctl(&["--user=last:last", "get", "nothing"]);
    eventually("the last token to end", || {
        (0..3).all(|member| ended(member) > before[member]).then_some(())
    });
}

/// A token ends that nobody uses for a while, and a member that is started again knows none.
#[test]
fn a_server_whose_token_has_ended_sells_on_by_itself() {
    let options = [
        "--auth-token=simple",
        "--auth-token-ttl=1",
        "--bcrypt-cost=4",
        "--logger=zap",
        "--log-level=info",
    ];
    let mut etcd = Etcd::with(&options);
    for user in ["root", "box", "last"] {
        etcd.ctl(&["user", "add", &format!("{user}:{user}")]);
        etcd.ctl(&["user", "grant-role", user, "root"]);
    }
    etcd.ctl(&["auth", "enable"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    fs::write(&file, "box").expect("the test's own file");
    let place = etcd.db("hall").replace("etcd://", "etcd://box@");
    let db = format!("{place}?password-file={}", file.display());
    let server = Server::start_without_counter(server().args(["--db", &db, "--init", "10"]));
    let sold = eventually("a sale", || buy(&server, "a").filter(|sold| sold.status == 201));
    assert_eq!(server.get(sold.header("Location")).status, 200);

    wait_until_tokens_have_ended(&etcd);
    assert_eq!(buy(&server, "b").map(|sold| sold.status), Some(201));
    assert_eq!(server.get(sold.header("Location")).status, 200);
    wait_until_tokens_have_ended(&etcd);
    assert_eq!(server.count(), 8);

    for member in 0..3 {
        etcd.kill(member);
        etcd.restart(member);
        etcd.wait_for_all();
    }
    eventually("a sale", || (buy(&server, "c")?.status == 201).then_some(()));
    assert_eq!(server.count(), 7);
}

#[test]
fn with_certificates_only_those_are_served_that_the_cluster_knows() {
    let (members, clients) = (Certificate::of_loopback(), Certificate::of_loopback());
    let etcd = Etcd::over_tls(&members, &clients);
    let pem = |path| fs::read(path).unwrap();
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
