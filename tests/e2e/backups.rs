//! `server backup` and `server restore`: a counter copied while it sells, and put in place again.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use e2e::{Answer, Counter, Finished, Method};
use serde_json::json;

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with, server},
    sales::{tickets, tickets_of},
};

const TICKETS: u64 = 100_000;

#[test]
fn backups_of_a_counter_that_is_being_sold_from_are_whole_and_keep_nobody_from_buying() {
    let counter = Counter::with(TICKETS);
    let server = serve(&counter);
    let folder = tempfile::tempdir().unwrap();
    let is_over = AtomicBool::new(false);

    let (answers, copied) = thread::scope(|scope| {
        let buyers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut answers = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        answers.push(server.buy());
                    }
                    answers
                })
            })
            .collect();
        let mut copied = Vec::new();
        for number in 0..5 {
            let dir = folder.path().join(number.to_string());
            let said = backup(&counter, &dir);
            assert_eq!(said.code, Some(0), "{said:?}");
            copied.push(dir);
            // The same reading, beside the same sales.
            assert_sound(&counter.path());
        }
        is_over.store(true, Ordering::Relaxed);
        let answers =
            buyers.into_iter().flat_map(|buyer| buyer.join().unwrap()).collect::<Vec<_>>();
        (answers, copied)
    });

    assert!(answers.iter().all(|answer| answer.status == 201));
    assert!(!tickets(&answers).is_empty());
    let mut sold = 0;
    for dir in copied {
        let head = dir.join("db.txt");
        assert_sound(&head);
        let head: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&head).unwrap()).unwrap();
        let count = |name: &str| head[name].as_u64().unwrap();
        assert_eq!(count("count") + count("sold"), TICKETS);
        assert!(count("sold") >= sold, "a later backup has all that an earlier one has");
        sold = count("sold");
    }
}

#[test]
fn restored_backup_gives_out_no_receipt_and_no_number_a_second_time() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    let kept = server.buy();
    let (_folder, dir) = backed_up(&counter);
    let lost = [server.buy(), server.buy()];
    server.terminate();
    lose(&counter);

    let said = restore(&counter, &dir, &["--sold-at-least", "3"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("27 left, 0 held, 3 sold; the next number is 4"), "{said:?}");

    let server = serve(&counter);
    let sold = [server.buy(), server.buy()];
    assert_eq!(sold.iter().flat_map(tickets_of).collect::<Vec<_>>(), [4, 5]);
    let receipts = |answers: &[Answer]| -> BTreeSet<String> {
        answers.iter().map(|answer| answer.header("Location").to_owned()).collect()
    };
    assert!(receipts(&lost).is_disjoint(&receipts(&sold)));
    assert_eq!(server.get(kept.header("Location")).status, 200);
    for lost in receipts(&lost) {
        assert_problem(&server, &server.get(&lost), 404, "not-found");
    }
    for sold in receipts(&sold) {
        assert_eq!(server.get(&sold).status, 200);
    }
    server.terminate();
    assert_sound(&counter.path());
}

/// What was held at the backup, and was sold since, does not come back to be sold again.
#[test]
fn what_was_sold_behind_a_backup_is_taken_off_what_was_held_where_nothing_else_is_left() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    for _ in 0..2 {
        assert_eq!(server.post("/buy", &json!({"quantity": 10})).status, 201);
    }
    let hold = |quantity: u64| {
        let held = server.post("/holds", &json!({"quantity": quantity, "seconds": 3600}));
        assert_eq!(held.status, 201);
        format!("/holds/{}/confirm", held.json()["hold"].as_str().unwrap())
    };
    let (first, other) = (hold(4), hold(5));
    let (_folder, dir) = backed_up(&counter);
    // One was left and five were held, and six of those are sold.
    assert_eq!(server.post(&other, &json!({})).status, 201);
    assert_eq!(server.buy().status, 201);
    server.terminate();
    lose(&counter);

    let said = restore(&counter, &dir, &["--sold-at-least", "26"]);

    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("4 left, 0 held, 26 sold; the next number is 27"), "{said:?}");
    let server = serve(&counter);
    for hold in [first, other] {
        assert_problem(&server, &server.post(&hold, &json!({})), 410, "hold-expired");
    }
    let rest: Vec<_> = (0..6).map(|_| server.buy().status).collect();
    assert_eq!(rest, [201, 201, 201, 201, 409, 409], "30 seats are sold");
    server.terminate();
    assert_sound(&counter.path());
}

