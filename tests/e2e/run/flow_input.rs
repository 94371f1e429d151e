//! What a map and a shop can get wrong between them: each is named with the map's line and the call, and
//! nothing is bought after it.

use std::{
    fs,
    io::{BufReader, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use e2e::{Finished, Program, Stub, StubRequest, read_request};

use super::measured::run;
use crate::programs::loadgen;

const MAP: &str = r#"
[search]
path = "/left"
remaining = "/left"

[[buy.step]]
path = "/cart"
json = { seats = 1 }
take = { cart = "/id" }

[buy]
path = "/buy/${cart}"
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409] }
"#;

const LEFT: (&str, &str) = ("200 OK", r#"{"left": 30}"#);

/// A shop that answers the cart so, and how often it was asked to sell.
fn shop(
    cart: impl Fn(&StubRequest) -> (&'static str, String) + Send + Sync + 'static,
) -> (Stub, Arc<AtomicU64>) {
    let bought = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&bought);
    let stub = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => (LEFT.0, LEFT.1.to_owned()),
        call if call.starts_with("POST /buy") => {
            count.fetch_add(1, Ordering::SeqCst);
            ("201 Created", format!(r#"{{"seat": {}}}"#, count.load(Ordering::SeqCst)))
        }
        _ => cart(request),
    });
    (stub, bought)
}

/// `program` with this map, and other files beside it.
#[track_caller]
fn with_map(program: Program, map: &str, files: &[(&str, &str)]) -> Finished {
    let folder = tempfile::Builder::new().prefix("my shop").tempdir().expect("a temporary folder");
    for (name, text) in [("shop.toml", map)].iter().chain(files) {
        fs::write(folder.path().join(name), text).expect("the folder is the test's own");
    }
    program.arg("--map").arg(folder.path().join("shop.toml")).run()
}

/// Ends with exit code 2, says all of this, and has bought so often.
#[track_caller]
fn assert_is_named(finished: &Finished, bought: u64, most: u64, said: &[&str]) {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for said in said {
        assert!(finished.stderr.contains(said), "no {said}: {}", finished.stderr);
    }
    assert_eq!(bought, most, "{finished:?}");
}

#[track_caller]
fn sixty(
    cart: impl Fn(&StubRequest) -> (&'static str, String) + Send + Sync + 'static,
    map: &str,
    files: &[(&str, &str)],
) -> (Finished, u64) {
    let (stub, bought) = shop(cart);
    let finished = with_map(run(&stub.url()).args(["-c", "8", "-n", "60"]), map, files);
    (finished, bought.load(Ordering::SeqCst))
}

#[test]
fn value_that_no_answer_gave() {
    let (finished, bought) = sixty(|_| ("201 Created", r#"{"no": 1}"#.to_owned()), MAP, &[]);
    let call = "shop.toml`:6: `buy.step[1]` (`POST /cart`)";
    let cause = "`buy.step[1].take.cart`: nothing stands at `/id`";
    // It can be pasted: the folder has a space in its name.
    let hint = ["`loadgen try http://", " --map '/"];
    assert_is_named(&finished, bought, 0, &[call, cause, r#"{"no": 1}"#, hint[0], hint[1]]);
}

#[test]
fn value_from_a_body_that_is_no_json() {
    let (finished, bought) = sixty(|_| ("200 OK", "<h1>Cart</h1>".to_owned()), MAP, &[]);
    assert_is_named(&finished, bought, 0, &["its answer is none", "<h1>Cart</h1>"]);
}

#[test]
fn circle_of_redirects() {
    let answer = |request: &StubRequest| match request.call.as_str() {
        "POST /cart" => ("302 Found\r\nLocation: /a", String::new()),
        "GET /a" => ("302 Found\r\nLocation: /b", String::new()),
        _ => ("302 Found\r\nLocation: /a", String::new()),
    };
    let (finished, bought) = sixty(answer, MAP, &[]);
    assert_is_named(&finished, bought, 0, &["`buy.step[1]`", "in a circle: /b → /a → /b"]);
}

#[test]
fn redirect_to_another_host() {
    let answer = |_: &StubRequest| ("303 See Other\r\nLocation: http://pay.test/x", String::new());
    let (finished, bought) = sixty(answer, MAP, &[]);
    assert_is_named(&finished, bought, 0, &["`buy.step[1]`", "another host, `http://pay.test:80`"]);
}

#[test]
fn cookie_for_another_host() {
    let cookie = "200 OK\r\nSet-Cookie: session=s3cret; Domain=pay.test";
    let (finished, bought) = sixty(move |_| (cookie, r#"{"id": 7}"#.to_owned()), MAP, &[]);
    assert_is_named(&finished, bought, 0, &["`session`", "`pay.test`", "`buy.step[1]`"]);
    assert!(!finished.stderr.contains("s3cret"), "{finished:?}");
}

#[test]
fn errors_of_graphql_with_a_good_status() {
    let map = MAP.replace("json = { seats = 1 }", "graphql = 'mutation { cart }'");
    let answer = r#"{"errors": [{"message": "no such field"}], "id": 7}"#;
    let (finished, bought) = sixty(move |_| ("200 OK", answer.to_owned()), &map, &[]);
    assert_is_named(&finished, bought, 0, &["has `errors`", "no such field"]);
}

#[test]
fn buyers_that_are_none_or_too_few() {
    let map = format!("buyers = \"buyers.csv\"\n{MAP}");
    for (buyers, said) in [
        (
            "email,password\na@x,s3cret\nb@x\n",
            "buyers.csv`:3: expected as many fields as the first line names, 2, and there are 1",
        ),
        (
            "email,password\na@x,s3cret\n",
            "`buyers.csv` has fewer buyers (1) than there are clients (8)",
        ),
        ("email,key\na@x,s3cret\n", "a column is called `key`"),
    ] {
        let files = [("buyers.csv", buyers)];
        let (finished, bought) = sixty(|_| ("200 OK", r#"{"id": 7}"#.to_owned()), &map, &files);
        assert_is_named(&finished, bought, 0, &[said]);
        assert!(!finished.stderr.contains("s3cret"), "{finished:?}");
    }
}

#[test]
fn secret_in_an_answer_is_shown_by_its_name() {
    let map = format!("buyers = \"buyers.csv\"\n{MAP}")
        .replace("seats = 1", "seats = 1, token = '${env:SHOP_TOKEN}', who = '${password}'");
    let echo = |request: &StubRequest| ("403 Forbidden", format!("not you: {}", request.body));
    let (stub, bought) = shop(echo);
    let files = [("buyers.csv", "password\nhunter2\n")];

    let load = run(&stub.url()).args(["-c", "1", "-n", "60"]).env("SHOP_TOKEN", "s3cret");
    let finished = with_map(load, &map, &files);

    let said = ["status 403", "${env:SHOP_TOKEN}", "${password}"];
    assert_is_named(&finished, bought.load(Ordering::SeqCst), 0, &said);
    for secret in ["s3cret", "hunter2"] {
        assert!(!finished.stderr.contains(secret), "{finished:?}");
    }
    let finished = with_map(run(&stub.url()).without_env("SHOP_TOKEN"), &map, &files);
    assert_is_named(&finished, 0, 0, &["no variable `SHOP_TOKEN`"]);
}

/// A token behind `-H` stands in no map, and is as secret.
#[test]
fn secret_of_the_command_line_in_an_answer_is_shown_by_its_name() {
    let echo = |request: &StubRequest| ("403 Forbidden", format!("not you: {:?}", request.fields));
    let one_call = MAP.split_once("[[buy.step]]").expect("it has a step").0.to_owned()
        + "[buy]\npath = '/cart'\nsold = { status = [201] }\nsold_out = { status = [409] }\n";
    let field = ["-H", "Authorization: Bearer ${env:SHOP_TOKEN}", "-n", "60"];
    for map in [MAP, &one_call] {
        let (stub, bought) = shop(echo);
        let load = run(&stub.url()).args(field).env("SHOP_TOKEN", "s3cret-of-mine");
        let finished = with_map(load, map, &[]);
        let said = ["status 403", "Bearer ${env:SHOP_TOKEN}"];
        assert_is_named(&finished, bought.load(Ordering::SeqCst), 0, &said);
        assert!(!finished.stderr.contains("s3cret-of-mine"), "{finished:?}");

        let rehearsal = loadgen().args(["try", &stub.url(), "--buy"]).args(&field[..2]);
        let rehearsed = with_map(rehearsal.env("SHOP_TOKEN", "s3cret-of-mine"), map, &[]);
        assert!(!rehearsed.stdout.contains("s3cret-of-mine"), "{rehearsed:?}");
        assert!(rehearsed.stdout.contains("${env:SHOP_TOKEN}"), "{rehearsed:?}");
    }
    let stub = Stub::http(move |request| echo(request));
    let finished = run(&stub.url()).args(field).env("SHOP_TOKEN", "s3cret-of-mine").run();
    assert_is_named(&finished, 0, 0, &["status 403", "Bearer ${env:SHOP_TOKEN}"]);
    assert!(!finished.stderr.contains("s3cret-of-mine"), "{finished:?}");
}

/// What a sale gives for its refund lets somebody have it back.
#[test]
fn secret_that_the_last_answer_gives_is_shown_by_its_name() {
    let map = MAP.replace("[buy]\n", "[buy]\ntake = { receipt = '/receipt' }\n")
        + "\n[refund]\npath = '/refund/${receipt}'\n";
    const SECRET: &str = "of-the-sale-4711";
    let say = |status: &'static str| {
        Stub::http(move |request| match request.call.as_str() {
            "GET /left" => (LEFT.0, LEFT.1.to_owned()),
            "POST /cart" => ("200 OK", r#"{"id": 7}"#.to_owned()),
            _ => (status, format!(r#"{{"seat": 1, "receipt": "{SECRET}", "mail": "<{SECRET}>"}}"#)),
        })
    };
    // Told by no rule, and by one.
    for status in ["200 OK", "201 Created"] {
        let shop = say(status);
        let rehearsal = loadgen().args(["try", &shop.url(), "--buy"]);
        let rehearsed = with_map(rehearsal, &map, &[]);
        assert!(rehearsed.stdout.contains("<${receipt}>"), "{rehearsed:?}");
        assert!(!rehearsed.stdout.contains(SECRET), "{rehearsed:?}");
    }
    let finished = with_map(run(&say("200 OK").url()).args(["-n", "60"]), &map, &[]);
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("<${receipt}>"), "{finished:?}");
    assert!(!finished.stderr.contains(SECRET), "{finished:?}");
    // Alone, so that there is no trial, and the answer stands in the result.
    let finished = with_map(run(&say("200 OK").url()).args(["-c", "1", "-n", "1"]), &map, &[]);
    assert!(finished.stderr.contains("<${receipt}>"), "{finished:?}");
    assert!(!finished.stderr.contains(SECRET), "{finished:?}");
}

#[test]
fn login_that_fails() {
    let map = format!("[[before]]\npath = '/login'\nform = {{ a = 'b' }}\n{MAP}");
    let (finished, bought) = sixty(|_| ("401 Unauthorized", "who?".to_owned()), &map, &[]);
    assert_is_named(&finished, bought, 0, &["`before[1]` (`POST /login`): status 401", "who?"]);
    // A login is tried without a purchase.
    assert!(!finished.stderr.contains("--buy"), "{}", finished.stderr);
    let (finished, _) = sixty(|_| ("401 Unauthorized", "who?".to_owned()), MAP, &[]);
    assert!(finished.stderr.contains("--buy"), "{}", finished.stderr);
}

/// A gigabyte, told of in advance and not.
#[test]
fn answer_without_an_end() {
    for (field, is_flow) in [
        ("Content-Length: 1073741824", true),
        ("Transfer-Encoding: chunked", true),
        ("Content-Length: 1073741824", false),
        ("Transfer-Encoding: chunked", false),
    ] {
        let stub = Stub::start(move |stream| {
            let mut out = stream.try_clone().expect("a stream can be written while it is read");
            let mut input = BufReader::new(stream);
            while let Some(request) = read_request(&mut input) {
                let whole = |body: &str| {
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                };
                if request.call == "GET /left" {
                    out.write_all(whole(LEFT.1).as_bytes()).ok();
                    continue;
                }
                write!(out, "HTTP/1.1 200 OK\r\n{field}\r\n\r\n").ok();
                let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
                // Until nobody reads any more.
                for _ in 0..16_384 {
                    if out.write_all(chunk.as_bytes()).is_err() {
                        return;
                    }
                }
            }
        });
        let map = match is_flow {
            true => MAP.to_owned(),
            false => MAP.replace("${cart}", "").replace("[[buy.step]]", "[ignored]"),
        };
        let map = match map.split_once("[ignored]") {
            Some((before, behind)) => {
                before.to_owned() + &behind[behind.find("[buy]").expect("it sells")..]
            }
            None => map,
        };

        let finished = with_map(run(&stub.url()).args(["-c", "8", "-n", "60"]), &map, &[]);

        assert_is_named(&finished, 0, 0, &["longer than 1048576 bytes", "nothing more was bought"]);
    }
}

#[test]
fn poll_that_never_ends() {
    let map = MAP.replace(
        "[buy]\n",
        "[buy]\nagain = { status = [201], at = '/at', every = '20ms', within = '300ms' }\n",
    );
    let bought = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&bought);
    let stub = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => (LEFT.0, LEFT.1.to_owned()),
        "POST /cart" => ("200 OK", r#"{"id": 7}"#.to_owned()),
        "POST /buy/7" => {
            count.fetch_add(1, Ordering::SeqCst);
            ("201 Created", r#"{"at": "/jobs/1"}"#.to_owned())
        }
        call => {
            assert_eq!(call, "GET /jobs/1");
            ("201 Created", String::new())
        }
    });

    let finished = with_map(run(&stub.url()).args(["-c", "8", "-n", "60"]), &map, &[]);

    let said = ["`buy` (`POST /buy/${cart}`), asked on at `/jobs/1`: no last answer within 300ms"];
    assert_is_named(&finished, bought.load(Ordering::SeqCst), 1, &said);
}

/// The shop has taken the order, and is gone when it is asked for: nobody knows what became of it.
#[test]
fn order_that_was_taken_by_a_shop_that_is_gone_then_is_unknown() {
    let map =
        MAP.replace("[buy]\n", "[buy]\nagain = { status = [202], at = '/at', every = '300ms' }\n");
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
    let shop = thread::spawn(move || {
        loop {
            let stream = listener.accept().expect("somebody connects").0;
            let mut out = stream.try_clone().expect("a stream can be written while it is read");
            let mut input = BufReader::new(stream);
            while let Some(request) = read_request(&mut input) {
                let (status, body) = match request.call.as_str() {
                    "GET /left" => LEFT,
                    "POST /cart" => ("200 OK", r#"{"id": 7}"#),
                    _ => ("202 Accepted", r#"{"at": "/jobs/1"}"#),
                };
                let length = body.len();
                write!(out, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").ok();
                if status.starts_with("202") {
                    // With the listener, so that nobody is reached any more.
                    return;
                }
            }
        }
    });

    let finished = with_map(run(&url).args(["-c", "1", "-n", "1"]), &map, &[]);

    // First: a shop that was never asked to sell waits for ever.
    assert_eq!(finished.json()["outcomes"]["unknown"], 1, "{finished:?}");
    shop.join().expect("it served to its end");
}

/// What was taken is not undone by a page that is not there.
#[test]
fn order_that_was_taken_and_is_not_found_then_is_unknown() {
    let map =
        MAP.replace("[buy]\n", "[buy]\nagain = { status = [202], at = '/at', every = '20ms' }\n");
    let stub = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => (LEFT.0, LEFT.1.to_owned()),
        "POST /cart" => ("200 OK", r#"{"id": 7}"#.to_owned()),
        "POST /buy/7" => ("202 Accepted", r#"{"at": "/jobs/1"}"#.to_owned()),
        _ => ("404 Not Found", String::new()),
    });
    // Alone, so that there is no trial.
    let finished = with_map(run(&stub.url()).args(["-c", "1", "-n", "1"]), &map, &[]);

    assert_eq!(finished.json()["outcomes"]["unknown"], 1, "{finished:?}");
}

#[test]
fn search_that_says_nothing_and_refusals_of_everything_buy_nothing() {
    for (status, said) in [
        ("401 Unauthorized", "status 401"),
        ("403 Forbidden", "status 403"),
        ("404 Not Found", "status 404"),
        ("200 OK", "does not say what is left"),
    ] {
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let stub = Stub::http(move |request| {
            if request.call.starts_with("POST") {
                count.fetch_add(1, Ordering::SeqCst);
            }
            (status, "<h1>Welcome</h1>".to_owned())
        });
        let finished = with_map(run(&stub.url()), MAP, &[]);

        let said = [said, "nothing was bought", "<h1>Welcome</h1>", "`--initial 100`"];
        assert_is_named(&finished, asked.load(Ordering::SeqCst), 0, &said);
    }
}

#[test]
fn shop_without_a_map_a_map_without_a_shop_and_a_url_with_a_path() {
    let stub = Stub::http(|request| match request.call.as_str() {
        "GET /base/left" => (LEFT.0, LEFT.1.to_owned()),
        _ => ("404 Not Found", "nothing here".to_owned()),
    });
    let finished = run(&stub.url()).run();
    assert_is_named(&finished, 0, 0, &["`--map FILE.toml`", "nothing here", "nothing was bought"]);
    let finished = run(&format!("{}/shop", stub.url())).run();
    assert_is_named(&finished, 0, 0, &["every path begins with the URL's, `/shop`"]);
    let finished = with_map(run("shop.toml"), MAP, &[]);
    assert_is_named(&finished, 0, 0, &["it is a map", "`--map`"]);

    let url = format!("{}/base", stub.url());
    let rehearsed = with_map(loadgen().args(["try", &url]), MAP, &[]);
    assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
    assert!(rehearsed.stdout.contains("every path begins with the URL's, `/base`"));
}
