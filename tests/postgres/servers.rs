//! Whole servers over PostgreSQL.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use e2e::{
    Answer, Buyers, Client, Counter, Finished, Mark, Method, Postgres, Program, Proxy, Server,
    Signal, Told, Wire, buy_until_sold_out, crowd, eventually, number_of, processes_in, seeded,
    tickets, tickets_of,
};
use serde_json::json;

/// More than anybody buys.
const TICKETS: u64 = 1_000_000;

fn server() -> Program {
    Program::new(env!("CARGO_BIN_EXE_e2e-server"))
}

/// Fails unless `answer` is a 503 that says whether something was `sold`, and nothing was.
#[track_caller]
fn assert_not_sold(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let problem = answer.json();
    assert_eq!(problem["type"], "/problems/not-sold", "{problem}");
    assert_eq!(problem["sold"], "no", "{problem}");
}

/// A server on the counter `concert` at `address`, made with `tickets` where it is missing.
pub(crate) fn program(database: &Postgres, address: &str, tickets: u64) -> Program {
    let program = server().args(["--db", address, "--init", &tickets.to_string()]);
    program.env("PGPASSWORD", database.password())
}

#[track_caller]
fn serve(database: &Postgres, tickets: u64) -> Server {
    let address = database.plain_address("concert");
    Server::start_without_counter(program(database, &address, tickets))
}

/// Buys a ticket with `key`.
fn buy_with(client: &Client, key: &str) -> Answer {
    let request = client.request(Method::POST, "/buy").header("Idempotency-Key", key);
    Answer::to(request.json(&json!({ "quantity": 1 })))
}

#[test]
fn servers_share_a_counter_its_keys_and_its_receipts() {
    let database = Postgres::start();
    let servers = [serve(&database, 300), serve(&database, 5), serve(&database, 7)];

    let first = buy_with(&servers[0], "first");
    let again = buy_with(&servers[1], "first");

    assert_eq!((first.status, again.status), (201, 201), "{} {}", first.text(), again.text());
    assert_eq!(again.text(), first.text(), "AnswerOnce");
    assert_eq!(again.header("Idempotent-Replayed"), "true");
    let held = servers[1].post("/holds", &json!({ "quantity": 2 }));
    assert_eq!(held.status, 201, "{}", held.text());
    assert_eq!(servers[2].count(), 297, "read at any server, it is what was told by any");
    let hold = held.json()["hold"].as_str().unwrap_or_default().to_owned();
    let confirm = servers[2].request(Method::POST, &format!("/holds/{hold}/confirm"));
    let confirmed = Answer::to(confirm);
    assert_eq!(confirmed.status, 201, "{}", confirmed.text());
    let answers = crowd(9, |at| buy_until_sold_out(&servers[at % 3])).concat();
    let mut all = answers.clone();
    all.extend([first.clone(), confirmed]);
    assert_eq!(tickets(&all), (1..=300).collect::<Vec<_>>());
    for server in &servers {
        assert_eq!((server.count(), &server.search()["sold"]), (0, &300.into()));
        for sale in answers.iter().filter(|answer| answer.status == 201).step_by(37) {
            assert_eq!(server.get(sale.header("Location")).status, 200, "{}", sale.text());
        }
    }
    let head = database.sql("SELECT count, held, sold FROM ticket_counter.counter");
    assert_eq!(head, "0|0|300");
    for server in servers {
        assert_eq!(server.terminate().code, Some(0));
    }
    let later = serve(&database, 9);
    assert_eq!(buy_with(&later, "first").text(), first.text(), "also after a restart");
    assert_eq!(later.buy().status, 409, "sold out");
}

#[test]
fn server_that_hears_nothing_tells_no_count_of_the_past() {
    let database = Postgres::start();
    let wire = Wire::to(database.port());
    let address = database.address_through(wire.port(), "concert");
    let mute = Server::start_without_counter(program(&database, &address, 100));
    eventually("a sale", || (mute.buy().status == 201).then_some(()));
    let other = serve(&database, 100);
    eventually("a server that is ready", || (other.get("/readyz").status == 200).then_some(()));
    wire.cut(true);
    assert_eq!(other.buy().status, 201);

    let sought = mute.get("/search");

    assert_eq!(sought.status, 503, "99 were left before the last sale: {}", sought.text());
}

