//! The unit of systemd in `server/packaging`: systemd takes it, and the server takes its command.

use std::{ffi::OsStr, fs};

use e2e::{Counter, Program, Server, packaged_text, substituted};
use tempfile::TempDir;

use crate::programs::server;

/// The most that systemd may find exposed, in tenths of its scale from 0 to 10.
const EXPOSURE_MAX: &str = "15";

/// Where the unit expects the program.
const PROGRAM: &str = "/usr/local/bin/ticket-counter";

/// `systemd-analyze` with these `arguments` and a unit of this `text`.
#[track_caller]
fn analyzed(arguments: &[&str], text: &str) -> e2e::Finished {
    let folder = TempDir::new().expect("a folder for the unit");
    let path = folder.path().join("ticket-counter.service");
    fs::write(&path, text).expect("the test's own folder");
    Program::new("systemd-analyze").args(arguments).arg(path).run()
}

/// The unit, with the program where the test has it.
fn unit() -> String {
    let program = server().path().to_string_lossy().into_owned();
    substituted(&packaged_text("ticket-counter.service"), &[(PROGRAM, &program)])
}

#[test]
fn systemd_takes_the_unit_and_has_nothing_to_say() {
    let verified = analyzed(&["verify"], &unit());

    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert_eq!(verified.stdout + &verified.stderr, "");

    // What it would have to say of a mistake.
    let mistaken = analyzed(&["verify"], &unit().replace("LimitNOFILE=", "LimitFiles="));
    assert!(mistaken.stderr.contains("LimitFiles"), "{mistaken:?}");
}

#[test]
fn little_of_the_machine_is_exposed_to_the_unit() {
    let judge = ["security", "--offline=yes", "--threshold", EXPOSURE_MAX];

    let exposure = analyzed(&judge, &unit());
    assert_eq!(exposure.code, Some(0), "{}", exposure.stdout);

    let exposed = analyzed(&judge, &unit().replace("ProtectSystem=strict", "").replace("~@", "@"));
    assert_ne!(exposed.code, Some(0), "{}", exposed.stdout);
}

#[test]
fn command_of_the_unit_starts_a_server_that_answers_to_its_domain() {
    let counter = Counter::missing();
    fs::write(counter.folder().join("token"), "a-long-secret-of-the-operator\n").expect("own file");
    let folder = counter.folder().to_string_lossy().into_owned();
    let unit = unit().replace("\\\n", " ");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart="));
    let command = substituted(
        command.expect("the unit starts something"),
        &[
            ("${STATE_DIRECTORY}", folder.as_str()),
            ("${CREDENTIALS_DIRECTORY}", folder.as_str()),
            (" --listen 127.0.0.1:8080", ""),
        ],
    );
    let mut words = command.split_whitespace();
    assert_eq!(words.next().map(OsStr::new), Some(server().path()));

    let server = Server::start_without_counter(server().args(words));

    assert_eq!(counter.count(), 100);
    let asked = server.request(e2e::Method::GET, "/search").header("Host", "shop.example");
    assert_eq!(e2e::Answer::to(asked).status, 200);
    let restock = server.request(e2e::Method::POST, "/restock").body("{\"quantity\": 1}");
    let restock = restock.header("Content-Type", "application/json");
    let restock = restock.header("Authorization", "Bearer a-long-secret-of-the-operator");
    assert_eq!(e2e::Answer::to(restock).status, 200);
}
