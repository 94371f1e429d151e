//! A `db.txt` that cannot be a counter: refused at start with the place and the cause, and left
//! alone to the last bit.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use e2e::{Counter, Finished, Program};

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with, server},
};

/// Long enough to start anywhere; a server that waits for a FIFO or a lock waits for ever.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn missing_counter_is_refused_with_a_hint_to_init() {
    let counter = Counter::missing();

    let refusal = start(&counter);

    assert_refused(&refusal, "");
    assert!(refusal.stderr.contains("db.txt"), "{}", refusal.stderr);
    assert!(refusal.stderr.contains("hint:"), "{}", refusal.stderr);
    assert!(refusal.stderr.contains("--init"), "{}", refusal.stderr);
    assert_eq!(entries(&counter), 0, "nothing was made");
}

#[test]
fn missing_folder_is_named_with_what_makes_it() {
    let counter = Counter::missing();

    let refusal =
        server().args(["--init", "5", "--db", "shop/db.txt"]).inside(counter.folder()).run();

    assert_eq!(refusal.code, Some(65), "{refusal:?}");
    let hint = "hint: there is no folder `shop`: `install -d -m 700 shop` makes it";
    assert!(refusal.stderr.contains(hint), "{refusal:?}");
}

#[test]
fn counter_that_is_none_is_repaired_from_its_ledger_or_written_by_hand() {
    let counter = Counter::with(5);
    let hint = |counter: &Counter| {
        fs::write(counter.path(), "{\"count\": }").expect("the test's own file");
        start(counter).stderr
    };

    let said = hint(&counter);
    assert!(said.contains("hint: write {\"count\": N}"), "{said}");

    fs::write(counter.path(), "{\"count\": 5}").expect("the test's own file");
    serve(&counter).buy();
    let said = hint(&counter);
    assert!(said.contains("hint: `server repair --db /"), "{said}");
}

/// F13, F14: refused with the place and the cause, and left alone.
#[test]
fn content_that_is_no_counter_is_refused_with_line_and_column() {
    let unclosed = format!("{{\"count\": 1, \"x\": {}", "[".repeat(4000));
    let deep_count = format!("{{\"count\": {}{}}}", "[".repeat(2000), "]".repeat(2000));
    let long = format!("{{\"count\": 1, \"x\": \"{}\"}}", "a".repeat(5000));
    for (content, place) in [
        ("", "1:"),
        ("\n", ""),
        ("hello", "1:1"),
        ("count = 100", "1:1"),
        ("[1]", "1:1"),
        ("1", "1:1"),
        ("null", "1:1"),
        ("\"count\"", "1:1"),
        ("{}", "1:"),
        ("{\"Count\": 1}", "1:"),
        ("{\"count\": -1}", "1:11"),
        ("{\n  \"count\": -1\n}", "2:12"),
        ("{\"count\": 1.5}", "1:"),
        ("{\"count\": 1e2}", "1:"),
        ("{\"count\": 1.0}", "1:"),
        ("{\"count\": \"1\"}", "1:"),
        ("{\"count\": null}", "1:"),
        ("{\"count\": true}", "1:"),
        ("{\"count\": [1]}", "1:"),
        ("{\"count\": 01}", "1:"),
        ("{\"count\": 9007199254740992}", "1:"),
        ("{\"count\": 100000000000000000000000000}", "1:"),
        ("{\"count\": 1, \"count\": 2}", "1:"),
        ("{\"count\": 1,\n \"count\": 1}", "2:"),
        ("{\"count\": 1, \"sold\": -1}", "1:"),
        ("{\"count\": 1, \"sold\": \"no\"}", "1:"),
        ("{\"count\": 1, \"revision\": 1.5}", "1:"),
        ("{\"count\": 1, \"revision\": 1, \"revision\": 1}", "1:"),
        ("{\"count\": 1", "1:"),
        ("{\"count\": 1,}", "1:"),
        ("{\"count\": 1}\n{\"count\": 2}", "2:1"),
        ("{\"count\": 1} trailing", "1:14"),
        ("{'count': 1}", "1:2"),
        ("\u{feff}{\"count\": 1}", "1:1"),
        ("{\"count\": 1}\0\0{\"count\": 2}", "1:13"),
        ("\0\0{\"count\": 1}", "1:1"),
        ("\0\0\0", "1:1"),
        ("// tickets\n{\"count\": 1}", "1:1"),
        (&unclosed, "1:"),
        (&deep_count, "1:11"),
        (&long, ""),
    ] {
        assert_content_refused(content.as_bytes(), place);
    }
}

#[test]
fn zeros_that_a_power_cut_left_behind_a_counter_are_forgiven_where_there_is_a_ledger() {
    let zeros = "{\"count\": 7}\n\0\0\0\0";
    assert_content_refused(zeros.as_bytes(), "2:1");

    let counter = Counter::with(7);
    assert_eq!(serve(&counter).terminate().code, Some(0));
    counter.write(zeros);
    let server = serve(&counter);

    assert_eq!(server.buy().json()["remaining"], 6);
    assert_eq!(counter.count(), 6);
}

#[test]
fn bytes_that_are_no_utf_8_are_refused() {
    assert_content_refused(b"{\"count\": 1, \"venue\": \"\xff\xfe\"}", "1:");
    assert_content_refused(b"\xff\xfe{\x00\"\x00", "1:1");
}

#[test]
fn megabyte_of_spaces_is_refused() {
    assert_content_refused(&vec![b' '; 1_000_000], "");

    let padded = format!("{{\"count\": 1}}{}", " ".repeat(1_000_000));
    assert_content_refused(padded.as_bytes(), "");
}