/// Whether what was held was confirmed before, it has not read yet.
#[test]
fn server_that_has_not_reached_its_database_says_of_no_hold_that_it_was_not_sold() {
    let mut database = Postgres::start();
    database.stop();
    let server = serve(&database, TICKETS);

    for (method, path) in
        [(Method::POST, "/holds/of-before/confirm"), (Method::DELETE, "/holds/of-before")]
    {
        let refused = Answer::to(server.request(method, path));
        assert_eq!((refused.status, &refused.json()["sold"]), (503, &"unknown".into()), "{path}");
    }
}

#[test]
fn server_waits_for_its_database_says_so_and_sells_once_it_is_there() {
    let mut database = Postgres::start();
    database.stop();
    let address = database.plain_address("concert");
    let waiting = program(&database, &address, TICKETS).args(["--lock-timeout", "1s"]);
    let server = Server::start_without_counter(waiting);
    let unreachable = format!("127.0.0.1:{}: error connecting to server", database.port());
    let assert_says = |why: &str| {
        // Ahead of its first try it says that there was none yet.
        eventually("a server that is not ready, and says why", || {
            let ready = server.get("/readyz");
            (ready.status == 503 && ready.text().contains(why)).then_some(())
        });
        assert_not_sold(&server.buy());
        let sought = server.get("/search");
        assert_eq!(sought.status, 503, "nothing old is told: {}", sought.text());
    };
    let sells = || {
        eventually("a server that is ready", || {
            (server.get("/readyz").status == 200).then_some(())
        });
        let sold = || server.get("/search").json()["sold"].as_u64();
        let before = eventually("a count", sold);
        eventually("a sale", || (sold() > Some(before)).then_some(()));
    };
    let told = Told::to_buyers(&server, Duration::from_secs(1), || {
        assert_says(&unreachable);
        database.restart();
        sells();
        database.kill();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(number_of("E2E_GONE_SECONDS", 2).into()) {
            assert_says(&unreachable);
        }
        database.restart();
        sells();
        // It is there, and does not answer.
        database.pause();
        assert_says("no answer within");
        database.go_on();
        sells();
    });
    told.assert_explains(TICKETS - server.count());
    assert!(told.not_sold > 0, "{told:?}");
    assert!(!server.stderr().contains(database.password()), "{}", server.stderr());
    assert_eq!(server.terminate().code, Some(0));
}

#[test]
fn address_that_is_none_and_a_password_in_one_are_told() {
    let database = Postgres::start();
    let refused = server().args(["--db", "postgres://127.0.0.1/tickets"]).run();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let told = "--db postgres://…: the address names no counter, as in `?counter=concert`";
    assert!(refused.stderr.contains(told), "{refused:?}");
    let server = Server::start_without_counter(program(&database, &database.address("concert"), 3));
    assert_eq!(server.count(), 3);
    let stderr = server.stderr();
    assert!(stderr.contains("/tickets?counter=concert: 3 left, locking group"), "{stderr}");
    assert!(stderr.contains("everybody on this machine can read a password"), "{stderr}");
    assert!(stderr.contains("`synchronous_standby_names` is empty"), "{stderr}");
    assert!(!stderr.contains("box"), "{stderr}");
}

/// What was told is in the ledger, once, and was taken off the count.
#[track_caller]
fn assert_settled(database: &Postgres, servers: &[Server], sales: &[Answer]) {
    let sold = tickets(sales);
    for server in servers {
        let found = eventually("a server that can be asked", || {
            Some(server.get("/search")).filter(|found| found.status == 200)
        });
        assert_eq!(found.json()["sold"], sold.len(), "AnswerOnce: a key each, and no other sale");
    }
    crowd(servers.len(), |at| {
        for sale in sales.iter().skip(at).step_by(servers.len()) {
            // Its connection may have gone with a primary a moment ago.
            let found = eventually("a receipt that can be looked up", || {
                Some(servers[at].get(sale.header("Location"))).filter(|found| found.status != 503)
            });
            assert_eq!(
                found.status,
                200,
                "AckAfterSync: {} is lost: {}",
                sale.text(),
                found.text()
            );
            assert_eq!(tickets_of(&found), tickets_of(sale), "{}", found.text());
        }
    });
    let told = database.sql("SELECT count, sold, held FROM ticket_counter.counter");
    assert_eq!(told, format!("{}|{}|0", TICKETS - sold.len() as u64, sold.len()));
    let rows = database.sql(
        "SELECT count(DISTINCT substr(line, 10)::jsonb -> 'sold' ->> 'ticket'), max(revision) \
         FROM ticket_counter.record WHERE substr(line, 10)::jsonb ? 'sold'",
    );
    assert_eq!(rows, format!("{}|{}", sold.len(), sold.len()));
}

