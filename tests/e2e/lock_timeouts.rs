//! A lock that somebody holds for too long.

use std::{fs, thread, time::Duration};

use e2e::{Counter, Mark, OutsideLock, Program, Server, Signal, crowd, eventually};

use crate::{
    another_user::{USER, can_serve, give},
    mounts::mount_namespace,
    problem::assert_problem,
    programs::{serve, serve_with, server},
    sales::{assert_conserved, count_of, tickets_of},
};

#[test]
fn buyer_is_told_who_holds_the_lock_and_that_nothing_was_sold() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    let lock = OutsideLock::take(&counter);

    let answer = server.buy();

    assert_problem(&server, &answer, 503, "lock-timeout");
    let problem = answer.json();
    assert_eq!(problem["sold"], "no");
    let holder = lock.holder().to_string();
    assert!(answer.text().contains(&holder), "pid {holder} is not in {problem}");
}

/// Runs `$@` as the user `$0` where nobody sees the processes of other users: `ProtectProc=invisible` of systemd.
const BLINDFOLDED: &str = r#"mount -t proc -o hidepid=invisible proc /proc &&
    exec setpriv --pdeathsig KILL --reuid "$0" --regid "$0" --init-groups "$@""#;

#[test]
fn holder_whose_process_is_hidden_from_the_server_is_not_said_to_have_ended() {
    let what = "a server that does not see the processes of other users";
    let Some(namespace) = mount_namespace(what).filter(|_| can_serve(what)) else { return };
    let counter = Counter::with(100);
    give(counter.folder());
    let program = namespace.args(["sh", "-c", BLINDFOLDED, USER]);
    let program = program.arg(server().path()).args(["--lock-timeout", "200ms"]);
    let server = Server::start(program, &counter);
    let lock = OutsideLock::take(&counter);

    let refused = server.buy();

    assert_problem(&server, &refused, 503, "lock-timeout");
    let told = refused.text();
    assert!(told.contains(&format!("process {} ", lock.holder())), "{told}");
    assert!(!told.contains("has ended"), "{told}");
}

#[test]
fn server_recovers_when_the_lock_is_freed() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    let lock = OutsideLock::take(&counter);

    let refused = crowd(10, |_| server.buy());
    drop(lock);
    let sold = server.buy();

    assert_eq!(count_of(&refused, 503), 10, "{refused:?}");
    assert_eq!(tickets_of(&sold), [1], "those who were told `no` got nothing");
    assert_conserved(&counter, 100, 1);
}

/// F16, F46: reading needs no lock.
#[test]
fn count_can_be_read_while_the_lock_is_held() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    let _lock = OutsideLock::take(&counter);

    assert_eq!(server.count(), 99);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.get("/livez").status, 200);
}

/// F04: the holder of the lock is stopped, and goes on later.
#[test]
fn paused_holder_stops_sales_and_loses_none() {
    let counter = Counter::with(100);
    let paused = serve_with(&counter, &["--locking", "file", "--write-delay", "300ms"]);
    let other = serve_with(&counter, &["--lock-timeout", "200ms"]);

    thread::scope(|scope| {
        let buyer = scope.spawn(|| paused.buy());
        eventually("the lock to be held", || OutsideLock::is_held(&counter).then_some(()));
        paused.signal(Signal::STOP);

        let refused = other.buy();
        assert_problem(&other, &refused, 503, "lock-timeout");
        assert!(refused.text().contains(&paused.pid().to_string()), "{}", refused.text());

        paused.signal(Signal::CONT);
        let bought = buyer.join().expect("an answer");
        assert_eq!(bought.status, 201, "{bought:?}");
    });
    assert_eq!(other.buy().status, 201);
    assert_conserved(&counter, 100, 2);
}

#[test]
fn start_waits_for_the_lock_no_longer_than_it_may() {
    let counter = Counter::with(100);
    let lock = OutsideLock::take(&counter);

    // Started while somebody holds the lock: it comes up once the lock is free, or says why not.
    let process = server()
        .args(["--lock-timeout", "200ms", "--listen", "127.0.0.1:0", "--db"])
        .arg(counter.path())
        .start();
    let ready = process
        .stderr()
        .find_line(Duration::from_secs(20), |line| line.starts_with("listening on").then_some(()));

    if ready.is_none() {
        let finished = process.finish(Duration::from_secs(20));
        assert!(!matches!(finished.code, None | Some(0 | 101)), "{finished:?}");
        assert!(finished.stderr.contains(&lock.holder().to_string()), "{finished:?}");
    }
}

