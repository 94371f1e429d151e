//! Starting a server: a new counter, an old one, and what the command line cannot mean.

use std::{
    fs, io,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use e2e::{Counter, Program, Server};
use serde_json::json;

use crate::{
    programs::{serve, serve_with, server},
    strace::server_with,
};

#[test]
fn init_creates_a_missing_counter() {
    let counter = Counter::missing();

    let server = serve_with(&counter, &["--init", "50"]);

    assert_eq!(server.count(), 50);
    assert_eq!(counter.count(), 50);
    assert_eq!(server.buy().json()["tickets"], json!([1]));
}

/// Killed before its file has its name, and before it has put away the other name of it.
#[test]
fn init_that_was_killed_midway_leaves_nothing_that_is_in_the_way() {
    for fault in ["fdatasync", "linkat", "/^unlink"] {
        let counter = Counter::missing();
        let killed = server_with(&format!("{fault}:signal=KILL:when=1"));
        let arguments = ["--init", "50", "--listen", "127.0.0.1:0", "--db"];
        let killed = killed.args(arguments).arg(counter.path()).run();
        assert_eq!(killed.signal, Some(9), "{fault}: {killed:?}");
        assert_ne!(names_in(counter.folder()), Vec::<String>::new(), "{fault}: killed too early");

        let server = serve_with(&counter, &["--init", "50"]);

        assert_eq!(server.buy().json()["tickets"], json!([1]), "{fault}");
        assert_eq!(names_in(counter.folder()), ["db.txt", "db.txt.ledger"], "{fault}");
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder can be listed");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<_> =
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn init_never_touches_a_counter_that_exists() {
    let counter = Counter::holding("{\"count\": 7, \"venue\": \"Hall 7\"}\n");

    let server = serve_with(&counter, &["--init", "50"]);

    assert_eq!(server.count(), 7);
    assert_eq!(counter.json()["venue"], "Hall 7");
}

#[test]
fn init_does_not_mend_a_broken_counter() {
    let counter = Counter::holding("");
    let before = counter.fingerprint();

    let refusal = server().args(["--init", "50", "--db"]).arg(counter.path()).run();

    assert_ne!(refusal.code, Some(0));
    assert_eq!(counter.fingerprint(), before);
}

/// F31: a lost counter that is made anew.
#[test]
fn init_beside_the_ledger_of_a_lost_counter_sells_no_ticket_twice() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    server.terminate();
    fs::remove_file(counter.path()).expect("the test's own file");

    let restarted = crate::programs::server()
        .args(["--init", "100", "--listen", "127.0.0.1:0", "--db"])
        .arg(counter.path())
        .start();

    // Refused, or opened so that the ledger still explains the count: never ticket 1 again.
    let url = restarted.stderr().find_line(std::time::Duration::from_secs(20), |line| {
        line.strip_prefix("listening on ").map(str::to_owned)
    });
    if let Some(url) = url {
        let sale = e2e::Client::new(&url).buy().json();
        assert_ne!(sale["tickets"], json!([1]));
    }
}

#[test]
fn keys_of_other_programs_are_kept() {
    let counter = Counter::holding(
        "{\"venue\": \"Hall 7\", \"count\": 5,\n \"seats\": {\"rows\": [1, 2.50, null]}, \"ü\": \"\\u00fc\"}",
    );
    let server = serve(&counter);

    server.buy();
    server.buy();
    server.terminate();

    assert_eq!(
        counter.json(),
        json!({
            "venue": "Hall 7", "count": 3, "seats": {"rows": [1, 2.5, null]}, "ü": "ü",
            "sold": 2, "revision": 2
        })
    );
}

#[test]
fn long_texts_of_other_programs_are_kept_too() {
    let note = "n".repeat(1500);
    let counter = Counter::holding(format!("{{\"note\": \"{note}\", \"count\": 5}}"));
    let server = serve(&counter);

    server.buy();

    assert_eq!(counter.json(), json!({"note": note, "count": 4, "sold": 1, "revision": 1}));
    assert!(counter.length() <= 4096);
}

#[test]
fn deep_nesting_of_another_program_is_kept_and_does_no_harm() {
    let nested = format!("{}{}", "[".repeat(1500), "]".repeat(1500));
    let counter = Counter::holding(format!("{{\"count\": 5, \"x\": {nested}}}"));
    let server = serve(&counter);

    server.buy();

    // As text: the test's own JSON reader has a limit of depth.
    let written = counter.text();
    assert!(written.starts_with("{\"count\": 4, "), "{written}");
    assert!(written.contains(&nested), "{written}");
}

#[test]
fn sale_leaves_inode_and_permissions_of_the_counter_alone() {
    let counter = Counter::with(5);
    let before = counter.fingerprint();
    let server = serve(&counter);

    server.buy();

    assert!(counter.fingerprint().is_same_file(&before));
}

#[test]
fn counter_is_found_by_a_relative_path_and_by_default() {
    let counter = Counter::with(9);
    let folder = counter.folder().display().to_string();
    let start_in_folder = |arguments: &str| {
        let script = format!("cd '{folder}' && exec \"$0\" {arguments} --listen 127.0.0.1:0");
        Program::new("sh").args(["-c", &script]).arg(server().path()).start()
    };

    for arguments in ["", "--db db.txt", "--db ./db.txt"] {
        let process = start_in_folder(arguments);
        let url = process.stderr().find_line(std::time::Duration::from_secs(20), |line| {
            line.strip_prefix("listening on ").map(str::to_owned)
        });

        let url = url.unwrap_or_else(|| panic!("{arguments}: {}", process.stderr().text()));
        assert_eq!(e2e::Client::new(&url).count(), 9, "{arguments}");
    }
}

#[test]
fn taken_port_is_refused_by_name() {
    let counter = Counter::with(100);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();

    let refusal = server().args(["--listen", &address, "--db"]).arg(counter.path()).run();

    assert!(!matches!(refusal.code, None | Some(0 | 101)), "{refusal:?}");
    assert!(refusal.stderr.contains(&address), "{}", refusal.stderr);
}

#[test]
fn port_of_another_server_is_refused_too() {
    let first_counter = Counter::with(100);
    let second_counter = Counter::with(100);
    let first: Server = serve_with(&first_counter, &["--event-loops", "2"]);

    let refusal = server()
        .args(["--listen", first.address(), "--event-loops", "2", "--db"])
        .arg(second_counter.path())
        .run();

    assert!(!matches!(refusal.code, None | Some(0 | 101)), "{refusal:?}");
    assert!(refusal.stderr.contains(first.address()), "{}", refusal.stderr);
}

#[test]
fn argument_that_cannot_be_meant_is_refused_by_name() {
    let counter = Counter::with(100);
    let before = counter.fingerprint();

    for arguments in [
        ["--listen", "nonsense"],
        ["--listen", "127.0.0.1:99999"],
        ["--listen", "127.0.0.1"],
        ["--listen", ""],
        ["--init", "-1"],
        ["--init", "1.5"],
        ["--init", "9007199254740992"],
        ["--locking", "hope"],
        ["--check-delay", "soon"],
        ["--write-delay", "-1ms"],
        ["--lock-timeout", "x"],
        ["--durability", "maybe"],
        ["--max-per-order", "0"],
        ["--event-loops", "0"],
        ["--admin-token-file", "/nonexistent/token"],
        ["--no-such-option", "1"],
    ] {
        let refusal = server().args(arguments).arg("--db").arg(counter.path()).run();

        assert!(!matches!(refusal.code, None | Some(0 | 101)), "{arguments:?}: {refusal:?}");
        let names = refusal.stderr.contains(arguments[0])
            || (!arguments[1].is_empty() && refusal.stderr.contains(arguments[1]));
        assert!(names, "{arguments:?}: {}", refusal.stderr);
    }
    assert_eq!(counter.fingerprint(), before);
    assert!(!counter.ledger().exists());
}

#[test]
fn refused_number_or_place_says_what_is_taken() {
    let counter = Counter::with(100);

    for (arguments, taken) in [
        (&["--init", "1.5"][..], "a whole number from 0 to 9007199254740991"),
        (&["--max-per-order", "many"], "a whole number from 1 to 1000"),
        (&["--event-loops", "2000"], "a whole number from 1 to 1024"),
        (&["--connections-max", "1"], "a whole number from 2 to 4294967295"),
        (&["--live-max", "x"], "a whole number from 1 to 4294967295"),
        (&["restore", "backup", "--sold-at-least", "-5"], "a whole number from 0 to 9007"),
        (&["--db", "mysql://x/y"], "`mysql://`: expected `etcd://`, `postgres://`, or the path"),
        (&["verify", "--db", "ETCD://x/y"], "`ETCD://`: expected"),
        (&["repair", "--db", "http://x"], "`http://`: expected"),
    ] {
        let refusal = server().args(arguments).inside(counter.folder()).run();

        assert_eq!(refusal.code, Some(2), "{arguments:?}: {refusal:?}");
        assert!(refusal.stderr.contains(taken), "{arguments:?}: {}", refusal.stderr);
    }
}

/// Whoever shut the folder would shut the service out of it.
#[test]
fn folder_in_place_of_a_secret_is_nothing_to_be_shut() {
    let counter = Counter::with(100);
    let folder = counter.folder();

    let flags = server().args(["--listen", "127.0.0.1:0"]).arg("--admin-token-file").arg(folder);
    let refusal = flags.arg("--db").arg(counter.path()).run();

    assert!(refusal.code.is_some_and(|code| code != 0), "{refusal:?}");
    assert!(refusal.stderr.contains("directory"), "{}", refusal.stderr);
    assert!(!refusal.stderr.contains("chmod"), "{}", refusal.stderr);
}

#[test]
fn help_names_every_option_of_the_contract() {
    let help = server().arg("--help").run();

    assert_eq!(help.code, Some(0));
    for option in [
        "--db",
        "--listen",
        "--init",
        "--locking",
        "--check-delay",
        "--write-delay",
        "--lock-timeout",
        "--durability",
        "--max-per-order",
        "--admin-token-file",
        "--allow-host",
        "--tls-cert",
        "--tls-key",
        "--trust-proxy",
        "--rate-limit",
        "--event-loops",
    ] {
        assert!(help.stdout.contains(option), "{option}:\n{}", help.stdout);
    }
}

/// Whoever started it may have gone, with the pipe that it wrote to.
#[test]
fn what_nobody_reads_ends_nothing() {
    let counter = Counter::with(5);
    let run = |arguments: &[&str], counter: &Counter| {
        let mut command = Command::new(server().path());
        command.args(arguments).arg(counter.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        child.wait().expect("it ends").code()
    };

    let backup = counter.folder().join("backup");
    let backup = backup.to_str().expect("a path in UTF-8");
    assert_eq!(run(&["backup", backup, "--db"], &counter), Some(0));
    assert_eq!(run(&["verify", "--db"], &counter), Some(0));
    assert_eq!(
        run(&["--db"], &Counter::missing()),
        server().arg("--db").arg(Counter::missing().path()).run().code
    );
}
