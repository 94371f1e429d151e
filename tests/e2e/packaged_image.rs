//! The Dockerfile in `server/packaging`: what it starts, and how it looks whether that is well. That it
//! builds is not tried here: images come from where no test goes.

use e2e::{Counter, Program, Server, packaged_text, substituted};

use crate::programs::{serve, server};

/// The words behind `instruction` in the Dockerfile.
#[track_caller]
fn words_of(instruction: &str) -> Vec<String> {
    let text = packaged_text("Dockerfile");
    let line = text.lines().find_map(|line| line.strip_prefix(instruction));
    let line = line.unwrap_or_else(|| panic!("no `{instruction}` in:\n{text}"));
    serde_json::from_str(line).unwrap_or_else(|cause| panic!("`{line}` is no list: {cause}"))
}

#[test]
fn image_starts_a_server_on_its_volume() {
    let counter = Counter::missing();
    let words = words_of("ENTRYPOINT ");
    let folder = counter.folder().to_string_lossy();
    let arguments = substituted(&words[1..].join("\n"), &[("/counter", &folder)]);
    // The test finds a free port, on loopback.
    let arguments = substituted(&arguments, &[("--listen\n0.0.0.0:8080", "--init\n7")]);

    let server = Server::start_without_counter(server().args(arguments.lines()));

    assert_eq!(server.count(), 7);
    assert_eq!(counter.count(), 7);
}

#[test]
fn image_is_well_as_long_as_its_server_can_sell() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let port = server.address().rsplit(':').next().expect("an address has a port").to_owned();
    let check = || {
        let words = words_of("HEALTHCHECK CMD ").join("\n");
        let words = substituted(&words, &[("127.0.0.1/8080", &format!("127.0.0.1/{port}"))]);
        let mut words = words.lines();
        Program::new(words.next().expect("a program")).args(words).run()
    };
    assert_eq!(check().code, Some(0), "{:?}", check());

    counter.write("spoilt");
    assert_ne!(check().code, Some(0), "{:?}", check());

    server.kill();
    assert_ne!(check().code, Some(0), "{:?}", check());
}
