//! What whoever runs a server is told of its cluster: that it is nearly full, and that it has one member only.

use std::net::TcpListener;

use e2e::{Etcd, Program, Server, eventually};

use crate::servers::{serve, server};

/// How much of the room is taken, where the server says it.
fn taken(server: &Server) -> Option<f64> {
    let text = server.get("/metrics").text();
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("tickets_ledger_room_taken_ratio ")?.parse().ok())
}

#[test]
fn cluster_that_is_nearly_full_is_told_of_while_there_is_room() {
    let etcd = Etcd::with(&["--quota-backend-bytes=8000000"]);
    let server = serve(&etcd, 5);
    let empty = eventually("a share", || taken(&server));
    assert!(empty < 0.5, "{empty}");
    assert!(!server.stderr().contains("of the room"), "{}", server.stderr());
    for number in 0..60 {
        etcd.ctl(&["put", &format!("ballast/{number}"), &"x".repeat(100_000)]);
    }

    let later = serve(&etcd, 5);

    let percent: u32 = eventually("a warning", || {
        let said = later.stderr();
        let (ahead, _) = said.split_once("% of the room of the etcd member")?;
        ahead.rsplit(' ').next()?.parse().ok()
    });
    assert!((70..100).contains(&percent), "{percent}");
    eventually("a share", || taken(&later).filter(|taken| (0.7..1.0).contains(taken)));
    eventually("a sale, since there is room", || (later.buy().status == 201).then_some(()));
    assert!(!later.stderr().contains("has one member"), "{}", later.stderr());
}

#[test]
fn cluster_of_one_member_is_told_of_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // etcd takes no port 0; those that were just free are seldom taken meanwhile.
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [client, peer] =
        free.each_ref().map(|free| free.local_addr().expect("it is bound").to_string());
    drop(free);
    let _member = Program::new("etcd")
        .arg(format!("--data-dir={}", folder.path().join("m0").display()))
        .args(["--name=m0", "--log-level=error"])
        .arg(format!("--listen-client-urls=http://{client}"))
        .arg(format!("--advertise-client-urls=http://{client}"))
        .arg(format!("--listen-peer-urls=http://{peer}"))
        .arg(format!("--initial-advertise-peer-urls=http://{peer}"))
        .arg(format!("--initial-cluster=m0=http://{peer}"))
        .start();
    let db = format!("etcd://{client}/hall");
    let server = Server::start_without_counter(server().args(["--db", &db, "--init", "5"]));

    let told = "the etcd cluster has one member";
    eventually("a warning", || server.stderr().contains(told).then_some(()));
    eventually("a sale", || (server.buy().status == 201).then_some(()));
    assert_eq!(server.stderr().matches(told).count(), 1);
}