/// What happens to a primary, its standby and the servers, one after the other.
#[derive(Clone, Copy, Debug)]
enum Accident {
    PrimaryKilled,
    PrimaryStopped,
    ServerKilled,
    /// What was asked of the primary is done, and nobody is told.
    AnswersLost,
    PrimaryOutOfReach,
    StandbyOutOfReach,
}

const OTHERS: [Accident; 5] = [
    Accident::PrimaryStopped,
    Accident::ServerKilled,
    Accident::AnswersLost,
    Accident::PrimaryOutOfReach,
    Accident::StandbyOutOfReach,
];

/// How long whoever is stopped or out of reach stays so, at most.
const OUTAGE_MS: u64 = 600;

/// How often the primary is killed; `E2E_ACCIDENTS` says another number.
const KILLS: u32 = 20;

/// To how many kills each of the others happens once.
const KILLS_TO_OTHERS: u32 = 10;

/// All that happens: `kills` of the primary, and among them the others, each at least four times.
fn accidents(kills: u32) -> impl Iterator<Item = Accident> {
    let others = (kills / KILLS_TO_OTHERS).max(4);
    let between = (kills / others).max(1);
    let others = move |kill: u32| {
        (kill.is_multiple_of(between) && kill / between < others).then_some(OTHERS)
    };
    (0..kills).flat_map(move |kill| {
        [Accident::PrimaryKilled].into_iter().chain(others(kill).into_iter().flatten())
    })
}

/// Under buyers who retry; in the end the standby takes over.
#[test]
fn accidents_of_all_who_take_part_and_a_promotion_lose_nothing_and_sell_nothing_twice() {
    let name = "accidents_of_all_who_take_part_and_a_promotion_lose_nothing_and_sell_nothing_twice";
    let mut random = seeded(name);
    let kills = number_of("E2E_ACCIDENTS", KILLS);
    let mut primary = Postgres::start();
    let at = format!("127.0.0.1:{}", primary.port());
    let (to_servers, to_standby) = (Proxy::before(&at), Proxy::before(&at));
    let standby = primary.start_standby_through(to_standby.port());
    primary.wait_for_standby();
    let both = format!("{},127.0.0.1:{}", to_servers.address(), standby.port());
    let address = format!("postgres://postgres@{both}/tickets?counter=concert");
    let start = || Server::start_without_counter(program(&standby, &address, TICKETS));
    let mut servers = vec![start(), start(), start()];
    let doors = servers.iter().map(|server| server.url().to_owned()).collect();
    let buyers = Buyers::while_doing(6, doors, &mut random, |buyers, random| {
        buyers.wait_for(20);
        for (number, accident) in accidents(kills).enumerate() {
            println!("{number}: {accident:?}");
            // The moment, and how long it lasts, are what this test is about; nothing is waited for.
            let mut up_to = |ms| thread::sleep(Duration::from_millis(random.u64(0..ms)));
            up_to(100);
            match accident {
                Accident::PrimaryKilled => {
                    primary.kill();
                    primary.restart();
                }
                Accident::PrimaryStopped => {
                    primary.pause();
                    up_to(OUTAGE_MS);
                    primary.go_on();
                }
                Accident::ServerKilled => {
                    let door = random.usize(0..servers.len());
                    buyers.set_door(door, None);
                    servers.remove(door).kill();
                    servers.insert(door, start());
                    buyers.set_door(door, Some(servers[door].url()));
                }
                Accident::AnswersLost => {
                    to_servers.swallow_answers();
                    up_to(OUTAGE_MS);
                    to_servers.mend();
                }
                Accident::PrimaryOutOfReach => {
                    to_servers.cut();
                    up_to(OUTAGE_MS);
                    to_servers.mend();
                }
                Accident::StandbyOutOfReach => {
                    to_standby.cut();
                    up_to(OUTAGE_MS);
                    to_standby.mend();
                }
            }
            buyers.wait_for(20);
        }
        primary.kill();
        standby.promote();
        buyers.wait_for(50);
    });
    let sales = buyers.sales();
    assert_settled(&standby, &servers, &sales);
    assert_valid(&buyers, TICKETS, servers[0].count());
    println!("{} sales were told", sales.len());
}

