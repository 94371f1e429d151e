//! Whole servers on one counter in etcd, as users see them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Mutex,
    time::{Duration, Instant},
};

use e2e::{
    Answer, Client, Counter, Etcd, Live, Mark, Method, Program, Proxy, Server, Signal, Told, crowd,
    eventually, number_of,
};
use serde_json::json;
use server::ledger::etcd::text::{Head, read_line};

/// How long those wait who come while the cluster is away.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// More than anybody buys.
const TICKETS: u64 = 1_000_000;

/// How long a chaos may take where the machine is busy, and how long one that was told to end.
const CHAOS_MAX: Duration = Duration::from_secs(600);
const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// How many chaoses a control may take to catch somebody in the act; the first mostly does.
const SEEDS: u32 = 20;

pub(crate) fn server() -> Program {
    Program::new(env!("CARGO_BIN_EXE_e2e-server"))
}

pub(crate) fn loadgen() -> Program {
    Program::new(env!("CARGO_BIN_EXE_e2e-loadgen"))
}

/// A server on the counter `hall`, which is made with so many tickets where it is missing.
#[track_caller]
pub(crate) fn serve(etcd: &Etcd, tickets: u64) -> Server {
    let program = server().args(["--db", &etcd.db("hall"), "--init", &tickets.to_string()]);
    let timeout = format!("{}s", LOCK_TIMEOUT.as_secs());
    Server::start_without_counter(program.args(["--lock-timeout", &timeout]))
}

/// Buys a ticket; `None` where the connection breaks.
pub(crate) fn buy(client: &Client, key: &str) -> Option<Answer> {
    let request = client.request(Method::POST, "/buy").header("Idempotency-Key", key);
    Answer::try_to(request.timeout(Duration::from_secs(20))).ok()
}

/// Buys at one server after another until somebody says what came of it.
#[track_caller]
fn buy_somewhere(clients: &[Client], key: &str) -> Answer {
    let mut at = 0;
    eventually("a final answer", || {
        at += 1;
        let answer = buy(&clients[at % clients.len()], key)?;
        (answer.status != 503).then_some(answer)
    })
}

#[track_caller]
fn ticket(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["tickets"][0].as_u64().expect("a ticket has a number")
}

#[test]
fn a_counter_in_etcd_sells_holds_and_remembers_as_one_in_a_file() {
    let etcd = Etcd::start();
    let first = serve(&etcd, 5);
    assert!(first.stderr().contains(&etcd.db("hall")), "{}", first.stderr());
    let sold = buy(&first, "k").expect("an answer");
    assert_eq!(ticket(&sold), 1);
    let hold = first.post("/holds", &json!({"quantity": 2, "seconds": 600})).json();
    let second = serve(&etcd, 5);
    // What one has sold the other knows: by key, by receipt, and on its page.
    let again = buy(&second, "k").expect("an answer");
    assert_eq!((again.text(), again.header("Idempotent-Replayed")), (sold.text(), "true"));
    let receipt = second.get(sold.header("Location")).json();
    assert_eq!(receipt["tickets"], json!([1]));
    let hold = hold["hold"].as_str().expect("a hold has a token").to_owned();
    let confirmed = second.post(&format!("/holds/{hold}/confirm"), &json!({}));
    assert_eq!((confirmed.status, confirmed.json()["tickets"].clone()), (201, json!([2, 3])));
    let told = first.search();
    assert_eq!((&told["count"], &told["sold"], &told["held"]), (&json!(2), &json!(3), &json!(0)));
    let live = Live::open(&first);
    live.wait_for_count(2);
    second.buy();
    live.wait_for_count(1);
    second.buy();
    let refused = first.buy();
    assert_eq!(
        (refused.status, refused.json()["type"].clone()),
        (409, json!("/problems/sold-out"))
    );
    assert_eq!((first.terminate().code, second.terminate().code), (Some(0), Some(0)));
    let later = serve(&etcd, 77);
    assert_eq!(later.count(), 0);
    assert_eq!(later.get(sold.header("Location")).json()["tickets"], json!([1]));
}