/// More numbers were given out than there were tickets: some came back, or were added, behind the backup.
#[test]
fn what_a_backup_cannot_know_of_is_told() {
    let counter = Counter::with(3);
    let server = serve(&counter);
    server.buy();
    let (_folder, dir) = backed_up(&counter);
    server.terminate();
    lose(&counter);

    let said = restore(&counter, &dir, &["--sold-at-least", "5"]);

    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("0 left, 0 held, 5 sold"), "{said:?}");
    assert!(said.stdout.contains("2 of them were more than there were: "), "{said:?}");
}

/// A script wrote a count without a revision, and no server has heard of it: it says the same behind a restore.
#[test]
fn edit_that_nobody_has_taken_over_is_taken_over_from_a_backup_as_from_the_counter() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    for _ in 0..5 {
        assert_eq!(server.post("/buy", &json!({"quantity": 10})).status, 201);
    }
    server.terminate();
    counter.write("{\"count\": 49}");
    let (_folder, dir) = backed_up(&counter);
    let restored = Counter::missing();

    assert_eq!(restore(&restored, &dir, &[]).code, Some(0));

    for counter in [&counter, &restored] {
        assert_eq!(serve(counter).get("/search").json()["count"], 49);
    }
}

#[test]
fn what_was_held_refunded_and_admitted_is_so_behind_a_restore() {
    let counter = Counter::with(10);
    let token = counter.folder().join("token");
    fs::write(&token, "a-long-secret-of-the-operator").unwrap();
    let arguments = ["--admin-token-file", token.to_str().unwrap(), "--refunds", "buyer"];
    let server = serve_with(&counter, &arguments);
    let held = server.post("/holds", &json!({"quantity": 2, "seconds": 3600})).json();
    let refunded = server.buy().header("Location").to_owned();
    assert_eq!(Answer::to(server.request(Method::DELETE, &refunded)).status, 200);
    let (_folder, dir) = backed_up(&counter);
    server.terminate();
    lose(&counter);
    assert_eq!(restore(&counter, &dir, &[]).code, Some(0));

    let server = serve_with(&counter, &arguments);
    assert_eq!(server.get(&refunded).json()["status"], "refunded");
    let confirm = format!("/holds/{}/confirm", held["hold"].as_str().unwrap());
    let confirmed = server.post_text(&confirm, "");
    assert_eq!((confirmed.status, tickets_of(&confirmed)), (201, vec![2, 3]));
    assert_eq!(server.search()["held"], 0);
}

#[test]
fn what_is_no_backup_is_called_that_and_nothing_is_made() {
    let counter = Counter::missing();

    let said = restore(&counter, &counter.folder().join("mondya"), &[]);

    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(said.stderr.contains("mondya is no backup: there is no db.txt in it"), "{said:?}");
    assert!(!said.stderr.contains("--init"), "{said:?}");
    assert_eq!(fs::read_dir(counter.folder()).expect("own folder").count(), 0);
}

#[test]
fn folder_that_a_backup_cannot_go_into_is_named_with_what_makes_it() {
    let counter = Counter::with(5);
    let dir = counter.folder().join("nodir/monday");

    let said = backup(&counter, &dir);

    let made = counter.folder().join("nodir").display().to_string();
    let hint = format!("hint: there is no folder `{made}`: `install -d -m 700 {made}` makes it");
    assert!(said.stderr.contains(&hint), "{said:?}");
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let counter = Counter::with(30);
    drop(serve(&counter));
    let (folder, dir) = backed_up(&counter);
    let before = counter.fingerprint();

    let again = backup(&counter, &dir);
    let over = restore(&counter, &dir, &[]);

    for said in [&again, &over] {
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains("is there already: nothing was written"), "{said:?}");
    }
    assert!(counter.fingerprint().is_same_file(&before));
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["backup"], "nothing half done is left");
}

#[test]
fn damaged_counter_is_not_backed_up_and_a_damaged_backup_not_restored() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    (0..5).for_each(|_| drop(server.buy()));
    server.terminate();
    let (folder, dir) = backed_up(&counter);
    let segment = |ledger: PathBuf| ledger.join("00000000000000000001.segment");
    let spoil = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        bytes[300] ^= 1;
        fs::write(&path, bytes).unwrap();
    };
    spoil(segment(counter.ledger()));
    let other = folder.path().join("other");

    let said = backup(&counter, &other);
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(!other.exists());

    spoil(segment(dir.join("db.txt.ledger")));
    lose(&counter);
    let said = restore(&counter, &dir, &[]);
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(!counter.path().exists() && !counter.ledger().exists());
}

