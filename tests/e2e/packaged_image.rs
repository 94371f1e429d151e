//! The Dockerfile in `server/packaging`: what it starts, and how it looks whether that is well. That it
//! builds is not tried here: images come from where no test goes.

use std::fs;

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

/// The commands of `docker run` that the head of the Dockerfile names, without line ends: the one that makes the counter,
/// and the one that runs the server.
fn documented() -> [String; 2] {
    let text = packaged_text("Dockerfile");
    let head: Vec<_> =
        text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
    let head = head.join(" ").replace("\\ ", "");
    let commands =
        head.split('`').filter(|part| part.starts_with("docker run ") && part.contains(" -v "));
    let commands: Vec<_> = commands.map(str::to_owned).collect();
    commands.try_into().expect("one that makes the counter, and one that runs the server")
}

#[test]
fn image_sells_the_counter_that_was_made_on_its_volume_and_makes_none_itself() {
    let counter = Counter::missing();
    let [make, run] = documented();
    let entry = words_of("ENTRYPOINT ");
    let (_, flags) = run.rsplit_once(" ticket-counter ").expect("flags behind the name");
    let folder = counter.folder().to_string_lossy();
    let words = entry[1..].iter().map(String::as_str).chain(flags.split(' '));
    // The test finds a free port, on loopback.
    let words = substituted(
        &words.collect::<Vec<_>>().join("\n"),
        &[("/counter", &folder), ("\n--listen\n0.0.0.0:8080", "")],
    );
    let image = || server().args(words.lines());

    let refused = image().args(["--listen", "127.0.0.1:0"]).run();
    assert_eq!(refused.code, Some(65), "{refused:?}");
    assert!(refused.stderr.contains("server restore"), "{refused:?}");
    assert_eq!(fs::read_dir(counter.folder()).expect("own folder").count(), 0);

    let (_, script) = make.split_once(" -c '").expect("a script");
    let script = || Program::new("sh").args(["-c", script.trim_end_matches('\'')]);
    assert_eq!(script().inside(counter.folder()).run().code, Some(0), "{make}");
    let server = Server::start_without_counter(image());
    assert_eq!(server.count(), 30);
    server.buy();
    server.terminate();

    let again = script().inside(counter.folder()).run();
    assert_ne!(again.code, Some(0), "there is one already: {again:?}");
    assert_eq!(counter.count(), 29);
}

#[test]
fn image_is_well_as_long_as_its_server_answers() {
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

    // It still shows receipts, and is not mended by being replaced.
    counter.write("spoilt");
    assert_eq!(server.status("/readyz"), 503);
    assert_eq!(check().code, Some(0), "{:?}", check());

    server.kill();
    assert_ne!(check().code, Some(0), "{:?}", check());
}
