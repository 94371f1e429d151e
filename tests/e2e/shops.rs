//! `loadgen shops` and `loadgen shop`: the judge convicts every bug of the gallery and accuses no twin.

use std::{fs, time::Duration};

use e2e::{Counter, Finished, Mark, Program, Server, Signal, seeded};
use serde_json::{Value, json};

use crate::programs::{loadgen, serve_with};

/// Six times what it takes alone, for there are other tests on this machine.
const LIMIT: Duration = Duration::from_secs(180);

/// As many as the issue that asked for them names.
const SHOPS: usize = 15;

#[test]
fn every_bug_is_convicted_and_no_twin_is_accused_in_20_rounds() {
    let seed = seeded("shops").u32(..).to_string();

    let proof = loadgen().args(["shops", "--prove", "--rounds", "20", "--json", "--seed", &seed]);
    let finished = proof.within(LIMIT).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let proof = finished.json();
    let shops = proof["shops"].as_array().expect("shops");
    assert_eq!(shops.len(), SHOPS);
    for shop in shops {
        assert_eq!(shop["twin"], json!({"valid": 20, "unknown": 0, "violation": 0}), "{shop}");
        assert!(shop["rounds_until_shown"].as_u64() >= Some(1), "{shop}");
        assert!(shop["kind"].is_string() && shop["story"][0].is_string(), "{shop}");
    }
    assert!(finished.stderr.contains("15 of 15 bugs convicted"), "{}", finished.stderr);
    assert!(finished.stderr.contains(&format!("seed {seed}")), "{}", finished.stderr);
}

