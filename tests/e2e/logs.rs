//! What the log says, in which words, and what it never says.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    time::Duration,
};

use e2e::{
    Answer, Client, Counter, Method, OutsideLock, Process, Program, RawRequest, Server, Signal,
    eventually,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use crate::programs::{serve, serve_with, server};

/// How long a server may take to end that waits for nobody.
const PATIENCE: Duration = Duration::from_secs(60);

/// The token of admin calls.
const TOKEN: &str = "a-long-secret-of-the-operator";

/// A server with an admin token and these `arguments`.
#[track_caller]
fn serve_logging(counter: &Counter, arguments: &[&str]) -> Server {
    let token = counter.folder().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).expect("the test's own folder");
    let token = token.to_string_lossy();
    let arguments = [arguments, &["--admin-token-file", &token, "--allow-host", "shop.example"]];
    serve_with(counter, &arguments.concat())
}

/// The lines of a JSON log, but for the one that scripts wait for.
#[track_caller]
fn lines_of(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().filter(|line| !line.starts_with("listening on "));
    let parsed = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    lines.map(parsed).collect()
}

/// The lines of the access log.
fn requests_of(stderr: &str) -> Vec<Value> {
    let lines = lines_of(stderr).into_iter();
    lines.filter(|line| line["message"] == "request").collect()
}

/// Whether `text` is a time as RFC 3339 has it, in UTC.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.starts_with("0000-00-00T00:00:00") && shape.ends_with('Z')
}

#[test]
fn line_of_text_begins_with_time_and_level() {
    let counter = Counter::with(100);

    let stderr = serve_with(&counter, &["--access-log"]).terminate().stderr;

    let line = stderr.lines().find(|line| line.contains("draining")).expect("it drains");
    let mut words = line.split_whitespace();
    assert!(words.next().is_some_and(is_time), "{line}");
    assert_eq!(words.next(), Some("INFO"), "{line}");
}

#[test]
fn start_says_which_counter_is_sold_how_many_are_left_and_how_it_is_locked() {
    let counter = Counter::with(100);
    let greeting = format!("{}: 100 left, 0 sold, locking group", counter.path().display());

    let stderr = serve(&counter).terminate().stderr;
    let (first, rest) = stderr.split_once('\n').expect("lines");
    assert_eq!(first, greeting);
    assert!(rest.starts_with("listening on http://127.0.0.1:"), "{stderr}");

    let stderr = serve_with(&counter, &["--log-format", "json"]).terminate().stderr;
    let first = &lines_of(&stderr)[0];
    assert_eq!(first["message"], greeting);
    assert_eq!(first["level"], "INFO");
    assert!(is_time(first["timestamp"].as_str().unwrap_or_default()), "{first}");
}

#[test]
fn access_log_has_the_pattern_of_a_path_and_all_that_belongs_to_a_request() {
    let counter = Counter::with(1);
    let server = serve_logging(&counter, &["--access-log", "--log-format", "json"]);
    let sale = server.buy();
    let named = server.request(Method::GET, sale.header("Location"));
    let named = Answer::to(named.header("X-Request-Id", "from-the-proxy.17"));
    let odd = Answer::to(server.request(Method::GET, "/search").header("X-Request-Id", "a b"));
    server.buy();
    server.get("/no/such/path");
    Answer::to(server.request(Method::from_bytes(b"BREW").expect("a method"), "/buy"));
    Answer::to(server.request(Method::GET, "/search").header("Host", "evil.example"));

    let stderr = server.terminate().stderr;

    let requests = requests_of(&stderr);
    let told: Vec<_> = requests
        .iter()
        .map(|line| (&line["method"], &line["route"], &line["status"]))
        .map(|told| json!([told.0, told.1, told.2]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["POST", "/buy", 201]),
            json!(["GET", "/receipts/{receipt}", 200]),
            json!(["GET", "/search", 200]),
            json!(["POST", "/buy", 409]),
            json!(["GET", "(none)", 404]),
            json!(["(other)", "/buy", 405]),
            json!(["GET", "/search", 421]),
        ]
    );
    for line in &requests {
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        assert!(line["duration_us"].is_u64(), "{line}");
        assert!(is_time(line["timestamp"].as_str().unwrap_or_default()), "{line}");
        assert_eq!(line["level"], "INFO", "{line}");
    }
    // Each answer has the name of its request, and a proxy's own is taken over where it is sane.
    assert_eq!(requests[0]["request_id"], sale.header("X-Request-Id"));
    assert_eq!(requests[1]["request_id"], "from-the-proxy.17");
    assert_eq!(named.header("X-Request-Id"), "from-the-proxy.17");
    assert_eq!(requests[2]["request_id"], odd.header("X-Request-Id"));
    let mut names: Vec<_> = requests.iter().map(|line| line["request_id"].to_string()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), requests.len(), "{names:?}");
}

