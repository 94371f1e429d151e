//! One counter under several names, and who may read what it keeps.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use e2e::{Counter, Server};

use crate::{
    programs::{serve, server},
    sales::{assert_conserved, tickets_of},
};

/// F29: a symbolic link is the counter that it leads to, with the same ledger.
#[test]
fn servers_on_a_link_and_on_its_target_share_one_ledger() {
    let counter = Counter::with(100);
    let linked = Counter::missing();
    symlink(counter.path(), linked.path()).expect("a link can be made");
    let servers = [serve(&counter), serve(&linked)];

    for ticket in 1..=10 {
        let server: &Server = &servers[ticket % 2];
        assert_eq!(tickets_of(&server.buy()), [ticket as u64]);
    }

    assert!(!linked.ledger().exists());
    assert_conserved(&counter, 100, 10);
}

/// F29: under a second hard link there would be a second ledger, which knows nothing of the sales.
#[test]
fn hard_link_to_a_counter_with_sales_is_refused() {
    let counter = Counter::with(100);
    let serving = serve(&counter);
    serving.buy();
    let linked = Counter::missing();
    fs::hard_link(counter.path(), linked.path()).expect("a link can be made");

    let program = server().args(["--listen", "127.0.0.1:0", "--db"]).arg(linked.path());
    let refusal = program.run();

    assert_eq!(refusal.code, Some(65), "{refusal:?}");
    assert!(!linked.ledger().exists());
    assert_eq!(tickets_of(&serving.buy()), [2]);
    assert_conserved(&counter, 100, 2);
}

/// F41: keys and receipts' secret are in the ledger; only its owner reads it.
#[test]
fn ledger_is_for_its_owner_alone() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();

    assert_eq!(mode(&counter.ledger()), 0o700);
    for entry in fs::read_dir(counter.ledger()).expect("the ledger can be listed") {
        let path = entry.expect("an entry can be read").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}
