//! `loadgen run https://…`: a shop behind TLS, and whom the run trusts.

use std::{net::TcpListener, path::PathBuf};

use e2e::{Counter, Finished, Program, TlsFront};

use super::measured::{number, result, run};
use crate::programs::serve;

/// Ten clients buy a hundred times through `front`, trusting what `certificate` holds.
fn trusting(front: &TlsFront, certificate: PathBuf) -> Program {
    let load = run(&front.url()).args(["-c", "10", "-n", "100"]);
    load.env("SSL_CERT_FILE", certificate).without_env("SSL_CERT_DIR")
}

fn assert_refused(finished: &Finished, words: [&str; 2]) {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for words in words {
        assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
    }
}

#[test]
fn shop_behind_tls_is_bought_from_in_every_mode() {
    for arguments in [
        &["--mode", "task"][..],
        &["--mode", "thread"],
        &["--mode", "process", "--workers", "3"],
        &["--disable-keepalive"],
    ] {
        let counter = Counter::with(60);
        let server = serve(&counter);
        let front = TlsFront::before(server.address());

        let finished = trusting(&front, front.certificate()).args(arguments).run();

        assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
        let result = result(&finished);
        assert_eq!(result["verdict"], "valid", "{arguments:?}: {result}");
        assert_eq!(number(&result["outcomes"]["sold"]), 60, "{arguments:?}: {result}");
        assert_eq!(counter.count(), 0);
    }
}

#[test]
fn certificate_that_nobody_vouches_for_is_refused_unless_anybody_is_trusted() {
    let counter = Counter::with(60);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());
    let stranger = TlsFront::before(server.address());

    let doubting = trusting(&front, stranger.certificate()).run();
    let trusting = trusting(&front, stranger.certificate()).arg("--insecure").run();

    assert_refused(&doubting, ["its certificate is not trusted", "`-k`"]);
    assert_eq!(trusting.code, Some(0), "{trusting:?}");
    assert_eq!(number(&result(&trusting)["outcomes"]["sold"]), 60);
}

#[test]
fn machine_without_authorities_is_told_what_to_do() {
    let counter = Counter::with(1);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());

    let finished = trusting(&front, "/dev/null".into()).run();

    assert_refused(&finished, ["no certificate authority", "`ca-certificates`"]);
}

#[test]
fn tls_to_a_plain_port_is_named() {
    let counter = Counter::with(1);
    let server = serve(&counter);

    let url = format!("https://{}", server.address());
    let finished = run(&url).args(["-k", "-n", "1"]).run();

    assert_refused(&finished, ["no TLS there", "hint: for a shop without TLS write `http://`"]);
    assert_eq!(counter.count(), 1);
}

#[test]
fn tls_to_a_server_that_says_nothing_is_given_up_at_the_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", silent.local_addr().expect("an address"));

    let finished = run(&url).args(["-k", "-t", "300ms"]).run();

    assert_refused(&finished, ["no connection within 300ms", "hint:"]);
}

#[test]
fn plain_http_to_a_tls_port_is_named() {
    let counter = Counter::with(1);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());

    let finished = run(&format!("http://{}", front.address())).args(["-n", "1"]).run();

    // It may be cut instead of answered: nothing can be sold either way.
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 0);
    assert_eq!(counter.count(), 1);
}
