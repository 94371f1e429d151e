//! Whole servers over PostgreSQL.

use std::{
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use e2e::{
    Answer, Client, Method, Postgres, Program, Server, buy_until_sold_out, crowd, eventually,
    seeded, tickets, tickets_of,
};
use serde_json::json;

/// More than anybody buys.
const TICKETS: u64 = 1_000_000;

/// How long to rest where no answer says more.
const REST: Duration = Duration::from_millis(5);

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
fn program(database: &Postgres, address: &str, tickets: u64) -> Program {
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
fn server_waits_for_its_database_says_so_and_sells_once_it_is_there() {
    let mut database = Postgres::start();
    database.stop();
    let server = serve(&database, 100);
    let unreachable = format!("127.0.0.1:{}: error connecting to server", database.port());
    let assert_says_so = || {
        let ready = eventually("a server that is not ready", || {
            Some(server.get("/readyz")).filter(|ready| ready.status == 503)
        });
        assert!(ready.text().contains(&unreachable), "{}", ready.text());
        assert_not_sold(&server.buy());
        let sought = server.get("/search");
        assert_eq!(sought.status, 503, "nothing old is told: {}", sought.text());
    };
    let sells = || {
        eventually("a server that is ready", || {
            (server.get("/readyz").status == 200).then_some(())
        });
        eventually("a sale", || (server.buy().status == 201).then_some(()));
    };
    assert_says_so();
    database.restart();
    sells();
    database.kill();
    assert_says_so();
    database.restart();
    sells();
    assert_eq!(server.count(), 98);
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

/// Buyers who never give up, at servers that come and go.
struct Crowd {
    doors: RwLock<Vec<Option<String>>>,
    sales: Mutex<Vec<Answer>>,
    sold: AtomicUsize,
    is_over: AtomicBool,
}

/// Sends the buyers home when it is dropped, also when the test panics.
struct Closing<'a>(&'a Crowd);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

impl Crowd {
    fn at(servers: &[Server]) -> Crowd {
        let doors = servers.iter().map(|server| Some(server.url().to_owned())).collect();
        let (sold, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        Crowd { doors: RwLock::new(doors), sales: Mutex::default(), sold, is_over }
    }

    fn set_door(&self, door: usize, url: Option<&str>) {
        self.doors.write().expect("nobody panics with it")[door] = url.map(str::to_owned);
    }

    /// Buys until it is over; each purchase is tried until it is answered.
    fn buy_on(&self, seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let client = Client::new("");
        while !self.is_over.load(Ordering::SeqCst) {
            let key = format!("{:016x}", random.u64(..));
            loop {
                let doors = self.doors.read().expect("nobody panics with it").clone();
                let Some(Some(url)) = random.choice(doors) else {
                    thread::sleep(REST);
                    continue;
                };
                let request = client.at(&url).request(Method::POST, "/buy");
                let request =
                    request.header("Idempotency-Key", &key).json(&json!({ "quantity": 1 }));
                match Answer::try_to(request) {
                    Ok(answer) if answer.status == 201 => {
                        self.sales.lock().expect("nobody panics with it").push(answer);
                        self.sold.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                    Err(_) => {}
                }
                thread::sleep(REST);
            }
        }
    }

    /// Waits until `more` have been sold than by now.
    fn sells(&self, more: usize) {
        let before = self.sold.load(Ordering::SeqCst);
        eventually("more sales", || {
            (self.sold.load(Ordering::SeqCst) >= before + more).then_some(())
        });
    }
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

/// The primary and the servers are killed under buyers who retry; in the end the standby takes over.
#[test]
fn kills_of_servers_and_primary_and_a_promotion_lose_nothing_and_sell_nothing_twice() {
    let name = "kills_of_servers_and_primary_and_a_promotion_lose_nothing_and_sell_nothing_twice";
    let mut random = seeded(name);
    let mut primary = Postgres::start();
    let standby = primary.start_standby();
    primary.wait_for_standby();
    let both = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
    let address = format!("postgres://postgres@{both}/tickets?counter=concert");
    let start = || Server::start_without_counter(program(&standby, &address, TICKETS));
    let mut servers = vec![start(), start(), start()];
    let crowd = Crowd::at(&servers);
    thread::scope(|scope| {
        let closing = Closing(&crowd);
        for seed in (0..6).map(|_| random.u64(..)).collect::<Vec<_>>() {
            let crowd = &crowd;
            scope.spawn(move || crowd.buy_on(seed));
        }
        crowd.sells(20);
        for round in 0..20 {
            // The moment is the choice that this test is about; nothing is waited for.
            thread::sleep(Duration::from_millis(random.u64(0..50)));
            if round % 2 == 0 {
                primary.kill();
                primary.restart();
            } else {
                let door = random.usize(0..servers.len());
                crowd.set_door(door, None);
                servers.remove(door).kill();
                servers.insert(door, start());
                crowd.set_door(door, Some(servers[door].url()));
            }
            crowd.sells(20);
        }
        primary.kill();
        standby.promote();
        crowd.sells(50);
        drop(closing);
    });
    let sales = crowd.sales.into_inner().expect("nobody panics with it");
    assert_settled(&standby, &servers, &sales);
    println!("{} sales were told", sales.len());
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