/// F02: a cleaner removes `LOCK`; what keeps servers apart is gone, so none of them sells on.
#[test]
fn removed_lock_file_stops_the_servers_that_held_it_until_they_start_again() {
    let counter = Counter::with(100);
    let impatient = || serve_with(&counter, &["--lock-timeout", "200ms"]);
    let servers = [impatient(), impatient()];
    servers[0].buy();

    // Whoever is in a turn, as behind an answer, goes on with it.
    let between_turns = OutsideLock::take(&counter);
    fs::remove_file(counter.ledger().join("LOCK")).expect("the test's own file");
    drop(between_turns);
    let refused = servers[0].buy();

    assert_problem(&servers[0], &refused, 503, "not-sold");
    assert!(refused.text().contains("LOCK"), "{}", refused.text());
    assert_eq!(servers[0].count(), 99, "who only looks is served on");
    assert_eq!(servers[0].get("/readyz").status, 503);

    // A lock file that is put back is another one, under which a fresh server sells.
    fs::write(counter.ledger().join("LOCK"), "").expect("the test's own file");
    let fresh = serve(&counter);
    assert_eq!(tickets_of(&fresh.buy()), [2]);
    for server in servers {
        assert_problem(&server, &server.buy(), 503, "not-sold");
        assert_eq!(server.terminate().code, Some(0));
    }
    let restarted = serve(&counter);
    assert_eq!(tickets_of(&restarted.buy()), [3]);
    assert_eq!(tickets_of(&fresh.buy()), [4]);
    assert_conserved(&counter, 100, 4);
}

/// F03: the one who took the lock is dead, but its child has it still. No lock is ever broken.
#[test]
fn lock_that_a_dead_holder_left_to_its_child_is_waited_for() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    let mark = Mark::new();
    let holder = Program::new("flock").arg(counter.path()).args(["sh", "-c", "sleep 600 & wait"]);
    let holder = mark.on(holder).start();
    mark.wait_for_carriers(3);
    let pid = holder.pid();

    drop(holder);
    let refused = server.buy();
    let heirs = mark.carriers();

    assert_problem(&server, &refused, 503, "lock-timeout");
    assert_eq!(refused.json()["sold"], "no");
    assert_named(&refused.text(), &heirs, pid);
    assert!(OutsideLock::is_held(&counter), "the lock of somebody else was broken");
    for orphan in heirs {
        Program::new("kill").args(["-9", &orphan.to_string()]).run();
    }
    mark.wait_until_gone();
    assert_eq!(tickets_of(&server.buy()), [1]);
    assert_conserved(&counter, 100, 1);
}

/// F03: `flock` has ended as it should, and a process that its command left behind holds on.
#[test]
fn lock_that_a_finished_command_left_behind_is_that_of_the_one_who_holds_it_now() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    let mark = Mark::new();
    let leaver = Program::new("flock").arg(counter.path()).args(["sh", "-c"]);
    // Without its output, which would keep the test waiting for more of it.
    let leaver = mark.on(leaver.arg("sleep 600 >/dev/null 2>&1 &")).start();
    let pid = leaver.pid();
    assert_eq!(leaver.finish(Duration::from_secs(20)).code, Some(0));
    let heirs = mark.carriers();

    let refused = server.buy();
    let arguments = ["--lock-timeout", "200ms", "--listen", "127.0.0.1:0", "--db"];
    let unstarted = crate::programs::server().args(arguments).arg(counter.path()).run();

    assert_eq!(heirs.len(), 1, "only what `sh` left behind");
    assert_problem(&server, &refused, 503, "lock-timeout");
    assert_named(&refused.text(), &heirs, pid);
    assert!(!matches!(unstarted.code, None | Some(0 | 101)), "{unstarted:?}");
    assert_named(&unstarted.stderr, &heirs, pid);
    Program::new("kill").args(["-9", &heirs[0].to_string()]).run();
    mark.wait_until_gone();
    assert_eq!(tickets_of(&server.buy()), [1]);
    assert_conserved(&counter, 100, 1);
}

/// Asserts that `text` names the processes that hold a lock, and not `ended`, which took it.
#[track_caller]
fn assert_named(text: &str, holders: &[u32], ended: u32) {
    let numbers: Vec<u32> =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    assert!(holders.iter().all(|holder| numbers.contains(holder)), "{holders:?} in {text}");
    assert!(!numbers.contains(&ended), "{ended} has ended: {text}");
}

/// F02: a server that starts where the lock file is missing makes it anew, and sells.
#[test]
fn server_that_starts_beside_a_ledger_without_its_lock_file_makes_it_anew() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    server.terminate();
    fs::remove_file(counter.ledger().join("LOCK")).expect("the test's own file");

    let restarted = serve(&counter);

    assert_eq!(tickets_of(&restarted.buy()), [2]);
    assert_conserved(&counter, 100, 2);
}
