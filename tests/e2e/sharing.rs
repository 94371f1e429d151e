//! One counter, many sellers: other servers, the lesson's Python, and a shell under `flock`.

use e2e::{Answer, Counter, Process, Program, Server, crowd, seeded};

use crate::{
    programs::{serve, serve_with},
    sales::{assert_conserved, buy_until_sold_out, count_of, order, tickets, tickets_of},
};

/// F39: two servers and their two locks do not stand in each other's way.
#[test]
fn two_servers_on_one_counter_sell_no_ticket_twice() {
    let counter = Counter::with(300);
    let servers = [serve(&counter), serve(&counter)];

    let answers = crowd(8, |at| buy_until_sold_out(&servers[at % 2])).concat();

    assert_eq!(tickets(&answers), (1..=300).collect::<Vec<_>>());
    assert_conserved(&counter, 300, 300);
    for server in &servers {
        assert_eq!((server.count(), &server.search()["sold"]), (0, &300.into()));
    }
}

#[test]
fn two_servers_count_one_line_of_revisions() {
    let counter = Counter::with(100);
    let servers = [serve(&counter), serve(&counter)];

    let answers = crowd(4, |at| buy_until_sold_out(&servers[at % 2])).concat();

    let mut revisions = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json()["revision"].as_u64().expect("a revision"))
        .collect::<Vec<_>>();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=100).collect::<Vec<_>>());
}

#[test]
fn orders_of_all_sizes_at_two_servers_are_conserved() {
    let counter = Counter::with(400);
    let servers = [serve(&counter), serve(&counter)];
    let seed = seeded("orders_of_all_sizes_at_two_servers_are_conserved").u64(..);

    let answers = crowd(8, |at| {
        let mut random = fastrand::Rng::with_seed(seed + at as u64);
        (0..30).map(|_| order(&servers[at % 2], random.u64(1..=5))).collect::<Vec<_>>()
    })
    .concat();

    let sold = tickets(&answers);
    assert_eq!(sold, (1..=sold.len() as u64).collect::<Vec<_>>(), "numbers without gaps");
    assert_conserved(&counter, 400, sold.len() as u64);
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        let own = tickets_of(answer);
        let first = own[0];
        assert_eq!(own, (first..first + own.len() as u64).collect::<Vec<_>>(), "one after another");
    }
}

/// F46: what one server sold, the other one says.
#[test]
fn server_that_was_idle_learns_what_the_other_sold() {
    let counter = Counter::with(100);
    let seller = serve(&counter);
    let idle = serve(&counter);

    for _ in 0..5 {
        seller.buy();
    }

    assert_eq!(idle.count(), 95);
    assert_eq!(tickets_of(&idle.buy()), [6]);
    assert_eq!(tickets_of(&seller.buy()), [7]);
}

#[test]
fn server_that_starts_late_learns_what_was_sold() {
    let counter = Counter::with(100);
    let early = serve(&counter);
    early.buy();

    let late = serve(&counter);

    assert_eq!(tickets_of(&late.buy()), [2]);
    assert_eq!(late.search()["sold"], 2);
}

/// F12: under the lock an outsider may truncate and write; nobody takes the half for the whole.
#[test]
fn python_of_the_lesson_sells_beside_a_server_and_nothing_is_lost() {
    for shape in ["in-place", "rewrite", "reopen", "count-only"] {
        let counter = Counter::with(100_000);
        let server = serve(&counter);

        let python = lesson_seller(&counter, 40, shape);
        let answers = buy_while_running(&server, &python);
        let python_sold = finish(python);

        assert_eq!(python_sold, 40, "{shape}");
        let sold = tickets(&answers);
        assert_eq!(sold, (1..=sold.len() as u64).collect::<Vec<_>>(), "{shape}");
        assert_conserved(&counter, 100_000, sold.len() as u64 + python_sold);
        assert_eq!(server.count(), counter.count(), "{shape}");
    }
}

#[test]
fn python_and_two_servers_share_the_last_tickets() {
    let counter = Counter::with(120);
    let servers = [serve(&counter), serve(&counter)];
    let python = [lesson_seller(&counter, 30, "in-place"), lesson_seller(&counter, 30, "reopen")];

    let answers =
        crowd(4, |at| (0..40).map(|_| servers[at % 2].buy()).collect::<Vec<_>>()).concat();
    let python_sold = python.into_iter().map(finish).sum::<u64>();

    assert_eq!(count_of(&answers, 201) + count_of(&answers, 409), answers.len());
    let sold = tickets(&answers).len() as u64;
    assert_conserved(&counter, 120, sold + python_sold);
}

#[test]
fn ledger_explains_the_count_after_outsiders_changed_it() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    finish(lesson_seller(&counter, 10, "count-only"));
    server.buy();
    server.terminate();

    let restarted = serve(&counter);

    assert_eq!(restarted.count(), 88);
    assert_eq!(tickets_of(&restarted.buy()), [3]);
    assert_eq!(counter.count(), 87);
}

#[test]
fn lock_of_a_shell_holds_the_server_off_and_nobody_is_lost() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let freed = counter.folder().join("freed");
    let shell = Program::new("flock")
        .arg(counter.path())
        .args(["sh", "-c", "echo locked; sleep 1; touch \"$0\""])
        .arg(&freed)
        .start();
    let locked = shell
        .stdout()
        .find_line(std::time::Duration::from_secs(20), |line| (line == "locked").then_some(()));
    assert!(locked.is_some(), "{}", shell.stderr().text());

    let answers = crowd(10, |_| {
        let answer = server.buy();
        (answer, freed.exists())
    });

    assert!(answers.iter().all(|(_, was_freed)| *was_freed), "sold under a foreign lock");
    let answers = answers.into_iter().map(|(answer, _)| answer).collect::<Vec<_>>();
    assert_eq!(tickets(&answers), (1..=10).collect::<Vec<_>>());
    assert_conserved(&counter, 100, 10);
}

#[test]
fn safe_lesson_mode_and_group_commit_share_a_counter() {
    let counter = Counter::with(60);
    // Once there is a ledger, a lesson is refused.
    let file = serve_with(&counter, &["--locking", "file", "--write-delay", "1ms"]);
    let group = serve(&counter);

    let answers = crowd(4, |at| {
        let server = if at % 2 == 0 { &group } else { &file };
        (0..10).map(|_| server.buy()).collect::<Vec<_>>()
    })
    .concat();

    assert_eq!(count_of(&answers, 201), 40);
    assert_conserved(&counter, 60, 40);
}

fn lesson_seller(counter: &Counter, tickets: u64, shape: &str) -> Process {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/lesson_seller.py");
    let python = Program::new("python3").arg(script).arg(counter.path());
    python.arg(tickets.to_string()).arg(shape).start()
}

/// How many the Python program sold.
#[track_caller]
fn finish(python: Process) -> u64 {
    let finished = python.finish(std::time::Duration::from_secs(120));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.trim().parse().expect("the number of tickets sold")
}

/// Four buyers, each one ticket after the other, as long as `process` runs, and once more.
fn buy_while_running(server: &Server, process: &Process) -> Vec<Answer> {
    let mut answers = Vec::new();
    while process.is_running() {
        answers.extend(crowd(4, |_| server.buy()));
    }
    answers.push(server.buy());
    assert_eq!(count_of(&answers, 201), answers.len(), "every buyer gets a ticket");
    answers
}
