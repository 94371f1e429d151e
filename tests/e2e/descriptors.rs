//! Open files: what a server has open is its own, whatever it was started with.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

use e2e::{Client, Counter, Program, Signal, eventually};

use crate::{
    programs::{serve, server},
    sales::{assert_conserved, tickets_of},
};

/// `O_CLOEXEC` as `/proc/PID/fdinfo` writes it; see open(2) and proc(5).
const CLOEXEC: u32 = 0o2_000_000;

/// F06: no program that the server might start inherits a lock.
#[test]
fn files_of_the_counter_are_closed_to_every_child() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();

    let open = files_of(server.pid(), &counter);

    assert!(open.len() >= 3, "head, lock and segment, but {open:?}");
    for (descriptor, path) in open {
        let about = format!("/proc/{}/fdinfo/{descriptor}", server.pid());
        let about = fs::read_to_string(about).expect("the system tells of its descriptors");
        let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        assert!(flags.is_some_and(|flags| flags & CLOEXEC != 0), "{}: {about}", path.display());
    }
}

/// F42: nothing that is meant for people ends up in the counter.
#[test]
fn server_without_standard_streams_sells_and_keeps_its_files_clean() {
    let counter = Counter::with(100);
    let shell = Program::new("sh").args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]);
    let program = shell.arg(server().path()).arg("--db").arg(counter.path());
    let process = program.args(["--listen", "127.0.0.1:0"]).start();

    let port = eventually("a port to listen on", || port_of(process.pid()));
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    assert_eq!(tickets_of(&client.buy()), [1]);
    // A warning, which would go to standard error.
    fs::write(counter.folder().join("copy"), counter.text()).expect("the test's own folder");
    fs::rename(counter.folder().join("copy"), counter.path()).expect("the test's own folder");
    assert_eq!(tickets_of(&client.buy()), [2]);

    let open = files_of(process.pid(), &counter);
    assert!(open.iter().all(|(descriptor, _)| *descriptor > 2), "{open:?}");
    process.signal(Signal::TERM);
    assert_eq!(process.finish(Duration::from_secs(20)).code, Some(0));
    assert_conserved(&counter, 100, 2);
    assert_eq!(tickets_of(&serve(&counter).buy()), [3]);
}

/// The descriptors under which the process `pid` has files of the counter open.
fn files_of(pid: u32, counter: &Counter) -> Vec<(u32, PathBuf)> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).expect("the server runs");
    let open = links.filter_map(|link| {
        let link = link.ok()?;
        let descriptor = link.file_name().to_str()?.parse().ok()?;
        Some((descriptor, fs::read_link(link.path()).ok()?))
    });
    open.filter(|(_, path)| path.starts_with(counter.folder())).collect()
}

/// The port of 127.0.0.1 on which the process `pid` listens.
fn port_of(pid: u32) -> Option<u16> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let inodes = links.filter_map(|link| fs::metadata(link.ok()?.path()).ok());
    let inodes = inodes.map(|about| about.ino().to_string()).collect::<Vec<_>>();
    let sockets = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    sockets.lines().find_map(|line| {
        // `0: 0100007F:1F90 00000000:0000 0A …`: 0A is a listener, the tenth word its inode.
        let words = line.split_ascii_whitespace().collect::<Vec<_>>();
        let listens = *words.get(3)? == "0A" && inodes.iter().any(|inode| inode == words[9]);
        let port = u16::from_str_radix(words.get(1)?.split_once(':')?.1, 16).ok()?;
        listens.then_some(port)
    })
}
