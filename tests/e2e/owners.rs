//! A counter that a service sells from, looked after by root.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use e2e::{Counter, Finished, Server};

use crate::{
    another_user::{USER, can_serve, give},
    backups::{lose, restore},
    programs::{serve_with, server},
    sales::tickets_of,
};

#[test]
fn whatever_root_makes_in_the_folder_of_a_service_is_the_services() {
    if !can_serve("a service whose counter root looks after") {
        return;
    }
    let counter = Counter::with(30);
    give(counter.folder());
    let service = || Server::start(server().as_user(USER), &counter);
    let dir = counter.folder().join("monday");

    let serving = service();
    serving.buy();
    assert_done(&server().arg("backup").arg(&dir).arg("--db").arg(counter.path()).run(), &counter);
    serving.buy();
    serving.terminate();

    lose(&counter);
    assert_done(&restore(&counter, &dir, &["--sold-at-least", "2"]), &counter);
    let serving = service();
    assert_eq!(tickets_of(&serving.buy()), [3]);
    serving.terminate();

    fs::remove_file(counter.path()).expect("it is there");
    assert_done(&server().arg("repair").arg("--db").arg(counter.path()).run(), &counter);
    let serving = service();
    assert_eq!(tickets_of(&serving.buy()), [4]);
    serving.terminate();

    lose(&counter);
    let made = serve_with(&counter, &["--init", "30"]);
    assert_eq!(tickets_of(&made.buy()), [1]);
    assert_done(&made.terminate(), &counter);
    assert_eq!(tickets_of(&service().buy()), [2]);
}

#[test]
fn counter_of_somebody_else_is_refused_with_what_has_to_be_whose() {
    if !can_serve("a service whose counter is somebody else's") {
        return;
    }
    let counter = Counter::with(30);
    give(counter.folder());
    let start = |code: i32| {
        let start = server().as_user(USER).args(["--listen", "127.0.0.1:0", "--db"]);
        let said = start.arg(counter.path()).run();
        assert_eq!(said.code, Some(code), "{said:?}");
        said.stderr
    };
    let set_mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the test's own file");
    };

    set_mode(&counter.path(), 0o400);
    let refused = start(65);
    let hint = format!("`ls -ld {}` shows whose it is", counter.path().display());
    assert!(refused.contains("not allowed to read and write it\nhint: the counter's"), "{refused}");
    assert!(refused.contains(&hint), "{refused}");

    set_mode(&counter.path(), 0o600);
    set_mode(counter.folder(), 0o500);
    let refused = start(1);
    let hint = format!("`ls -ld {}` shows whose it is", counter.ledger().display());
    assert!(refused.contains(&hint), "{refused}");
}

/// Fails unless `finished` has done what it was to do, and all of `counter` is of one owner.
#[track_caller]
fn assert_done(finished: &Finished, counter: &Counter) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_all_of_one_owner(counter.folder());
}

#[track_caller]
fn assert_all_of_one_owner(folder: &Path) {
    let owner = |path: &Path| {
        let metadata = fs::metadata(path).expect("it is there");
        (metadata.uid(), metadata.gid())
    };
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("an entry").path();
        assert_eq!(owner(&path), owner(folder), "{}", path.display());
        if path.is_dir() {
            assert_all_of_one_owner(&path);
        }
    }
}