#[test]
fn refusal_quotes_no_more_than_a_few_bytes_and_no_control_characters() {
    let counter = Counter::holding(format!("\u{1b}[31m{}", "x".repeat(3000)));

    let refusal = start(&counter);

    assert_refused(&refusal, "1:1");
    assert!(!refusal.stderr.contains("\u{1b}[31m"), "{:?}", refusal.stderr);
    assert!(refusal.stderr.len() < 1000, "{:?}", refusal.stderr);
}

#[test]
fn folder_in_place_of_the_counter_is_refused() {
    let counter = Counter::missing();
    fs::create_dir(counter.path()).expect("a folder can be made");
    let before = counter.fingerprint();

    let refusal = start(&counter);

    assert_refused(&refusal, "");
    assert!(refusal.stderr.contains("folder") || refusal.stderr.contains("directory"));
    assert_eq!(counter.fingerprint(), before);
    assert!(!counter.ledger().exists());
}

/// F14: what is no regular file is not waited for.
#[test]
fn fifo_in_place_of_the_counter_is_refused_at_once() {
    let counter = Counter::missing();
    assert_eq!(Program::new("mkfifo").arg(counter.path()).run().code, Some(0));
    let before = counter.fingerprint();

    let refusal = start(&counter);

    assert_refused(&refusal, "");
    assert_eq!(counter.fingerprint(), before);
    assert!(!counter.ledger().exists());
}

#[test]
fn counter_that_may_not_be_read_or_written_is_refused() {
    for mode in [0o000, 0o200, 0o444] {
        let counter = Counter::with(100);
        set_mode(&counter.path(), mode);
        let before = counter.fingerprint();

        let refusal = server()
            .bound_by_permissions()
            .arg("--db")
            .arg(counter.path())
            .args(["--listen", "127.0.0.1:0"])
            .within(LIMIT)
            .run();

        assert_refused(&refusal, "");
        assert!(refusal.stderr.contains("allowed"), "{}", refusal.stderr);
        assert_eq!(counter.fingerprint(), before, "mode {mode:o}");
        assert!(!counter.ledger().exists(), "mode {mode:o}");
    }
}

#[test]
fn counter_in_a_folder_that_may_not_be_written_is_refused() {
    let counter = Counter::with(100);
    let before = counter.fingerprint();
    set_mode(counter.folder(), 0o555);

    let refusal = server()
        .bound_by_permissions()
        .arg("--db")
        .arg(counter.path())
        .args(["--listen", "127.0.0.1:0"])
        .within(LIMIT)
        .run();

    assert_refused(&refusal, "");
    assert_eq!(counter.fingerprint(), before);
    set_mode(counter.folder(), 0o755);
}

/// F12: what an outsider left half written is never repaired, and sold from once it is whole.
#[test]
fn counter_that_turns_bad_while_the_server_runs_is_never_written_to() {
    let counter = Counter::with(100);
    // It waits that long for an outsider who may be in the middle of a write.
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    server.buy();

    for content in ["", "{\"count\": ", "[1]", "{\"count\": -1}"] {
        counter.write(content);
        let before = counter.fingerprint();

        let answer = server.buy();

        assert_problem(&server, &answer, 503, "not-sold");
        assert_eq!(answer.json()["sold"], "no");
        assert_eq!(counter.fingerprint(), before, "{content:?}");
    }
    counter.write("{\"count\": 50}\n");
    assert_eq!(server.buy().status, 201, "it sells again once the file is a counter");
    assert_eq!(counter.count(), 49);
}

#[track_caller]
fn assert_content_refused(content: &[u8], place: &str) {
    let shown = String::from_utf8_lossy(&content[..content.len().min(60)]).into_owned();
    println!("db.txt holds {shown:?}");
    let counter = Counter::holding(content);
    let before = counter.fingerprint();

    let refusal = start(&counter);

    assert_refused(&refusal, place);
    let told = format!("db.txt:{place}");
    assert!(refusal.stderr.contains(&told), "{shown:?} without `{told}`: {}", refusal.stderr);
    assert_eq!(counter.fingerprint(), before, "{shown:?}");
    assert_eq!(entries(&counter), 1, "{shown:?} and nothing beside it");
}

/// Refused in words, by an exit code and not by a crash, with a `line:column` where one is asked for.
#[track_caller]
fn assert_refused(refusal: &Finished, place: &str) {
    assert!(!matches!(refusal.code, None | Some(0 | 101)), "{refusal:?}");
    assert!(!refusal.stderr.contains("listening on"), "{refusal:?}");
    assert!(!refusal.stderr.contains("panicked"), "{refusal:?}");
    assert_eq!(refusal.stdout, "");
    if !place.is_empty() {
        let (_, rest) = refusal.stderr.split_once("db.txt:").unwrap_or_default();
        let mut parts = rest.splitn(3, ':');
        let numbers = [parts.next(), parts.next()]
            .map(|part| part.is_some_and(|part| part.parse::<u32>().is_ok()));
        let reason = parts.next().unwrap_or_default();
        assert!(numbers == [true, true] && reason.starts_with(' '), "{}", refusal.stderr);
    }
}

fn start(counter: &Counter) -> Finished {
    let server = server().arg("--db").arg(counter.path()).args(["--listen", "127.0.0.1:0"]);
    server.within(LIMIT).run()
}

fn entries(counter: &Counter) -> usize {
    fs::read_dir(counter.folder()).expect("the folder can be listed").count()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the test's own file");
}