#[test]
fn what_is_no_request_has_a_line_and_is_counted() {
    let counter = Counter::with(100);
    let server = serve_logging(&counter, &["--access-log", "--log-format", "json"]);
    let large = format!("GET /search HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(32 << 10));
    for (bytes, status) in [("a-receipt\r\n\r\n", 400), (&large, 431)] {
        let answer = RawRequest::send(server.address(), bytes).answer();
        assert_eq!(answer.status, status, "{answer:?}");
    }
    // Who begins to speak HTTP/2 is hung up on.
    RawRequest::send(server.address(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").wait_for_the_end();
    let counted = r#"http_request_duration_seconds_count{route="(none)",status="4xx"} 2"#;
    eventually("both to be counted", || {
        server.get("/metrics").text().contains(counted).then_some(())
    });

    let stderr = server.terminate().stderr;

    let lines = lines_of(&stderr).into_iter().filter(|line| line["message"] == "no request");
    let lines: Vec<Value> = lines.collect();
    let statuses: Vec<&Value> = lines.iter().map(|line| &line["status"]).collect();
    assert_eq!(statuses, [&json!(400), &json!(431), &Value::Null], "{stderr}");
    for line in &lines {
        assert_eq!((&line["client"], &line["route"]), (&"127.0.0.1".into(), &"(none)".into()));
        assert!(line["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{line}");
    }
    assert!(!stderr.contains("a-receipt"), "{stderr}");
}

#[test]
fn stream_has_its_line_once_it_has_ended() {
    let counter = Counter::with(100);
    let server = serve_logging(&counter, &["--access-log", "--log-format", "json"]);
    let mut live = RawRequest::send(
        server.address(),
        format!("GET /live HTTP/1.1\r\nHost: {}\r\n\r\n", server.address()),
    );
    live.wait_for("event: count");
    server.get("/livez");
    eventually("the line of a later request", || {
        server.stderr().contains("\"/livez\"").then_some(())
    });
    assert!(!server.stderr().contains("\"/live\""), "{}", server.stderr());

    drop(live);

    eventually("the line of the stream", || server.stderr().contains("\"/live\"").then_some(()));
    let requests = requests_of(&server.stderr());
    let of_stream = requests.iter().find(|line| line["route"] == "/live").expect("its line");
    assert_eq!(of_stream["status"], 200);
}

#[test]
fn nothing_is_written_for_a_request_without_the_access_log() {
    let counter = Counter::with(100);
    let server = serve_logging(&counter, &[]);
    let before = server.stderr();

    let sale = server.buy();
    server.get(sale.header("Location"));
    server.get("/no/such/path");

    assert_eq!(sale.header("X-Request-Id"), "");
    // What is written for a request is there before a later one is answered.
    server.get("/livez");
    assert_eq!(server.stderr(), before);
}

#[test]
fn log_never_has_a_secret_or_a_buyer() {
    for format in ["text", "json"] {
        let counter = Counter::with(100);
        let server = serve_logging(&counter, &["--access-log", "--log-format", format]);

        let (secrets, asked) = use_every_secret(&server);

        let stderr = server.terminate().stderr;
        let lines = stderr.lines().filter(|line| line.contains("request_id")).count();
        assert_eq!(lines, asked, "{stderr}");
        for secret in secrets {
            assert!(!secret.is_empty());
            assert!(!stderr.contains(&secret), "{format}: `{secret}` in:\n{stderr}");
        }
    }
}

/// Sends each kind of secret to each place where it may be, right and wrong; the secrets, and how many
/// requests that took.
#[track_caller]
fn use_every_secret(server: &Server) -> (Vec<String>, usize) {
    let mut asked = 0;
    let mut send = |method: Method, path: &str, headers: &[(&str, &str)], body: &str| {
        asked += 1;
        let request = server.request(method, path).header("Content-Type", "application/json");
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::to(request.body(body.to_owned()))
    };
    let key = ("Idempotency-Key", "key-of-order-4711");
    let admin = format!("Bearer {TOKEN}");
    let order = "{\"quantity\": 2, \"buyer\": \"Ada Lovelace\"}";
    let sale = send(Method::POST, "/buy", &[key], order);
    let receipt = sale.json()["receipt"].as_str().unwrap_or_default().to_owned();
    send(Method::POST, "/buy", &[key], order);
    send(Method::POST, "/buy", &[key], "{\"quantity\": 1, \"buyer\": \"Ada Lovelace\"}");
    send(Method::POST, "/buy", &[], "{\"buyer\": \"Ada Lovelace\", \"quantity\": \"two\"}");
    send(Method::POST, "/buy?buyer=Ada+Lovelace", &[key], order);
    send(Method::POST, "/restock", &[("Authorization", &admin), key], "{\"quantity\": 1}");
    send(Method::POST, "/restock", &[("Authorization", "Bearer wrong-token-of-somebody")], "{}");
    let hold = send(Method::POST, "/holds", &[], "{\"quantity\": 1, \"seconds\": 60}");
    let hold = serde_json::from_slice(&hold.body).unwrap_or(Value::Null)["hold"]
        .as_str()
        .unwrap_or("hold-token-of-somebody")
        .to_owned();
    send(Method::POST, &format!("/holds/{hold}/confirm"), &[key], order);
    send(Method::DELETE, &format!("/holds/{hold}"), &[], "");
    for path in ["", "/admit", "/"] {
        send(Method::POST, &format!("/receipts/{receipt}{path}"), &[("Authorization", &admin)], "");
    }
    send(Method::GET, &format!("/receipts/{receipt}"), &[], "");
    send(Method::GET, &format!("/receipts/{receipt}?token={TOKEN}"), &[], "");
    send(Method::DELETE, &format!("/receipts/{receipt}"), &[("Authorization", &admin)], "");
    send(Method::GET, "/sales?buyer=Ada+Lovelace", &[("Authorization", &admin)], "");
    send(Method::GET, &format!("/{receipt}"), &[("Host", "evil.example")], "");
    let referer = format!("http://localhost/receipts/{receipt}");
    send(Method::GET, "/search", &[("Referer", &referer), ("Cookie", &admin)], "");
    let others = ["key-of-order-4711", TOKEN, "wrong-token-of-somebody", "Lovelace"];
    let secrets = others.map(str::to_owned).into_iter().chain([receipt, hold]);
    (secrets.collect(), asked)
}

#[test]
fn refused_host_is_told_once_with_the_flag_that_allows_it() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let ask = |host: &str| {
        let head = format!("GET /search HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(RawRequest::send(server.address(), head).answer().status, 421);
    };

    ask("shop.example");
    ask("shop.example:8080");
    ask("SHOP.example");
    let page = server.request(Method::POST, "/buy").header("Origin", "https://page.example");
    assert_eq!(Answer::to(page).status, 403);
    ask("a\"b");

    let stderr = server.terminate().stderr;
    let told: Vec<_> = stderr.lines().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(told.len(), 2, "{stderr}");
    assert!(told[0].contains("`--allow-host shop.example`"), "{stderr}");
    assert!(told[1].contains("`--allow-host page.example`"), "{stderr}");
}

#[test]
fn client_that_makes_up_hosts_does_not_fill_the_log() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for number in 0..200 {
        let request = server.request(Method::GET, "/search");
        Answer::to(request.header("Host", format!("host-{number}.example")));
    }

    let stderr = server.terminate().stderr;
    let told = stderr.lines().filter(|line| line.contains("--allow-host")).count();
    assert_eq!(told, 64, "{stderr}");
}

#[test]
fn end_of_a_failed_start_is_an_object_too() {
    let nowhere = Counter::missing();

    let failed = server().args(["--log-format", "json", "--db"]).arg(nowhere.path()).run();

    let lines = lines_of(&failed.stderr);
    let last = lines.last().expect("a line");
    assert_eq!(last["level"], "ERROR", "{}", failed.stderr);
    assert!(last["hint"].as_str().is_some_and(|hint| hint.contains("--init")), "{last}");
}

/// A server whose standard error is a pipe that the test reads where it wants to.
struct Unread {
    process: Process,
    client: Client,
    address: String,
    log: BufReader<File>,
}

#[track_caller]
fn serve_unread(counter: &Counter, arguments: &[&str]) -> Unread {
    let pipe = counter.folder().join("log");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("the test's own folder");
    let program = Program::new("sh").args(["-c", "pipe=$1; shift; exec \"$@\" 2> \"$pipe\"", "sh"]);
    let program = program.arg(&pipe).arg(server().path()).arg("--db").arg(counter.path());
    let process = program.args(["--listen", "127.0.0.1:0"]).args(arguments).start();
    let mut log = BufReader::new(File::open(pipe).expect("it is there"));
    let url = loop {
        let line = next_line(&mut log).expect("the server comes up");
        if let Some(url) = line.strip_prefix("listening on ") {
            break url.to_owned();
        }
    };
    let address = url.strip_prefix("http://").expect("a URL").to_owned();
    Unread { process, client: Client::new(&url), address, log }
}

/// The next line of a log; `None` behind the last one.
#[track_caller]
fn next_line(log: &mut BufReader<File>) -> Option<String> {
    let mut line = String::new();
    log.read_line(&mut line).expect("text in UTF-8");
    (!line.is_empty()).then(|| line.strip_suffix('\n').expect("a whole line").to_owned())
}

impl Unread {
    /// Asks until the pipe is full, the room for lines is taken, and some were dropped.
    #[track_caller]
    fn fill(&self) -> u64 {
        let id = "x".repeat(64);
        eventually("a log without room", || {
            for _ in 0..100 {
                let request = self.client.request(Method::GET, "/search");
                assert_eq!(Answer::to(request.header("X-Request-Id", &id)).status, 200);
            }
            let metrics = self.client.get("/metrics").text();
            let told = metrics.lines().find_map(|line| {
                line.strip_prefix("tickets_log_lines_dropped_total ")?.parse().ok()
            });
            told.filter(|dropped| *dropped > 0)
        })
    }
}

#[test]
fn log_that_nobody_reads_keeps_nobody_waiting_and_says_so_once_it_is_read() {
    let counter = Counter::with(100);
    let mut server = serve_unread(&counter, &["--access-log", "--log-format", "json"]);
    let dropped = server.fill();

    // A sale that says something of what others have written, with the locks of the counter.
    counter.change_count(-1);
    assert_eq!(server.client.buy().status, 201);
    drop(OutsideLock::take(&counter));

    let mut dropped_by_then = 0;
    while dropped_by_then < dropped {
        let line = next_line(&mut server.log).expect("it goes on");
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        let message = line["message"].as_str().expect("words");
        if let Some(told) = message.strip_prefix("lines of the log were lost, ") {
            dropped_by_then =
                told.split(' ').next().and_then(|number| number.parse().ok()).unwrap();
        }
    }
    assert_eq!(server.client.buy().status, 201);
    server.process.signal(Signal::TERM);
    let mut last = None;
    while let Some(line) = next_line(&mut server.log) {
        last = Some(line);
    }
    assert!(last.expect("lines").contains("draining"));
    assert_eq!(server.process.finish(PATIENCE).code, Some(0));
}

#[test]
fn log_that_nobody_reads_keeps_no_server_from_ending() {
    let counter = Counter::with(100);
    let server = serve_unread(&counter, &["--access-log"]);
    server.fill();
    server.process.signal(Signal::TERM);
    assert_eq!(server.process.finish(PATIENCE).code, Some(0));

    let counter = Counter::with(100);
    let slow = ["--event-loops", "1", "--locking", "none", "--write-delay", "1h", "--access-log"];
    let server = serve_unread(&counter, &slow);
    server.fill();
    let _buys = [RawRequest::buy(&server.address), RawRequest::buy(&server.address)];
    // With one event loop, an answer to a later request says that these were read.
    assert_eq!(server.client.get("/livez").status, 200);
    server.process.signal(Signal::TERM);
    // Signals of one kind that nobody has taken yet are one.
    server.process.signal(Signal::INT);
    assert_eq!(server.process.finish(PATIENCE).code, Some(130));
}
