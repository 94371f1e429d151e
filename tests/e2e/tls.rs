//! A server that speaks TLS itself: `--tls-cert` and `--tls-key`.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use e2e::{Certificate, Counter, Finished, Program, RawRequest, Server, Signal, eventually};
use serde_json::Value;

use crate::{
    problem::assert_problem,
    programs::{loadgen, serve, serve_with, server},
    sales::assert_conserved,
};

/// How long the server leaves a handshake open, and a second.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(11);

#[track_caller]
fn serve_over_tls(counter: &Counter, certificate: &Certificate) -> Server {
    Server::start(server().args(certificate.flags()), counter)
}

/// `curl`, which trusts `certificate` alone.
fn curl(server: &Server, certificate: &Certificate, path: &str) -> Program {
    let url = format!("https://localhost:{}{path}", port(server));
    let curl = Program::new("curl").args(["-sS", "--noproxy", "*", "--max-time", "20"]);
    curl.arg("--cacert").arg(certificate.chain()).arg(url)
}

fn port(server: &Server) -> &str {
    server.address().rsplit(':').next().expect("an address has a port")
}

#[track_caller]
fn json(finished: &Finished) -> Value {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("no JSON: {finished:?}"))
}

#[test]
fn tickets_are_sold_over_tls() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let server = serve_over_tls(&counter, &certificate);
    assert!(server.stderr().contains("listening on https://127.0.0.1:"), "{}", server.stderr());

    let bought = json(&curl(&server, &certificate, "/buy").args(["-X", "POST"]).run());
    assert_eq!(bought["tickets"], serde_json::json!([1]));
    let ordered = curl(&server, &certificate, "/buy").args(["--json", "{\"quantity\": 2}"]).run();
    assert_eq!(json(&ordered)["tickets"], serde_json::json!([2, 3]));
    let live = curl(&server, &certificate, "/live").args(["-N", "--max-time", "1"]).run();
    assert!(live.stdout.contains("\"count\":97"), "{live:?}");
    assert_conserved(&counter, 100, 3);
    assert_eq!(server.terminate().code, Some(0));
}

#[test]
fn crowd_buys_over_tls_and_the_judge_finds_nothing() {
    let (counter, certificate) = (Counter::with(300), Certificate::of_loopback());
    let server = serve_over_tls(&counter, &certificate);

    for reuse in [&[][..], &["--disable-keepalive"]] {
        let url = format!("https://localhost:{}", port(&server));
        let load = loadgen().args(["run", &url, "-c", "20", "-n", "200", "--json"]).args(reuse);
        let load = load.env("SSL_CERT_FILE", certificate.chain()).without_env("SSL_CERT_DIR");
        let result = json(&load.run());
        assert_eq!(result["verdict"], "valid", "{result}");
    }
    assert_eq!(counter.count(), 0);
}

#[test]
fn every_usual_kind_of_key_is_taken() {
    let counter = Counter::with(100);
    for (kind, form) in [
        (&["rsa:2048"][..], &["pkey"][..]),
        (&["rsa:2048"], &["rsa", "-traditional"]),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], &["pkey"]),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], &["ec"]),
        (&["ed25519"], &["pkey"]),
    ] {
        let certificate = Certificate::of_loopback_with(kind);
        let in_form = Program::new("openssl").args(form).arg("-in").arg(certificate.key()).run();
        assert_eq!(in_form.code, Some(0), "{kind:?}, {form:?}: {in_form:?}");
        fs::write(certificate.key(), &in_form.stdout).expect("the test's own file");
        let server = serve_over_tls(&counter, &certificate);

        let found = curl(&server, &certificate, "/search").run();
        assert_eq!(json(&found)["count"], 100, "{kind:?}, {form:?}");
    }
}

#[test]
fn whole_chain_is_sent() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let other = Certificate::of_loopback();
    let both =
        [certificate.chain(), other.chain()].map(|path| fs::read_to_string(path).expect("PEM"));
    fs::write(certificate.chain(), both.concat()).expect("the test's own file");
    let server = serve_over_tls(&counter, &certificate);

    let shown = Program::new("openssl").args(["s_client", "-showcerts", "-connect"]);
    let shown = shown.arg(server.address()).run();
    assert_eq!(shown.stdout.matches("BEGIN CERTIFICATE").count(), 2, "{shown:?}");
}