#[test]
fn shops_are_listed_with_their_sources() {
    let finished = loadgen().args(["shops", "--json"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let list = finished.json();
    let shops = list["shops"].as_array().expect("shops");
    assert_eq!(shops.len(), SHOPS);
    let words = loadgen().arg("shops").run();
    for shop in shops {
        assert!(shop["source"].as_str().expect("a source").starts_with("https://"), "{shop}");
        assert!(words.stdout.contains(shop["name"].as_str().expect("a name")), "{words:?}");
    }
}

#[test]
fn shop_is_convicted_by_hand_with_the_load_that_it_names_and_its_twin_is_not() {
    for (mended, code) in [(&[][..], 1), (&["--mended"][..], 0)] {
        let temporary = Counter::missing();
        let shop = shop(&temporary, "check-outside-lock", mended);
        let words = shop.stderr();
        let hint = words.lines().find_map(|line| line.strip_prefix("hint: loadgen "));
        let line: Vec<&str> = hint.expect("a hint").split(' ').collect();

        let finished = loadgen().args(line).arg("--json").run();

        assert_eq!(finished.code, Some(code), "{mended:?}: {finished:?}");
        assert!(words.contains("https://"), "{words}");
    }
}

#[test]
fn shop_speaks_the_calls_of_the_server() {
    let temporary = Counter::missing();
    let arguments = ["--mended", "--tickets", "2"];
    let shop = shop(&temporary, "hold-lapses-in-confirm", &arguments);
    let client = shop.client();

    let sold = client.buy();
    let held = client.post("/holds", &json!({"quantity": 1, "seconds": 60}));
    let sold_out = client.buy();

    assert_eq!((sold.status, held.status, sold_out.status), (201, 201, 409));
    assert_eq!(sold.json()["tickets"], json!([1]));
    assert_eq!(sold_out.json()["type"], "/problems/sold-out");
    assert_eq!(sold_out.header("content-type"), "application/problem+json");
    let token = held.json()["hold"].as_str().expect("a token").to_owned();
    let confirmed = client.post(&format!("/holds/{token}/confirm"), &json!({}));
    assert_eq!((confirmed.status, &confirmed.json()["tickets"]), (201, &json!([2])));
    assert_eq!(client.search()["held"], 0);
    for body in [json!({"quantity": 2}), json!({"quantty": 1})] {
        assert_eq!(client.post("/buy", &body).status, 400, "{body}");
    }
}

/// A shop of two processes shares its address with itself, and with no other shop.
#[test]
fn second_shop_of_two_processes_is_refused_the_address_of_the_first() {
    let temporary = Counter::missing();
    let first = shop(&temporary, "lock-in-one-process", &[]);
    let second = ["shop", "lock-in-one-process", "--mended", "--listen", first.address()];
    let refused = loadgen().args(second).env("TMPDIR", temporary.folder()).run();
    assert!(matches!(refused.code, Some(2 | 70)), "{refused:?}");
    assert!(refused.stderr.contains(first.address()), "{refused:?}");
}

#[test]
fn shop_that_ends_leaves_no_process_and_when_it_can_no_folder_behind() {
    for (signal, ended) in [(Signal::INT, Some(0)), (Signal::TERM, Some(0)), (Signal::KILL, None)] {
        let temporary = Counter::missing();
        let mark = Mark::new();
        let program = loadgen().args(["shop", "lock-in-one-process"]);
        let shop =
            Server::start_without_counter(mark.on(program).env("TMPDIR", temporary.folder()));
        // `setpriv` has become the program itself, and the program has started a second one.
        mark.wait_for_carriers(2);

        shop.signal(signal);
        let finished = shop.finish();

        assert_eq!(finished.code, ended, "{signal:?}: {finished:?}");
        mark.wait_until_gone();
        let left = fs::read_dir(temporary.folder()).expect("the folder is there").count();
        assert_eq!(left, usize::from(ended.is_none()), "{signal:?}");
    }
}

#[test]
fn interrupted_proof_exits_130_and_leaves_nothing_behind() {
    let temporary = Counter::missing();
    let mark = Mark::new();
    let only = "lock-in-one-process";
    let proof = loadgen().args(["shops", "--prove", "--rounds", "5000", "--only", only]);
    let proof = mark.on(proof).env("TMPDIR", temporary.folder()).start();
    mark.wait_for_carriers(2);

    proof.signal(Signal::INT);

    let finished = proof.finish(Duration::from_secs(30));
    assert_eq!(finished.code, Some(130), "{finished:?}");
    mark.wait_until_gone();
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

#[test]
fn wrong_flags_are_named() {
    for (line, named) in [
        (&["shop"][..], "NAME"),
        (&["shop", "no-such-shop"], "no-such-shop"),
        (&["shops", "--rounds", "3"], "--prove"),
        (&["shops", "--prove", "--rounds", "0"], "--rounds"),
        (&["shops", "--prove", "--only", "nothing"], "nothing"),
        (&["shop", "stale-replica", "--tickets", "-1"], "--tickets"),
    ] {
        let finished = loadgen().args(line).run();
        assert_eq!(finished.code, Some(2), "{line:?}: {finished:?}");
        assert!(finished.stderr.contains(named), "{line:?}: {}", finished.stderr);
    }
}

#[test]
fn operator_restocks_the_server_in_the_middle_of_a_run() {
    let counter = Counter::with(4);
    let token = counter.folder().join("token");
    fs::write(&token, "a-long-secret-of-the-operator").expect("the token can be written");
    let server = serve_with(&counter, &["--admin-token-file", token.to_str().expect("a path")]);
    let load = |program: Program| program.args(["-c", "4", "-z", "300ms", "--json"]);
    let run = || load(loadgen().arg("run").arg(server.url()));

    let restocked = run().args(["--restock", "50ms:3", "--admin-token-file"]).arg(&token).run();
    let refused = run().args(["--restock", "50ms:3"]).run();

    assert_eq!(restocked.code, Some(0), "{restocked:?}");
    assert_eq!((sold(&restocked), &restocked.json()["restocked"]), (7, &json!(3)));
    assert_eq!(sold(&refused), 0);
    assert!(refused.stderr.contains("not have been put on sale"), "{}", refused.stderr);
}

#[test]
fn holds_are_confirmed_as_late_as_was_asked_for() {
    let counter = Counter::with(6);
    let server = serve_with(&counter, &[]);
    let history = counter.folder().join("run.ndjson");

    let finished = loadgen()
        .args(["run", server.url(), "-c", "4", "-n", "12", "--mix", "hold=1", "--json"])
        .args(["--confirm-rate", "1", "--release-rate", "0", "--hold-seconds", "2s"])
        .args(["--confirm-after", "300ms", "--history"])
        .arg(&history)
        .run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let text = fs::read_to_string(&history).expect("the history is there");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let of = |op: &str| lines.iter().filter(|line| line["op"] == op).cloned().collect::<Vec<_>>();
    let held = |confirm: &Value| {
        let is_it = |hold: &&Value| hold["links"]["hold"] == confirm["links"]["hold"];
        of("hold").iter().find(is_it).and_then(|hold| hold["return_ns"].as_u64())
    };
    let confirms = of("confirm");
    assert!(!confirms.is_empty(), "{text}");
    for confirm in &confirms {
        let after = confirm["call_ns"].as_u64().zip(held(confirm));
        let after = after.map(|(confirmed, held)| Duration::from_nanos(confirmed - held));
        assert!(after >= Some(Duration::from_millis(299)), "{confirm}");
    }
}

#[track_caller]
fn shop(temporary: &Counter, name: &str, arguments: &[&str]) -> Server {
    let shop = loadgen().args(["shop", name]).args(arguments);
    Server::start_without_counter(shop.env("TMPDIR", temporary.folder()))
}

#[track_caller]
fn sold(finished: &Finished) -> u64 {
    finished.json()["outcomes"]["sold"].as_u64().expect("a number")
}
