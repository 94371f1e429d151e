//! What whoever runs a server is told of its cluster: that it is nearly full, and that it has one member only.

use std::io::{BufRead as _, BufReader, Write as _};

use e2e::{Etcd, Program, Server, Stub, eventually};
use loadgen::engines::free_addresses;

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

/// A review found it: who the members are was waited for ahead of all else.
#[test]
fn room_is_looked_at_though_nobody_says_who_the_members_are() {
    let member = Stub::start(|stream| {
        let mut out = stream.try_clone().expect("a stream can be written while it is read");
        let mut asked = String::new();
        let mut input = BufReader::new(stream);
        // Whoever asks for the metrics is told; calls to the cluster come to nothing, and their connections stay open.
        if input.read_line(&mut asked).is_ok() && asked.starts_with("GET /metrics ") {
            let told = "etcd_server_quota_backend_bytes 100\netcd_mvcc_db_total_size_in_bytes 80\n";
            let _ = write!(out, "HTTP/1.0 200 OK\r\n\r\n{told}");
        } else {
            let _ = std::io::copy(&mut input, &mut std::io::sink());
        }
    });
    let address = member.url().replace("http://", "");
    let db = format!("etcd://{address}/hall");

    let server = Server::start_without_counter(server().args(["--db", &db]));

    let told = format!("80% of the room of the etcd member {address} is taken");
    eventually("a warning", || server.stderr().contains(&told).then_some(()));
    assert_eq!(taken(&server), Some(0.8));
}

#[test]
fn cluster_of_one_member_is_told_of_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // etcd takes no port 0.
    let free = free_addresses(2).expect("free ports");
    let (client, peer) = (free[0], free[1]);
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
