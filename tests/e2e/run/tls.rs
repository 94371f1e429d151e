//! `loadgen run https://…`: a shop behind TLS, and whom the run trusts.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
};

use e2e::{Counter, Finished, Program, SERVER, Stub, TlsFront};

use super::{
    bad_servers::sold,
    measured::{number, result, run},
};
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
fn connection_over_tls_is_used_again_until_the_shop_closes_it() {
    let counter = Counter::with(60);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());
    let closing = Stub::start(|mut stream| {
        let mut request = [0; 1024];
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            stream.write_all(sold("").as_bytes()).ok();
        }
    });
    let closing = TlsFront::before(closing.url().trim_start_matches("http://"));

    let kept = run(&front.url()).args(["-k", "-c", "4", "-n", "100"]).run();
    let load = run(&closing.url()).args(["-k", "-c", "1", "-q", "5", "-n", "4"]);
    let opened_anew = load.run();

    // Four clients, and the looks before and after.
    assert_eq!(kept.code, Some(0), "{kept:?}");
    assert_eq!(front.connections(), 6);
    let result = result(&opened_anew);
    assert_eq!(number(&result["outcomes"]["sold"]), 4, "{result}");
}

#[test]
fn certificate_that_nobody_vouches_for_is_refused_unless_anybody_is_trusted() {
    let counter = Counter::with(60);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());
    let stranger = TlsFront::before(server.address());

    let doubting = trusting(&front, stranger.certificate()).run();
    let trusting = trusting(&front, stranger.certificate()).arg("--insecure").run();

    assert_refused(&doubting, ["its certificate is not trusted: no authority", "SSL_CERT_FILE"]);
    assert_eq!(trusting.code, Some(0), "{trusting:?}");
    assert_eq!(number(&result(&trusting)["outcomes"]["sold"]), 60);
}

#[test]
fn certificate_must_be_a_server_s_and_for_the_name_that_was_asked_for() {
    let counter = Counter::with(60);
    let server = serve(&counter);
    let both = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    for (extensions, host, words) in [
        (&["subjectAltName=DNS:shop.test", SERVER][..], "localhost", "it is for another name"),
        (&["subjectAltName=DNS:localhost", SERVER], "127.0.0.1", "it is for another name"),
        (&[both, "basicConstraints=critical,CA:TRUE"], "localhost", "it is an authority's own"),
    ] {
        let front = TlsFront::with(server.address(), extensions, "verify=0");
        let url = front.url().replace("localhost", host);
        let load = run(&url).args(["-c", "1", "-n", "1"]).env("SSL_CERT_FILE", front.certificate());

        let finished = load.without_env("SSL_CERT_DIR").run();

        assert_refused(&finished, [words, "hint: trust anybody with `-k`"]);
        let finished = run(&url).args(["-k", "-c", "1", "-n", "1"]).run();
        assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 1, "{finished:?}");
    }
    let front = TlsFront::before(server.address());
    let url = front.url().replace("localhost", "127.0.0.1");
    let finished =
        run(&url).args(["-c", "1", "-n", "1"]).env("SSL_CERT_FILE", front.certificate()).run();
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 1, "{finished:?}");
}

#[test]
fn shop_that_wants_a_certificate_of_its_buyers_is_named() {
    let counter = Counter::with(60);
    let server = serve(&counter);
    let extensions = ["subjectAltName=DNS:localhost", SERVER];
    let front = TlsFront::with(server.address(), &extensions, "verify=1");

    let finished = run(&front.url()).args(["-k", "-c", "2", "-n", "4"]).run();

    // With TLS 1.3 it says so only once the client is done.
    let result = result(&finished);
    assert_eq!(number(&result["outcomes"]["sold"]), 0, "{result}");
    assert!(result["causes"].to_string().contains("CertificateRequired"), "{result}");
}

#[test]
fn file_without_authorities_is_named() {
    let counter = Counter::with(1);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());

    let finished = trusting(&front, "/dev/null".into()).run();

    assert_refused(&finished, ["`SSL_CERT_FILE`: there is no certificate in `/dev/null`", "PEM"]);
}

#[test]
fn machine_without_authorities_is_told_what_to_do() {
    let counter = Counter::with(1);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());

    let load = run(&front.url()).without_env("SSL_CERT_FILE");
    let finished = load.env("SSL_CERT_DIR", counter.folder()).run();

    assert_refused(&finished, ["no certificate authority", "`ca-certificates`"]);
}

#[test]
fn tls_to_a_plain_port_is_named() {
    let counter = Counter::with(1);
    let server = serve(&counter);

    let url = format!("https://{}", server.address());
    let finished = run(&url).args(["-k", "-c", "1", "-n", "1"]).run();

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
fn plain_http_to_a_tls_port_sells_nothing() {
    let counter = Counter::with(1);
    let server = serve(&counter);
    let front = TlsFront::before(server.address());

    let finished = run(&format!("http://{}", front.address())).args(["-c", "1", "-n", "1"]).run();

    // It is answered in TLS or cut, and goes on to its end either way.
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 0);
    assert_eq!(counter.count(), 1);
}