/// The judge finds an order of all that the buyers were told.
#[track_caller]
fn assert_valid(buyers: &Buyers, initial: u64, left: u64) {
    let file = Counter::holding(buyers.history(initial, left));
    let check = Program::new(env!("CARGO_BIN_EXE_e2e-loadgen"))
        .args(["check", "--json"])
        .arg(file.path())
        .within(Duration::from_secs(120))
        .run();
    assert_eq!(check.code, Some(0), "{check:?}");
    assert_eq!(check.json()["verdict"], "valid", "{check:?}");
}

/// The same as for etcd: what was heard ahead of the cut is not told as what is left.
#[test]
fn a_server_that_is_cut_off_tells_no_count_that_others_have_changed_since() {
    let database = Postgres::start();
    let proxy = Proxy::before(&format!("127.0.0.1:{}", database.port()));
    let address = format!("postgres://postgres@127.0.0.1:{}/tickets?counter=concert", proxy.port());
    let program = program(&database, &address, 10).args(["--lock-timeout", "200ms"]);
    let cut_off = Server::start_without_counter(program);
    eventually("it to be reached", || {
        let told = cut_off.get("/search");
        (told.status == 200).then(|| assert_eq!(told.json()["count"], 10, "{}", told.text()))
    });

    proxy.swallow_answers();
    let other = serve(&database, 10);
    eventually("a sale", || (other.buy().status == 201).then_some(()));

    let told = cut_off.get("/search");
    assert_eq!(told.status, 503, "9 are left: {}", told.text());
    proxy.mend();
    eventually("it to hear of the others", || {
        let told = cut_off.get("/search");
        (told.status == 200).then(|| assert_eq!(told.json()["count"], 9, "{}", told.text()))
    });
}

/// The same as for etcd: also one so far off that the other has appended again before an answer is there.
#[test]
fn a_server_that_comes_while_another_sells_all_the_time_sells_too() {
    let database = Postgres::start();
    let first = serve(&database, 1_000_000);
    let proxy = Proxy::before(&format!("127.0.0.1:{}", database.port()));
    let far = format!("postgres://postgres@127.0.0.1:{}/tickets?counter=concert", proxy.port());
    let told = Told::to_buyers(&first, Duration::from_secs(10), || {
        eventually("a long ledger", || (first.count() < 997_000).then_some(()));
        for delay in [0, 5] {
            proxy.delay(Duration::from_millis(delay));
            let next = program(&database, &far, 10).args(["--lock-timeout", "60s"]);
            let next = Server::start_without_counter(next);
            for _ in 0..3 {
                let sold = next.buy();
                assert_eq!(sold.status, 201, "{}", sold.text());
                assert!(next.count() < 997_000);
            }
        }
    });
    assert_eq!((told.not_sold, told.unknown), (0, 0), "the others are served as before");
}

/// How many chaoses a control may take to catch somebody in the act; the first mostly does.
const SEEDS: u32 = 20;

/// `loadgen chaos --postgres`, as a user starts it, with its files in `temporary`.
fn chaos(arguments: &[&str], temporary: &Counter) -> Program {
    Program::new(env!("CARGO_BIN_EXE_e2e-loadgen"))
        .args(["chaos", "--postgres", "--json"])
        .args(arguments)
        .env("TMPDIR", temporary.folder())
        .within(Duration::from_secs(600))
}

/// A folder in which PostgreSQL's own user may go on.
fn passable() -> Counter {
    use std::os::unix::fs::PermissionsExt as _;

    let temporary = Counter::missing();
    let mode = fs::Permissions::from_mode(0o711);
    fs::set_permissions(temporary.folder(), mode).expect("the test's own folder");
    temporary
}

/// What was done, and to whom.
fn faults(chaos: &Finished) -> Vec<(String, Option<u64>, Option<u64>)> {
    let told = chaos.json();
    let faults = told["faults"].as_array().expect("a list of faults");
    let kind = |fault: &serde_json::Value| fault["kind"].as_str().unwrap_or_default().to_owned();
    let fault = |fault: &serde_json::Value| {
        (kind(fault), fault["server"].as_u64(), fault["member"].as_u64())
    };
    faults.iter().map(fault).collect()
}

