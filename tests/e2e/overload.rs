//! More buyers than the disk takes: who would wait for too long is told at once, and all others are sold to.
//!
//! `OVERLOAD_SECONDS=60` makes it last longer. What buyers waited is told, and not asserted.

use std::{
    env,
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use e2e::{Counter, Server, crowd, file_limit_of_at_least};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    runtime,
    time::sleep,
};

use crate::{sales::assert_conserved, slow_syncs::server_with_slow_syncs};

/// How many tickets there are: nobody is to be told that there are none.
const TICKETS: u64 = 100_000_000;

/// How many buyers come, each again as soon as it has its answer: more than two appends hold.
const BUYERS: u16 = 4000;

/// How long one who was refused stays away.
const AWAY: Duration = Duration::from_millis(100);

/// The longest name that a buyer may have, so that an append holds as few sales as it can.
fn long_name() -> String {
    "🎟".repeat(200)
}

/// How long the load lasts, and how many milliseconds longer syncs take meanwhile.
///
/// So many that appends are full however slow the machine is, where nobody asked for more.
fn load() -> (Duration, u32) {
    match env::var("OVERLOAD_SECONDS") {
        Ok(seconds) => {
            let seconds = seconds.parse().expect("OVERLOAD_SECONDS is a number");
            (Duration::from_secs(seconds), 60)
        }
        Err(_) => (Duration::from_secs(4), 400),
    }
}

/// How long buyers waited for their answers.
#[derive(Default)]
struct Told {
    sold: Vec<Duration>,
    refused: Vec<Duration>,
}

/// Buys at `address` for so long.
async fn buy_again_and_again(address: String, load_time: Duration) -> Told {
    let (begun, mut told, mut kept) = (Instant::now(), Told::default(), None);
    let body = json!({"buyer": long_name()}).to_string();
    let mut request = format!("POST /buy HTTP/1.1\r\nHost: {address}\r\n");
    let length = body.len();
    let kind = "Content-Type: application/json";
    write!(request, "{kind}\r\nContent-Length: {length}\r\n\r\n{body}").expect("it is a string");
    while begun.elapsed() < load_time {
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(&address).await.expect("a connection")),
        };
        let asked = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("the request is taken");
        let (head, body) = answer(&mut stream).await;
        kept = (!head.contains("\r\nconnection: close\r\n")).then_some(stream);
        if head.starts_with("http/1.1 201 ") {
            told.sold.push(asked.elapsed());
        } else {
            told.refused.push(asked.elapsed());
            assert!(head.starts_with("http/1.1 503 "), "{head}{body}");
            assert!(head.contains("\r\nretry-after: "), "{head}");
            assert_eq!(
                (&body["type"], &body["sold"]),
                (&json!("/problems/overloaded"), &json!("no"))
            );
            sleep(AWAY).await;
        }
    }
    told
}

/// The head of an answer, in small letters, and its body.
async fn answer(stream: &mut BufReader<TcpStream>) -> (String, Value) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = stream.read_line(&mut head).await.expect("an answer");
        assert!(read > 0, "no whole answer but `{head}`");
    }
    head.make_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a whole body");
    (head, serde_json::from_slice(&body).expect("JSON"))
}

/// The resident memory of `server`, in KiB.
fn memory_of(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("it has some")
}

fn tell(what: &str, mut waited: Vec<Duration>) {
    waited.sort_unstable();
    let at = |of_thousand: usize| waited.get((waited.len() * of_thousand) / 1000);
    println!("{what}: {}, p50 {:?}, p99 {:?}", waited.len(), at(500), at(990));
}

#[test]
fn who_would_wait_for_too_long_is_told_at_once_and_all_others_are_sold_to() {
    assert!(file_limit_of_at_least(3 * usize::from(BUYERS)), "this needs `ulimit -n 12000`");
    let counter = Counter::with(TICKETS);
    let (load_time, sync_ms) = load();
    // Ahead of the first full append nobody knows how many may wait.
    let server = server_with_slow_syncs(sync_ms).args(["--lock-timeout", "60s"]);
    let server = Server::start(server, &counter);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();

    let told = runtime.expect("a runtime").block_on(async {
        let come = |_| tokio::spawn(buy_again_and_again(server.address().to_owned(), load_time));
        let buyers: Vec<_> = (0..BUYERS).map(come).collect();
        for quarter in 1..4 {
            sleep(load_time / 4).await;
            println!("memory at {quarter}/4: {} KiB", memory_of(&server));
        }
        let mut told = Told::default();
        for buyer in buyers {
            let of_one = buyer.await.expect("a buyer");
            told.sold.extend(of_one.sold);
            told.refused.extend(of_one.refused);
        }
        told
    });

    let sold = told.sold.len() as u64;
    assert!(!told.refused.is_empty(), "{sold} were sold to, and nobody was refused");
    assert!(sold > 0, "{} were refused, and nobody was sold to", told.refused.len());
    tell("sold to", told.sold);
    tell("refused", told.refused);
    let begun = Instant::now();
    assert_eq!(server.buy().status, 201, "nobody waits any more");
    println!("behind it: a sale in {:?}", begun.elapsed());
    assert_conserved(&counter, TICKETS, sold + 1);
}

#[test]
fn who_fits_in_the_next_append_is_sold_to_however_slow_the_disk_is() {
    let counter = Counter::with(1000);
    let server = Server::start(server_with_slow_syncs(400), &counter);

    let begun = Instant::now();
    let answers = crowd(50, |_| [server.buy().status, server.buy().status]);
    assert!(begun.elapsed() >= Duration::from_millis(800), "each waits for two syncs");

    assert!(answers.iter().flatten().all(|status| *status == 201), "{answers:?}");
    assert_conserved(&counter, 1000, 100);
}