#[test]
fn what_three_servers_sell_to_a_crowd_is_valid() {
    let etcd = Etcd::start();
    let servers = [(); 3].map(|()| serve(&etcd, 300));
    let addresses = servers.each_ref().map(Server::address);
    let front = Proxy::before_all(&addresses);
    let shop = format!("http://{}", front.address());
    let run = loadgen()
        .args(["run", &shop, "--json", "--no-tui", "-c", "30", "-n", "600"])
        .args(["--mix", "buy=4,search=2"])
        .run();
    assert_eq!(run.code, Some(0), "{run:?}");
    let told = run.json();
    assert_eq!((&told["verdict"], &told["outcomes"]["sold"]), (&json!("valid"), &json!(300)));
    assert_eq!(told["untried"], json!([]), "{told}");
    for server in &servers {
        assert_eq!(server.count(), 0);
        assert_eq!(server.buy().status, 409);
    }
}

/// The public chaos, on servers of one counter here.
#[test]
fn chaos_loses_nothing_and_sells_nothing_twice() {
    let etcd = Etcd::start();
    let chaos = loadgen().args(["chaos", "--json", "--rounds", "8", "--db", &etcd.db("hall")]);
    let chaos = chaos.within(CHAOS_MAX).run();
    assert_eq!(chaos.code, Some(0), "{chaos:?}");
    assert_eq!(chaos.json()["verdict"], "valid");
}