#[test]
fn chaos_of_a_primary_and_its_standby_loses_nothing_and_sells_nothing_twice() {
    let temporary = passable();
    let kinds = "kill,member-kill,member-pause,member-cut,server-cut,promote";
    let chaos = chaos(&["--rounds", "10", "--seed", "161", "--faults", kinds], &temporary).run();

    assert_eq!(chaos.code, Some(0), "{chaos:?}");
    let told = chaos.json();
    assert_eq!((&told["verdict"], &told["ledger_is_sound"]), (&json!("valid"), &json!(true)));
    assert!(told["outcomes"]["sold"].as_u64() > Some(50), "{told}");
    let faults = faults(&chaos);
    for kind in kinds.split(',') {
        assert!(faults.iter().any(|(there, ..)| there == kind), "{kind}: {faults:?}");
    }
    assert_eq!(processes_in(temporary.folder()), Vec::<u32>::new());
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

/// The control: whoever tries again is sold to again.
#[test]
fn servers_that_forget_their_keys_are_convicted_over_a_primary_that_is_killed() {
    let convicted = (3..3 + SEEDS).any(|seed| {
        let faults = ["--rounds", "8", "--round", "2s", "--faults", "member-kill,kill"];
        let temporary = passable();
        let chaos = chaos(&faults, &temporary).args(["--seed", &seed.to_string()]);
        let chaos = chaos.args(["--", "--keys-max", "1"]);
        let chaos = chaos.run();
        assert!(matches!(chaos.code, Some(0 | 1 | 3)), "{chaos:?}");
        chaos.code == Some(1)
    });
    assert!(convicted, "{SEEDS} chaoses did not notice");
}

#[test]
fn a_seed_makes_the_same_faults_of_primary_and_standby_again() {
    let of = |seed: &str| {
        let kinds = "kill,member-pause,member-cut,server-cut";
        let arguments = ["--rounds", "4", "--round", "400ms", "--faults", kinds, "--seed", seed];
        let chaos = chaos(&arguments, &passable()).run();
        assert_eq!(chaos.code, Some(0), "{chaos:?}");
        faults(&chaos)
    };
    assert_eq!(of("7"), of("7"));
    assert_ne!(of("7"), of("8"));
}

/// Stopped processes hear of nothing, and so not of the end of who started them.
#[test]
fn chaos_that_is_killed_while_a_member_is_stopped_leaves_no_process_and_no_folder() {
    let temporary = passable();
    let mark = Mark::new();
    // Under this seed one is stopped within the first seconds, for more than a minute.
    let faults = ["--rounds", "9", "--round", "300s", "--faults", "member-pause", "--seed", "3"];
    let chaos = mark.on(chaos(&faults, &temporary)).start();
    eventually("a member that is stopped", || {
        let is_stopped = |pid: &u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" T"))
        };
        // Of a standby: the first, and those that write, clean up, recover and receive.
        let stopped = processes_in(temporary.folder()).into_iter().filter(is_stopped).count();
        (stopped >= 4).then_some(())
    });

    chaos.signal(Signal::KILL);

    chaos.finish(Duration::from_secs(120));
    mark.wait_until_gone();
    eventually("all of PostgreSQL to be gone", || {
        processes_in(temporary.folder()).is_empty().then_some(())
    });
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

#[test]
fn history_of_a_run_over_which_the_primary_is_killed_is_judged_valid() {
    let mut primary = Postgres::start();
    let server = serve(&primary, TICKETS);
    assert_eq!(server.buy().status, 201);
    let run = Program::new(env!("CARGO_BIN_EXE_e2e-loadgen"))
        .args(["run", server.url(), "--json", "-c", "16", "-z", "8s", "--mix", "buy=8,search=2"])
        .start();
    eventually("sales", || {
        let found = server.get("/search");
        (found.status == 200 && found.json()["count"].as_u64()? + 50 < TICKETS).then_some(())
    });
    primary.kill();
    primary.restart();
    let finished = run.finish(Duration::from_secs(90));
    let result = finished.json();
    assert_eq!(result["verdict"], "valid", "{result:#}");
    assert!(result["outcomes"]["sold"].as_u64() > Some(100), "{result:#}");
}
