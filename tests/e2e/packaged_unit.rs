//! The unit of systemd in `server/packaging`: systemd takes it, and the server takes its command.

use std::{ffi::OsStr, fs, path::Path};

use e2e::{Counter, Program, Server, packaged_text, substituted};
use tempfile::TempDir;

use crate::programs::server;

/// The most that systemd may find exposed, in tenths of its scale from 0 to 10.
const EXPOSURE_MAX: &str = "15";

/// Where the unit expects the program.
const PROGRAM: &str = "/usr/local/bin/ticket-counter";

/// Where its counter is.
const COUNTER: &str = "/var/lib/ticket-counter/db.txt";

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

/// What the server's reference says makes the counter of the unit, which the head of the unit says too.
fn making() -> String {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/README.md");
    let reference = fs::read_to_string(reference).expect("the reference");
    let making = reference.lines().find_map(|line| {
        line.split_once("   #").map(|(line, _)| line).filter(|line| line.contains(COUNTER))
    });
    let making = making.expect("a line that makes the counter").to_owned();
    assert!(packaged_text("ticket-counter.service").contains(&format!("`{making}`")), "{making}");
    making
}

#[test]
fn command_of_the_unit_sells_the_counter_that_was_made_and_makes_none_itself() {
    let counter = Counter::missing();
    let credentials = TempDir::new().expect("a folder for the token");
    fs::write(credentials.path().join("token"), "a-long-secret-of-the-operator\n")
        .expect("own file");
    let unit = unit().replace("\\\n", " ");
    let value = |name: &str| unit.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    let command = substituted(
        value("ExecStart="),
        &[
            ("${STATE_DIRECTORY}", &counter.folder().to_string_lossy()),
            ("${CREDENTIALS_DIRECTORY}", &credentials.path().to_string_lossy()),
            (" --listen 127.0.0.1:8080", ""),
        ],
    );
    let mut words = command.split_whitespace();
    assert_eq!(words.next().map(OsStr::new), Some(server().path()));
    let service = || server().args(words.clone());

    // As with the disk lost, or not mounted: it ends, and systemd starts it no more.
    let refused = service().args(["--listen", "127.0.0.1:0"]).run();
    assert_eq!(refused.code, Some(65), "{refused:?}");
    assert!(refused.stderr.contains("server restore"), "{refused:?}");
    assert!(value("RestartPreventExitStatus=").split(' ').any(|code| code == "65"));
    assert_eq!(fs::read_dir(counter.folder()).expect("own folder").count(), 0);

    let making = substituted(&making(), &[(COUNTER, &counter.path().to_string_lossy())]);
    let make = || Program::new("sh").args(["-c", &making]).run();
    assert_eq!(make().code, Some(0), "{making}");
    assert_eq!(counter.count(), 30);
    assert_ne!(make().code, Some(0), "there is one already: {making}");

    let server = Server::start_without_counter(service());

    let asked = server.request(e2e::Method::GET, "/search").header("Host", "shop.example");
    assert_eq!(e2e::Answer::to(asked).status, 200);
    let restock = server.request(e2e::Method::POST, "/restock").body("{\"quantity\": 1}");
    let restock = restock.header("Content-Type", "application/json");
    let restock = restock.header("Authorization", "Bearer a-long-secret-of-the-operator");
    assert_eq!(e2e::Answer::to(restock).status, 200);
}