#[test]
fn files_that_cannot_be_used_are_refused_by_flag_and_name() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let other = Certificate::of_loopback();
    let place = |name: &str| certificate.folder().join(name);
    let (empty, locked, broken) = (place("empty.pem"), place("locked.pem"), place("broken.pem"));
    fs::write(&empty, "").expect("the test's own file");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .expect("so");
    let encrypted =
        Program::new("openssl").args(["pkey", "-aes256", "-passout", "pass:secret", "-in"]);
    let encrypted = encrypted.arg(certificate.key()).arg("-out").arg(&locked).run();
    assert_eq!(encrypted.code, Some(0), "{encrypted:?}");
    let (chain, key) = (certificate.chain(), certificate.key());

    for (chain, key, flag, words) in [
        (place("none.pem").as_path(), key.as_path(), "--tls-cert", "none.pem: No such file"),
        (&chain, &place("none.pem"), "--tls-key", "none.pem: No such file"),
        (&empty, &key, "--tls-cert", "there is no certificate in it"),
        (&chain, &empty, "--tls-key", "there is no private key in it"),
        (&chain, &locked, "--tls-key", "openssl pkey"),
        (&key, &chain, "--tls-cert", "there is no certificate in it"),
        (&chain, &other.key(), "--tls-key", "not the key of the certificate in"),
        (&broken, &key, "--tls-cert", "broken.pem"),
    ] {
        let files = [Path::new("--tls-cert"), chain, Path::new("--tls-key"), key];
        let refusal = server().args(files).arg("--db").arg(counter.path()).run();

        assert_eq!(refusal.code, Some(1), "{words}: {refusal:?}");
        assert!(refusal.stderr.contains(flag), "{flag}: {}", refusal.stderr);
        assert!(refusal.stderr.contains(words), "{words}: {}", refusal.stderr);
    }
    for flags in [&certificate.flags()[..2], &certificate.flags()[2..]] {
        let refusal = server().args(flags).arg("--db").arg(counter.path()).run();
        assert_eq!(refusal.code, Some(2), "{refusal:?}");
        assert!(refusal.stderr.contains("--tls-cert") && refusal.stderr.contains("--tls-key"));
    }
}

#[test]
fn secrets_that_everybody_may_read_are_warned_of() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let token = certificate.folder().join("token");
    fs::write(&token, "a-long-secret-of-the-operator\n").expect("the test's own file");
    let with_modes = |mode| {
        for path in [certificate.key(), token.clone()] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its own file");
        }
        let flags = certificate.flags();
        Server::start(server().args(flags).arg("--admin-token-file").arg(&token), &counter).stderr()
    };

    let told = with_modes(0o644);
    for flag in ["--tls-key", "--admin-token-file"] {
        let warned = told.lines().any(|line| line.contains("WARN") && line.contains(flag));
        assert!(warned && told.contains("chmod 600"), "{flag}: {told}");
    }
    assert!(!with_modes(0o640).contains("WARN"), "a group may read them");
}

#[test]
fn certificate_is_read_again_at_sighup_and_a_bad_one_is_refused() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let (old, new) = (Certificate::of_loopback(), Certificate::of_loopback());
    old.replace_by(&certificate);
    let server = serve_over_tls(&counter, &certificate);
    let is_served = |trusted: &Certificate| curl(&server, trusted, "/search").run().code == Some(0);
    assert!(is_served(&old) && !is_served(&new));

    fs::copy(new.chain(), certificate.chain()).expect("the test's own files");
    server.signal(Signal::HUP);
    eventually("the refusal", || server.stderr().contains("old certificate stays").then_some(()));
    assert!(server.stderr().contains("not the key of the certificate"), "{}", server.stderr());
    assert!(is_served(&old) && !is_served(&new));

    certificate.replace_by(&new);
    server.signal(Signal::HUP);
    eventually("the certificate", || server.stderr().contains("certificate again").then_some(()));
    assert!(is_served(&new) && !is_served(&old));
    assert_eq!(server.terminate().code, Some(0));
}