/// A start would refuse it, and so would a restore.
#[test]
fn counter_that_does_not_start_is_not_backed_up() {
    let note = "x".repeat(4030);
    let sold = "\"count\": 99, \"sold\": 1, \"revision\"";
    for (text, is_without_ledger, told) in [
        (format!("{{{sold}: 2}}"), false, "ends at `1`"),
        (format!("{{{sold}: 1}}"), true, "ends at `0`"),
        (format!("{{{sold}: 1, \"note\": \"{note}\"}}"), false, "leave no room for the count"),
        ("{\"count\": -1}".to_owned(), false, "` writes it anew from its ledger"),
    ] {
        let counter = Counter::with(100);
        let server = serve(&counter);
        server.buy();
        server.terminate();
        counter.write(&text);
        if is_without_ledger {
            fs::remove_dir_all(counter.ledger()).expect("it is there");
        }
        let folder = tempfile::tempdir().expect("a temporary folder");

        let said = backup(&counter, &folder.path().join("backup"));

        assert_eq!(said.code, Some(65), "{text}: {said:?}");
        assert!(said.stderr.contains(told), "{text}: {said:?}");
        let head = counter.path().display().to_string();
        assert!(said.stderr.contains(&head) && !said.stderr.contains(".partial"), "{said:?}");
        assert_eq!(fs::read_dir(folder.path()).expect("own folder").count(), 0, "{text}");
    }
}

/// What is copied back by other means than `server restore` is another life all the same.
#[test]
fn backup_that_is_copied_back_gives_out_no_receipt_a_second_time() {
    for sales in [0, 1] {
        let counter = Counter::with(30);
        let server = serve(&counter);
        let kept: Vec<_> = (0..sales).map(|_| server.buy().header("Location").to_owned()).collect();
        let (_folder, dir) = backed_up(&counter);
        let lost = server.post("/buy", &json!({"buyer": "Ann"}));
        let hold = json!({"quantity": 1, "seconds": 3600});
        let lost_hold = server.post("/holds", &hold).json()["hold"].as_str().unwrap().to_owned();
        server.terminate();
        lose(&counter);
        copy_all(&dir, counter.folder());

        let server = serve(&counter);
        let sold = server.post("/buy", &json!({"buyer": "Bob"}));
        assert_eq!(server.post("/holds", &hold).status, 201);

        assert_eq!(tickets_of(&lost), tickets_of(&sold), "nobody knows how many were sold");
        assert_ne!(lost.header("Location"), sold.header("Location"));
        assert_problem(&server, &server.get(lost.header("Location")), 404, "not-found");
        let confirm = format!("/holds/{lost_hold}/confirm");
        assert_problem(&server, &server.post(&confirm, &json!({})), 404, "not-found");
        for kept in kept {
            assert_eq!(server.get(&kept).status, 200);
        }
        let receipt = sold.header("Location").to_owned();
        server.terminate();
        // Another start of the same counter begins no other life.
        assert_eq!(serve(&counter).get(&receipt).status, 200);
        assert_sound(&counter.path());
    }
}

#[test]
fn backup_that_is_copied_back_is_called_that_until_it_is_sold_from() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    server.buy();
    let (_folder, dir) = backed_up(&counter);
    server.terminate();
    lose(&counter);
    copy_all(&dir, counter.folder());
    let told = || server_says("verify", &counter.path());

    let said = told();
    assert!(said.contains("\nnote: this is a backup: ") && said.ends_with("\nsound\n"), "{said}");
    assert!(said.contains("`server restore --sold-at-least`"), "{said}");

    serve(&counter).terminate();
    assert!(!told().contains("note: "), "{}", told());
}

