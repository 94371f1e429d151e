//! The harness itself: what it starts ends, and what it waits for has a limit.

use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use e2e::{Browser, Client, Counter, Definite, Mark, Program, Stub, Told};

#[test]
fn program_that_runs_too_long_is_named_and_killed() {
    let mark = Mark::new();
    let sleeper = mark.on(Program::new("sleep").arg("600").within(Duration::from_millis(50)));

    let panic = catch_unwind(AssertUnwindSafe(|| sleeper.run())).expect_err("it cannot finish");

    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains("`sleep` still ran after 50ms"), "{message}");
    mark.wait_until_gone();
}

#[test]
fn process_ends_with_a_test_that_panics() {
    let mark = Mark::new();

    let test = catch_unwind(AssertUnwindSafe(|| {
        let _process = mark.on(Program::new("sleep").arg("600")).start();
        mark.wait_for_carriers(1);
        panic!("as a failed assertion does");
    }));

    assert!(test.is_err());
    mark.wait_until_gone();
}

#[test]
fn process_ends_with_the_thread_that_started_it_even_when_nothing_is_dropped() {
    let mark = Mark::new();

    let test = thread::scope(|scope| {
        let started = scope.spawn(|| {
            let sleeper = Program::new("sh").args(["-c", "echo up; exec sleep 600"]);
            let process = mark.on(sleeper).start();
            // Its own first word: only now is it what it was started as, on its leash.
            let up = |line: &str| (line == "up").then_some(());
            assert!(process.stdout().find_line(Duration::from_secs(20), up).is_some());
            std::mem::forget(process);
        });
        started.join()
    });

    assert!(test.is_ok());
    mark.wait_until_gone();
}

#[test]
fn mark_finds_a_grandchild_that_lost_its_parent() {
    let mark = Mark::new();
    let shell = mark.on(Program::new("sh").args(["-c", "sleep 600 & wait"])).start();
    mark.wait_for_carriers(2);

    drop(shell);

    // A process that just becomes another program has no environment for a moment.
    mark.wait_for_carriers(1);
    for orphan in mark.carriers() {
        Program::new("kill").arg(orphan.to_string()).run();
    }
    mark.wait_until_gone();
}

#[test]
fn permissions_bind_a_program_that_asks_for_it() {
    let counter = Counter::with(1);
    fs::set_permissions(counter.path(), fs::Permissions::from_mode(0o000)).expect("own file");

    let reader = Program::new("cat").arg(counter.path()).bound_by_permissions();

    assert_ne!(reader.run().code, Some(0));
}

#[test]
fn browser_ends_with_its_driver() {
    let browser = Browser::start();
    browser.open("data:text/html,<p id=count>7</p>");
    assert_eq!(browser.text("count"), "7");
    assert!(browser.processes().len() > 1);

    let mark = browser.kill_driver();

    mark.wait_until_gone();
}

/// `tests/run` shows that file at its end.
#[test]
fn test_that_cannot_mount_anything_is_written_to_the_file_of_what_was_left_out() {
    let folder = Counter::missing();
    let (unshare, left_out) = (folder.folder().join("unshare"), folder.folder().join("left-out"));
    fs::write(&unshare, "#!/bin/sh\nexit 1\n").expect("the test's own folder");
    fs::set_permissions(&unshare, fs::Permissions::from_mode(0o755)).expect("its own file");
    let path = env::var("PATH").unwrap_or_default();
    let tests = Program::new(env::current_exe().expect("it runs"))
        .args([
            "--exact",
            "disk_full::full_disk_refuses_sales_before_anything_is_written_and_freed_room_sells_on",
        ])
        .env("PATH", format!("{}:{path}", folder.folder().display()))
        .env("TESTS_LEFT_OUT", &left_out);

    let said = tests.run();

    assert!(said.code == Some(0) && said.stdout.contains("1 passed"), "{said:?}");
    let line = "left out: a full disk: no folder of its own can be mounted here\n";
    assert!(said.stderr.contains(line), "it is said whatever libtest keeps: {said:?}");
    assert_eq!(fs::read_to_string(&left_out).expect("it was written"), line);
}

#[test]
fn answer_that_never_comes_or_says_not_what_was_sold_is_no_definite_one() {
    let of = |status: &'static str, body: &'static str| {
        let stub = Stub::http(move |_| (status, body.to_owned()));
        let buy = || Definite::within(&Client::new(&stub.url()), Duration::from_secs(60));
        catch_unwind(AssertUnwindSafe(buy)).ok()
    };
    assert_eq!(of("201 Created", r#"{"tickets":[7]}"#), Some(Definite::Sold(7)));
    assert_eq!(of("503 Unavailable", r#"{"sold":"no"}"#), Some(Definite::NotSold));
    assert_eq!(of("503 Unavailable", r#"{"sold":"unknown"}"#), Some(Definite::Unknown));
    assert_eq!(of("503 Unavailable", "{}"), None);
    assert_eq!(of("500 Oh", r#"{"sold":"no"}"#), None);
    assert_eq!(of("201 Created", r#"{"tickets":[]}"#), None);
    let mute = Stub::start(|stream| {
        // Until the other end gives up.
        let _ = stream.peek(&mut [0]).map(|_| io::copy(&mut &stream, &mut io::sink()));
    });
    let buy = || Definite::within(&Client::new(&mute.url()), Duration::from_millis(50));
    assert!(catch_unwind(AssertUnwindSafe(buy)).is_err());

    let told = Told { sold: vec![1, 2], not_sold: 5, unknown: 1 };
    told.assert_explains(3);
    for (told, sold) in [(&told, 1), (&told, 4), (&Told { sold: vec![2, 2], ..Told::default() }, 2)]
    {
        assert!(catch_unwind(AssertUnwindSafe(|| told.assert_explains(sold))).is_err());
    }
}