#[test]
fn sighup_without_tls_ends_nothing_and_says_so() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    server.signal(Signal::HUP);

    eventually("a word", || server.stderr().contains("nothing to read again").then_some(()));
    assert_eq!(server.buy().status, 201);
    assert_eq!(server.terminate().code, Some(0));
}

/// Whoever closes the window of a terminal ends what was started in it.
#[test]
fn server_whose_terminal_is_gone_ends() {
    const CLOSE_THE_TERMINAL: &str = "
import os, pty, sys
process, terminal = pty.fork()
if process == 0:
    os.execv(sys.argv[1], sys.argv[1:])
told = b''
while b'\\n' not in told.partition(b'listening on')[2]:
    told += os.read(terminal, 1024)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
";
    let counter = Counter::with(100);
    let terminal = Program::new("python3").args(["-c", CLOSE_THE_TERMINAL]).arg(server().path());

    let ended = terminal.args(["--listen", "127.0.0.1:0", "--db"]).arg(counter.path()).run();

    assert_eq!(ended.stdout.trim(), "0", "{ended:?}");
}

#[test]
fn http_in_the_clear_is_answered_with_the_way_out() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let logging = server().args(certificate.flags()).args(["--access-log", "--log-format", "json"]);
    let server = Server::start(logging, &counter);

    let refused = RawRequest::buy(server.address()).answer();

    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.text().contains("https://"), "{}", refused.text());
    assert_eq!(counter.count(), 100);
    let metrics = curl(&server, &certificate, "/metrics").run().stdout;
    let counted = r#"http_request_duration_seconds_count{route="/buy",status="4xx"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    let log = server.terminate().stderr;
    let line = log.lines().find(|line| line.contains("\"/buy\"")).expect("a line of it");
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((&line["message"], &line["status"]), (&"request".into(), &400.into()), "{line}");
}

#[test]
fn handshakes_that_are_not_gone_on_with_keep_nobody_waiting_and_end() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let server = serve_over_tls(&counter, &certificate);

    let started = Instant::now();
    // The head of a record of 512 bytes, which do not come.
    let begun = || RawRequest::send(server.address(), [22, 3, 1, 2, 0, 1, 0]);
    let mut stuck = (0..50).map(|_| begun()).collect::<Vec<_>>();
    let silent = (0..50).map(|_| TcpStream::connect(server.address())).collect::<Vec<_>>();
    let bought = json(&curl(&server, &certificate, "/buy").args(["-X", "POST"]).run());
    assert_eq!(bought["tickets"], serde_json::json!([1]));
    assert!(started.elapsed() < HANDSHAKE_LIMIT, "{:?}", started.elapsed());

    stuck.drain(..).for_each(|one| one.wait_for_the_end());
    assert!(
        started.elapsed() < HANDSHAKE_LIMIT + Duration::from_secs(9),
        "{:?}",
        started.elapsed()
    );
    drop(silent);
}

#[test]
fn page_that_came_over_tls_buys_and_one_in_the_clear_does_not() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let server = serve_over_tls(&counter, &certificate);
    let buy_from = |origin: String| {
        let buy = curl(&server, &certificate, "/buy").args(["-X", "POST", "-w", "%{http_code}"]);
        let bought = buy.args(["-H", &format!("Origin: {origin}")]).run();
        bought.stdout[bought.stdout.len() - 3..].to_owned()
    };

    assert_eq!(buy_from(format!("https://localhost:{}", port(&server))), "201");
    assert_eq!(buy_from(format!("http://localhost:{}", port(&server))), "403");
    assert_eq!(buy_from("https://evil.example".to_owned()), "403");
    assert_eq!(counter.count(), 99);
}

/// Beside TLS: what is refused in the clear is refused by the same words.
#[test]
fn host_that_is_not_allowed_is_misdirected_over_tls_too() {
    let (counter, certificate) = (Counter::with(100), Certificate::of_loopback());
    let server = serve_over_tls(&counter, &certificate);
    let in_the_clear = serve_with(&counter, &[]);

    let refused = curl(&server, &certificate, "/search").args(["-H", "Host: shop.example"]).run();

    assert_eq!(json(&refused)["type"], "/problems/wrong-host");
    let clear = in_the_clear.request(e2e::Method::GET, "/search").header("Host", "shop.example");
    assert_problem(&in_the_clear, &e2e::Answer::to(clear), 421, "wrong-host");
}
