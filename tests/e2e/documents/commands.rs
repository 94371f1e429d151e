//! Every command of the documents works, in the order in which it stands.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::Duration,
};

use e2e::{Finished, Program};
use loadgen::engines::free_addresses;

use super::{
    fences::{DOCUMENTS, fences, text},
    outputs::differences,
    script::{PORTS, script},
};
use crate::programs::{loadgen, server};

/// How long all commands of one document may take.
const LIMIT: Duration = Duration::from_secs(240);

/// How many blocks of all documents may say that they are not run.
const EXCUSED_MAX: usize = 5;

#[test]
fn every_command_of_the_front_door_works() {
    assert_works("README.md");
}

#[test]
fn every_command_of_the_servers_reference_works() {
    assert_works("server/README.md");
}

#[test]
fn every_command_of_the_load_generators_reference_works() {
    assert_works("loadgen/README.md");
}

#[test]
fn every_command_of_the_maps_reference_works() {
    assert_works("loadgen/MAP.md");
}

#[test]
fn few_blocks_are_not_run_and_each_says_why() {
    let mut excused = Vec::new();
    for name in DOCUMENTS {
        for fence in fences(&text(name)) {
            let known = ["sh", "console", "text", "toml", "nginx", "yaml"];
            assert!(known.contains(&fence.info.as_str()), "{name}: a block of `{}`", fence.info);
            excused.extend(fence.excuse);
        }
    }
    assert!(excused.len() <= EXCUSED_MAX, "{excused:?}");
    assert!(excused.iter().all(|excuse| excuse.len() > 10), "{excused:?}");
}

#[test]
fn command_that_fails_is_named_with_its_document_and_line() {
    for (block, said) in [
        ("```sh\ntrue\nfalse\n```", "SHOP.md:5: ended with 1"),
        ("```sh\ntrue   # exit 3\n```", "SHOP.md:4: ended with 0"),
        ("```sh\nserver --no-such-flag &\n```", "SHOP.md:4: ended with 1"),
        ("```console\n$ loadgen no-such-show\n```", "SHOP.md:4: ended with 2"),
    ] {
        let finished = run("SHOP.md", &format!("# Shop\n\n{block}\n"));

        assert_eq!(finished.code, Some(1), "{block}: {finished:?}");
        assert!(finished.stderr.contains(said), "{block}: {}", finished.stderr);
    }
}

#[test]
fn front_door_has_at_most_250_lines() {
    assert!(text("README.md").lines().count() <= 250);
}

#[track_caller]
fn assert_works(name: &str) {
    let text = text(name);

    let finished = run(name, &text);

    let Finished { code, stdout, stderr, .. } = &finished;
    let failed = stderr.lines().rfind(|line| line.starts_with(&format!("{name}:")));
    assert_eq!(*code, Some(0), "{}\n{stdout}\n{stderr}", failed.unwrap_or(name));
    let complaints = differences(&text, stdout);
    assert!(complaints.is_empty(), "{name}, {}", complaints.join("\n"));
}

/// Runs the commands of a document in a folder of their own.
#[track_caller]
fn run(name: &str, text: &str) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [programs, place] = ["programs", "place"].map(|name| folder.path().join(name));
    fs::create_dir(&programs).expect("the folder is the test's own");
    fs::create_dir(&place).expect("the folder is the test's own");
    let addresses = free_addresses(PORTS.len()).expect("free ports");
    let ports: Vec<_> = addresses.iter().map(|address| address.port().to_string()).collect();
    stand_in(&programs, &ports[0]);
    let file = folder.path().join("document.sh");
    fs::write(&file, script(text, &ports)).expect("the folder is the test's own");
    let inherited = env::var("PATH").expect("there is a PATH");
    let path = format!("{}:{inherited}", programs.display());
    let bash = Program::new("bash").arg(&file).inside(&place).within(LIMIT);
    bash.env("PATH", path).env("TMPDIR", folder.path()).env("DOCUMENT", name).run()
}

/// Puts programs in `folder` that stand in for those that a reader builds: they end with the script,
/// and `server` listens on `port` where nothing else is said.
fn stand_in(folder: &Path, port: &str) {
    let leash = "exec setpriv --pdeathsig KILL --";
    let [server, loadgen] = [server(), loadgen()].map(|one| one.path().display().to_string());
    let path = env::var("PATH").expect("there is a PATH");
    let listens = format!("{leash} {server} --listen 127.0.0.1:{port} \"$@\"");
    for (name, text) in [
        ("loadgen", format!("{leash} {loadgen} \"$@\"")),
        ("server", format!("case $1 in -*|'') {listens} ;; esac\n{leash} {server} \"$@\"")),
        ("python3", format!("PATH='{path}' {leash} python3 \"$@\"")),
        (
            "cargo",
            "case $1 in build) exit ;; esac\n\
             while [ \"$1\" != --bin ]; do shift || exit; done\n\
             program=$2; shift 3; exec \"$program\" \"$@\""
                .to_owned(),
        ),
    ] {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("the folder is the test's own");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("own file");
    }
}