/// The same where it starts the members too, and hurts them.
#[test]
fn chaos_of_servers_and_members_loses_nothing_and_sells_nothing_twice() {
    let temporary = Counter::missing();
    let mark = Mark::new();
    let chaos =
        ["chaos", "--json", "--members", "3", "--rounds", "12", "--round", "2s", "--seed", "192"];
    let kinds = "kill,member-kill,member-pause,member-cut,server-cut";
    let chaos = loadgen().args(chaos).args(["--faults", kinds]);
    let chaos = mark.on(chaos).env("TMPDIR", temporary.folder());
    let chaos = chaos.within(CHAOS_MAX).run();

    assert_eq!(chaos.code, Some(0), "{chaos:?}");
    let told = chaos.json();
    assert_eq!((&told["verdict"], &told["members"]), (&json!("valid"), &json!(3)));
    let faults = told["faults"].as_array().expect("a list of faults");
    for kind in kinds.split(',') {
        let there = faults.iter().filter(|fault| fault["kind"] == kind);
        let mut is_of_member = there.map(|fault| fault["member"].is_u64());
        let is_right = is_of_member.next() == Some(kind.starts_with("member"));
        assert!(is_right, "{kind} of whom it can be: {faults:?}");
    }
    assert_eq!(told["ledger_is_sound"], true);
    assert!(told["outcomes"]["sold"].as_u64() > Some(50), "{told}");
    mark.wait_until_gone();
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

/// The control: whoever tries again is sold to again.
#[test]
fn servers_that_forget_their_keys_are_convicted_over_members_that_are_killed() {
    let convicted = (1..=SEEDS).any(|seed| {
        let chaos = ["chaos", "--json", "--members", "3", "--rounds", "8", "--round", "2s"];
        let chaos = loadgen().args(chaos).args(["--faults", "member-kill,kill"]);
        let chaos = chaos.args(["--seed", &seed.to_string(), "--", "--keys-max", "1"]);
        let chaos = chaos.within(CHAOS_MAX).run();
        assert!(matches!(chaos.code, Some(0 | 1 | 3)), "{chaos:?}");
        chaos.code == Some(1)
    });
    assert!(convicted, "{SEEDS} chaoses did not notice");
}

#[test]
fn chaos_that_is_killed_leaves_no_member() {
    let mark = Mark::new();
    let temporary = Counter::missing();
    let chaos = ["chaos", "--members", "3", "--rounds", "1000", "--faults", "member-pause"];
    let chaos = mark.on(loadgen().args(chaos)).env("TMPDIR", temporary.folder()).start();
    // Itself, eight workers, three servers, three members, and who removes the folder.
    mark.wait_for_carriers(16);

    chaos.signal(Signal::KILL);

    chaos.finish(ENDS_WITHIN);
    mark.wait_until_gone();
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

/// Chaos found it: what was heard ahead of the cut was told as what is left.
#[test]
fn a_server_that_is_cut_off_tells_no_count_that_others_have_changed_since() {
    let etcd = Etcd::start();
    let proxies: Vec<_> = etcd.addresses().iter().map(|member| Proxy::before(member)).collect();
    let members: Vec<_> = proxies.iter().map(Proxy::address).collect();
    let db = format!("etcd://{}/hall", members.join(","));
    let program = server().args(["--db", &db, "--init", "10", "--lock-timeout", "200ms"]);
    let cut_off = Server::start_without_counter(program);
    eventually("it to be reached", || {
        let told = cut_off.get("/search");
        (told.status == 200).then(|| assert_eq!(told.json()["count"], 10, "{}", told.text()))
    });

    // Silently, as a network is cut: what it waits for does not come, and nothing tells it so.
    proxies.iter().for_each(Proxy::swallow_answers);
    let other = serve(&etcd, 10);
    eventually("a sale", || (other.buy().status == 201).then_some(()));

    let told = cut_off.get("/search");
    assert_eq!(told.status, 503, "9 are left: {}", told.text());
    proxies.iter().for_each(Proxy::mend);
    eventually("it to hear of the others", || {
        let told = cut_off.get("/search");
        (told.status == 200).then(|| assert_eq!(told.json()["count"], 9, "{}", told.text()))
    });
}

#[test]
fn what_was_acknowledged_is_sold_once_whoever_is_killed() {
    let (rounds, buyers) = (3, 8);
    let mut etcd = Etcd::start();
    let mut servers: Vec<_> = (0..3).map(|_| serve(&etcd, 10_000)).collect();
    let told: Mutex<BTreeMap<String, u64>> = Mutex::default();
    for round in 0..rounds {
        let clients: Vec<_> = servers.iter().map(|server| server.client().clone()).collect();
        let leader = etcd.leader();
        let victim = servers.remove(0);
        std::thread::scope(|scope| {
            let crowd = scope.spawn(|| {
                crowd(buyers, |buyer| {
                    for number in 0..15 {
                        let key = format!("{round}-{buyer}-{number}");
                        let ticket = ticket(&buy_somewhere(&clients, &key));
                        told.lock().unwrap().insert(key, ticket);
                    }
                });
            });
            let so_far = || told.lock().unwrap().len();
            let begun = so_far();
            eventually("some sales", || (so_far() > begun + 5).then_some(()));
            victim.kill();
            let then = so_far();
            eventually("sales by the others", || (so_far() > then + 5).then_some(()));
            etcd.kill(leader);
            crowd.join().expect("every buyer was served");
        });
        etcd.restart(leader);
        servers.push(serve(&etcd, 10_000));
    }
    let told = told.into_inner().unwrap();
    let tickets: BTreeSet<_> = told.values().copied().collect();
    let all = (rounds * buyers * 15) as u64;
    assert_eq!((told.len() as u64, tickets.len() as u64), (all, all));
    assert_eq!(tickets, (1..=all).collect());
    for server in &servers {
        let search = eventually("a server that can be asked", || {
            Some(server.get("/search")).filter(|found| found.status == 200)
        });
        let search = search.json();
        let state = (search["count"].as_u64(), search["sold"].as_u64());
        assert_eq!(state, (Some(10_000 - all), Some(all)));
        // And what was told is told again.
        for (key, ticket) in told.iter().take(5) {
            let again = buy_somewhere(std::slice::from_ref(server.client()), key);
            assert_eq!(self::ticket(&again), *ticket);
        }
    }
}

/// What it costs them is told, and not judged: `cargo test … buyers_are_served -- --nocapture`.
#[test]
fn buyers_are_served_while_a_member_is_stopped() {
    let etcd = Etcd::start();
    let patient = server().args(["--db", &etcd.db("hall"), "--init", "1000"]);
    let patient = patient.args(["--lock-timeout", "60s"]);
    let servers = [(); 3].map(|()| Server::start_without_counter(patient.clone()));
    let mut tickets = BTreeSet::new();
    // Whoever leads first, and then members of whom one may.
    for member in [etcd.leader(), 0, 1, 2] {
        etcd.wait_for_all();
        tickets.extend(crowd(servers.len(), |at| ticket(&servers[at].buy())));
        let (led, before) = (etcd.leader() == member, etcd.elections());
        etcd.signal(member, Signal::STOP);

        // One call each: nobody is sent away, or told that nobody knows.
        let sold = crowd(servers.len(), |at| {
            let begun = Instant::now();
            (ticket(&servers[at].buy()), begun.elapsed())
        });

        let elections = etcd.elections() - before;
        assert!(!led || elections > 0, "{member} led, and is stopped, and buyers were served");
        etcd.signal(member, Signal::CONT);
        let waits: Vec<_> = sold.iter().map(|(_, wait)| *wait).collect();
        println!("member {member} stopped (it led: {led}), {elections} elections: {waits:?}");
        tickets.extend(sold.into_iter().map(|(ticket, _)| ticket));
    }
    let all = 4 * 2 * servers.len() as u64;
    assert_eq!(tickets, (1..=all).collect());
    assert!(servers.iter().all(|server| server.count() == 1000 - all));
}

/// The reason for which a server is not ready; `None` where it is.
pub(crate) fn not_ready(server: &Server) -> Option<String> {
    let ready = server.get("/readyz");
    (ready.status == 503).then(|| ready.text())
}

#[test]
fn a_cluster_that_is_gone_is_told_to_buyers_and_waited_for() {
    let mut etcd = Etcd::start();
    let running = serve(&etcd, TICKETS);
    assert_eq!(running.buy().status, 201);
    let told = Told::to_buyers(&running, LOCK_TIMEOUT, || {
        for member in 0..3 {
            etcd.kill(member);
        }
        let begun = Instant::now();
        eventually("it to know of no member", || {
            let why = not_ready(&running);
            why.filter(|why| why.contains("no member of the etcd cluster can be used"))
        });
        let refused = running.buy();
        assert_eq!(refused.json()["sold"], "no", "nothing of it was sent: {refused:?}");
        // One that starts now waits for it, too, and says so.
        let starting = serve(&etcd, TICKETS);
        let words = starting.stderr();
        assert!(words.contains("no member of the etcd cluster"), "{words}");
        let refused = starting.buy();
        assert_eq!((refused.status, &refused.json()["sold"]), (503, &json!("no")), "{refused:?}");
        assert_eq!(starting.status("/"), 503);
        let gone = Duration::from_secs(number_of("E2E_GONE_SECONDS", 2).into());
        eventually("a long time", || (begun.elapsed() >= gone).then_some(()));
        for member in 0..3 {
            etcd.restart(member);
        }
        for server in [&running, &starting] {
            eventually("it to be ready", || not_ready(server).is_none().then_some(()));
        }
        assert_eq!(starting.buy().status, 201);
    });
    let sold = running.search()["sold"].as_u64().expect("a number");
    told.assert_explains(sold - 2);
    assert!(told.not_sold > 0, "{told:?}");
    // Whose batch was on its way is told that nobody knows; one batch holds all who wait.
    assert!(told.unknown <= 3, "more than there are buyers: {told:?}");
    assert_eq!(running.count(), TICKETS - sold);
}

#[test]
fn a_server_that_comes_while_others_sell_all_the_time_sells_too() {
    let etcd = Etcd::start();
    let others = [serve(&etcd, TICKETS), serve(&etcd, TICKETS)];
    let proxies: Vec<_> = etcd.addresses().iter().map(|member| Proxy::before(member)).collect();
    let members: Vec<_> = proxies.iter().map(Proxy::address).collect();
    let far = format!("etcd://{}/hall", members.join(","));
    // Near by, and so far off that another has appended again before an answer is there.
    let sell_too = |delays: &[u64]| {
        eventually("a long ledger", || (others[0].count() < TICKETS - 3000).then_some(()));
        for delay in delays {
            proxies.iter().for_each(|proxy| proxy.delay(Duration::from_millis(*delay)));
            let program = server().args(["--db", &far, "--lock-timeout", "60s"]);
            let next = Server::start_without_counter(program);
            for _ in 0..3 {
                ticket(&next.buy());
                assert!(next.count() < TICKETS);
            }
        }
    };
    let told = Told::to_buyers(&others[0], LOCK_TIMEOUT, || {
        sell_too(&[0, 5]);
        let told = Told::to_buyers(&others[1], LOCK_TIMEOUT, || sell_too(&[0, 5]));
        assert_eq!((told.not_sold, told.unknown), (0, 0), "the others are served as before");
    });
    assert_eq!((told.not_sold, told.unknown), (0, 0), "the others are served as before");
}

/// Each is to make it with another number of tickets.
#[test]
fn of_servers_that_make_one_counter_at_once_one_makes_it_and_all_sell_from_it() {
    let (etcd, number) = (Etcd::start(), 6);

    let told = crowd(number, |at| {
        let server = serve(&etcd, 1000 * (at as u64 + 1));
        let sold = buy_somewhere(std::slice::from_ref(server.client()), &at.to_string());
        (ticket(&sold), server.stderr())
    });

    let head = etcd.ctl(&["get", "--print-value-only", "tickets/hall/head"]).stdout;
    // `etcdctl` ends it with a newline of its own.
    let head = head.strip_suffix('\n').unwrap_or_default();
    let head: Head = read_line(head.as_bytes()).expect("a head");
    let initial = head.count + head.sold;
    assert!(initial.is_multiple_of(1000), "{head:?}");
    let tickets: BTreeSet<_> = told.iter().map(|(ticket, _)| *ticket).collect();
    assert_eq!(tickets, (1..=number as u64).collect());
    // Each says what it found, whatever it was to make, or that it has not found it out yet.
    let db = etcd.db("hall");
    for (_, said) in &told {
        let greeting = said.lines().find_map(|line| line.strip_prefix(&db));
        let left = greeting.expect("a greeting").split(' ').nth(1);
        let left = left.and_then(|left| left.parse().ok());
        assert!(left.is_none_or(|left| (head.count..=initial).contains(&left)), "{said}");
    }
    let line = etcd.ctl(&["get", "tickets/hall/counter", "--write-out=fields"]).stdout;
    assert!(line.contains("\"Version\" : 1\n"), "{line}");
}

#[test]
fn what_cannot_be_started_says_why() {
    let etcd = Etcd::start();
    let start = |db: &str| {
        let finished = server().args(["--listen", "127.0.0.1:0", "--db", db]).run();
        (finished.code, finished.stderr)
    };
    let (code, told) = start(&etcd.db("nowhere"));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("the etcd cluster has no counter `nowhere`"), "{told}");
    let (code, told) = start("etcd://ann:secret@127.0.0.1:1/hall");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("password-file") && !told.contains("secret@"), "{told}");
    let (code, told) = start("etcd://127.0.0.1:1/hall?ca=/nowhere/ca.pem");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("/nowhere/ca.pem"), "{told}");
}