/// `cp` writes into the files that are there, so that whoever has them open has other ones under its hands.
#[test]
fn server_under_which_a_backup_is_copied_sells_no_more_until_it_is_started_again() {
    for then in ["", "repair", "another server"] {
        let counter = Counter::with(30);
        let server = serve(&counter);
        let kept = server.buy().header("Location").to_owned();
        let (_folder, dir) = backed_up(&counter);
        let lost = [server.buy(), server.buy()].map(|sale| sale.header("Location").to_owned());
        let ledger = dir.join("db.txt.ledger");
        for file in fs::read_dir(&ledger).unwrap().flatten() {
            fs::copy(file.path(), counter.ledger().join(file.file_name())).unwrap();
        }
        match then {
            "repair" => drop(server_says("repair", &counter.path())),
            "another server" => {
                fs::copy(dir.join("db.txt"), counter.path()).unwrap();
                let other = serve(&counter);
                assert_eq!(tickets_of(&other.buy()), [2], "nobody knows how many were sold");
            }
            _ => {}
        }

        let refused = server.buy();

        assert_problem(&server, &refused, 503, "not-sold");
        assert!(refused.text().contains("start this server again"), "{then}: {}", refused.text());
        server.terminate();
        server_says("repair", &counter.path());
        let server = serve(&counter);
        let sold = server.buy();
        let next = if then == "another server" { 3 } else { 4 };
        assert_eq!(tickets_of(&sold), [next], "{then}");
        assert_eq!(server.get(&kept).status, 200, "{then}");
        for lost in &lost {
            assert_problem(&server, &server.get(lost), 404, "not-found");
        }
        server.terminate();
        assert_sound(&counter.path());
    }
}

/// The first one seals the only segment, which has no zeros at its end, while the other one reads it.
#[test]
fn servers_that_are_started_at_once_on_a_backup_that_was_copied_back_all_sell() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    server.buy();
    let (_folder, dir) = backed_up(&counter);
    server.terminate();
    for _ in 0..5 {
        lose(&counter);
        copy_all(&dir, counter.folder());

        let tickets: BTreeSet<u64> = thread::scope(|scope| {
            let buyers = [0; 3].map(|_| scope.spawn(|| tickets_of(&serve(&counter).buy())));
            buyers.into_iter().flat_map(|buyer| buyer.join().unwrap()).collect()
        });

        assert_eq!(tickets, BTreeSet::from([2, 3, 4]));
    }
}

#[test]
fn who_names_the_wrong_path_is_told_of_the_right_one() {
    let counter = Counter::with(30);
    drop(serve(&counter));
    let (folder, dir) = backed_up(&counter);
    let missing = Counter::missing();

    let said = backup(&missing, &folder.path().join("other"));
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(said.stderr.contains("hint: `--db` says where the counter is"), "{said:?}");

    let said = restore(&missing, &dir.join("db.txt"), &[]);
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(said.stderr.contains("db.txt is no backup"), "{said:?}");
    assert!(said.stderr.contains("hint: a backup is a folder: `"), "{said:?}");

    let said = backup(&counter, &folder.path().join("nodir").join("monday"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("nodir/monday: there is no folder for it"), "{said:?}");
    assert!(said.stderr.contains("`install -d -m 700 "), "{said:?}");
}

/// Copies what is in `from`, folders and all, as `cp -r` does.
fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let copy = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            fs::create_dir(&copy).expect("the test's own folder");
            copy_all(&path, &copy);
        } else {
            fs::copy(&path, &copy).expect("the test's own folder");
        }
    }
}

/// A backup of `counter`, and the folder that it is in.
#[track_caller]
pub(crate) fn backed_up(counter: &Counter) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("backup");
    let said = backup(counter, &dir);
    assert_eq!(said.code, Some(0), "{said:?}");
    (folder, dir)
}

fn backup(counter: &Counter, dir: &Path) -> Finished {
    server().arg("backup").arg(dir).arg("--db").arg(counter.path()).run()
}

/// Puts the backup in `dir` in the place of `counter`.
pub(crate) fn restore(counter: &Counter, dir: &Path, more: &[&str]) -> Finished {
    server().arg("restore").arg(dir).arg("--db").arg(counter.path()).args(more).run()
}

/// The disk is gone.
pub(crate) fn lose(counter: &Counter) {
    fs::remove_file(counter.path()).expect("it is there");
    fs::remove_dir_all(counter.ledger()).expect("it is there");
}

#[track_caller]
fn assert_sound(head: &Path) {
    let said = server_says("verify", head);
    assert!(said.ends_with("\nsound\n"), "{said:?}");
}

/// What `command` says of the counter at `head`, where all is well with it.
#[track_caller]
fn server_says(command: &str, head: &Path) -> String {
    let said = server().arg(command).arg("--db").arg(head).run();
    assert_eq!(said.code, Some(0), "{said:?}");
    said.stdout
}
