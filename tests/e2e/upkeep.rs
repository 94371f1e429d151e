//! `server verify` and `server repair`: looking after a counter that does not sell.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    os::unix::fs::{FileExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

use e2e::{Answer, Counter, Finished};
use serde_json::{Value, json};

use crate::{
    mounts::mount_namespace,
    problem::assert_problem,
    programs::{serve, server},
    sales::{assert_conserved, tickets_of},
};

#[test]
fn sound_counter_is_told_with_its_counts() {
    let counter = counter_with_sales(3);

    let said = ask("verify", &counter);

    assert_eq!(said.code, Some(0), "{said:?}");
    let head = "db.txt: {\"count\": 97, \"sold\": 3, \"revision\": 3}\n";
    assert!(said.stdout.contains(head), "{said:?}");
    let ledger = "db.txt.ledger: 1 segment, 3 records, count 97, sold 3, revision 3\n";
    assert!(said.stdout.contains(ledger), "{said:?}");
    assert!(said.stdout.ends_with("\nsound\n"), "{said:?}");
}

#[test]
fn first_fault_of_the_ledger_is_told_with_file_and_line() {
    let counter = counter_with_sales(5);
    spoil_line(&counter, 3);

    let said = ask("verify", &counter);

    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("fault: "), "{said:?}");
    assert!(said.stdout.contains(".segment:3: "), "{said:?}");
    assert!(!said.stdout.contains("sound"), "{said:?}");
}

#[test]
fn fault_of_db_txt_is_told_and_left_alone() {
    for (text, fault) in [
        ("", "db.txt:1:1: "),
        ("{\"count\": -1}", "db.txt:1:"),
        ("{\"count\": 9, \"sold\": 9, \"revision\": 9}", "db.txt is at revision 9"),
    ] {
        let counter = counter_with_sales(3);
        counter.write(text);
        let before = counter.fingerprint();

        let said = ask("verify", &counter);

        assert_eq!(said.code, Some(1), "{text}: {said:?}");
        assert!(said.stdout.contains("fault: "), "{text}: {said:?}");
        assert!(said.stdout.contains(fault), "{text}: {said:?}");
        assert_eq!(counter.fingerprint(), before, "{text}");
    }
}

#[test]
fn spoilt_db_txt_is_written_anew_from_the_ledger() {
    for text in ["", "{\"count\": -1}", "[1]", "{\"sold\": 3}"] {
        let counter = counter_with_sales(3);
        counter.write(text);

        let shown = repair_dry(&counter);
        assert_eq!(shown.code, Some(1), "{text}: {shown:?}");
        assert_eq!(counter.text(), text, "a dry run writes nothing");
        let said = ask("repair", &counter);

        assert_eq!(said.code, Some(0), "{text}: {said:?}");
        let will = "will say: {\"count\": 97, \"sold\": 3, \"revision\": 3}\n";
        for words in [&shown, &said] {
            assert!(words.stdout.contains(will), "{text}: {words:?}");
        }
        assert_eq!(ask("verify", &counter).code, Some(0), "{text}");
        assert_eq!(tickets_of(&serve(&counter).buy()), [4], "{text}");
        assert_conserved(&counter, 100, 4);
    }
}

/// Records were lost: what they sold was given out, and is not sold again.
#[test]
fn repair_of_a_db_txt_ahead_of_its_ledger_sells_no_ticket_again() {
    let counter = counter_with_sales(3);
    counter.write("{\"count\": 91, \"sold\": 9, \"revision\": 9}");

    let said = ask("repair", &counter);

    assert_eq!(said.code, Some(0), "{said:?}");
    let will = "will say: {\"count\": 91, \"sold\": 9, \"revision\": 4}\n";
    assert!(said.stdout.contains(will), "{said:?}");
    assert_eq!(tickets_of(&serve(&counter).buy()), [10]);
    assert_conserved(&counter, 100, 10);
}

/// An older copy of the ledger was put back: nobody gets the receipt of a buyer whose sale is lost, and a token of a
/// hold that is lost takes nobody's tickets.
#[test]
fn repair_gives_out_nothing_a_second_time_that_the_lost_records_gave_out() {
    let counter = Counter::with(30);
    let hold = json!({"quantity": 1, "seconds": 3600});
    let (kept, old_hold) = {
        let server = serve(&counter);
        (server.buy(), server.post("/holds", &hold).json())
    };
    let older = counter.folder().join("older");
    copy_folder(&counter.ledger(), &older);
    let (lost, lost_hold) = {
        let server = serve(&counter);
        let hold_path = |held: &Value| format!("/holds/{}/confirm", held["hold"].as_str().unwrap());
        assert_eq!(server.post(&hold_path(&old_hold), &json!({})).status, 201);
        let lost = [server.buy(), server.buy()];
        (lost, hold_path(&server.post("/holds", &hold).json()))
    };
    fs::remove_dir_all(counter.ledger()).unwrap();
    fs::rename(older, counter.ledger()).unwrap();

    let said = ask("repair", &counter);

    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("the records 3 to 6 are lost: "), "{said:?}");
    let server = serve(&counter);
    let sold: Vec<Answer> = (0..5).map(|_| server.buy()).collect();
    let new_hold = server.post("/holds", &hold);
    assert_eq!(new_hold.status, 201);
    assert_eq!(sold.iter().flat_map(tickets_of).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
    let receipts = |answers: &[Answer]| -> BTreeSet<String> {
        answers.iter().map(|answer| answer.header("Location").to_owned()).collect()
    };
    assert!(receipts(&lost).is_disjoint(&receipts(&sold)), "two have one receipt");
    for lost in receipts(&lost) {
        assert_problem(&server, &server.get(&lost), 404, "not-found");
    }
    assert_problem(&server, &server.post(&lost_hold, &json!({})), 404, "not-found");
    assert_eq!(server.get(kept.header("Location")).status, 200);
    server.terminate();
    assert_eq!(ask("verify", &counter).code, Some(0));
}

/// The record of the new life has the very revision that the lost one had, and `db.txt` says by then what it is to say.
#[test]
fn repair_goes_on_where_exactly_one_record_is_lost() {
    let counter = counter_with_sales(2);
    let older = counter.folder().join("older");
    copy_folder(&counter.ledger(), &older);
    let server = serve(&counter);
    let lost = server.buy().header("Location").to_owned();
    server.terminate();
    fs::remove_dir_all(counter.ledger()).unwrap();
    fs::rename(older, counter.ledger()).unwrap();
    assert_eq!(refused_start(&counter).code, Some(65));

    let shown = repair_dry(&counter);
    let said = ask("repair", &counter);

    assert_eq!((shown.code, said.code), (Some(1), Some(0)), "{shown:?} {said:?}");
    for words in [&shown, &said] {
        assert!(words.stdout.contains("the record 3 is lost: "), "{words:?}");
        let will = "will say: {\"count\": 97, \"sold\": 3, \"revision\": 3}\n";
        assert!(words.stdout.contains(will), "{words:?}");
    }
    assert_eq!(ask("verify", &counter).code, Some(0));
    let again = ask("repair", &counter);
    assert!(again.stdout.contains("nothing to repair"), "{again:?}");
    let server = serve(&counter);
    assert_problem(&server, &server.get(&lost), 404, "not-found");
    assert_eq!(tickets_of(&server.buy()), [4]);
    assert_conserved(&counter, 100, 4);
}

/// What other programs wrote is no damage: it is the next start that takes it over.
#[test]
fn repair_leaves_alone_what_a_start_takes_over() {
    for (text, note) in [
        ("{\"count\": 93, \"sold\": 7, \"revision\": 5}", "the count from 95 to 93"),
        ("{\"count\": 97, \"sold\": 3, \"revision\": 3}", "behind the ledger"),
        ("{\"count\": 93}", "the count from 95 to 93"),
    ] {
        let counter = counter_with_sales(5);
        counter.write(text);
        let before = counter.fingerprint();

        let said = ask("repair", &counter);

        assert_eq!(said.code, Some(0), "{text}: {said:?}");
        assert!(said.stdout.contains(note), "{text}: {said:?}");
        assert!(said.stdout.contains("nothing to repair"), "{text}: {said:?}");
        assert_eq!(counter.fingerprint(), before, "{text}");
    }
    let counter = counter_with_sales(5);
    counter.write("{\"count\": 93, \"sold\": 7, \"revision\": 5}");
    assert_eq!(ask("repair", &counter).code, Some(0));
    assert_eq!(tickets_of(&serve(&counter).buy()), [8], "two were sold by another program");
}

/// Whoever wrote the file anew beside a ledger that is there would draw another key, and no ticket were known again.
#[test]
fn refusal_of_a_db_txt_ahead_names_what_mends_it() {
    let counter = counter_with_sales(3);
    counter.write("{\"count\": 91, \"sold\": 9, \"revision\": 9}");
    let said = refused_start(&counter);
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(said.stderr.contains("hint: `server repair --db "), "{said:?}");
    assert!(!said.stderr.contains("write {"), "{said:?}");

    fs::remove_dir_all(counter.ledger()).expect("the test's own folder");
    let said = refused_start(&counter);
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(said.stderr.contains("put the folder of the ledger back"), "{said:?}");
    assert!(!said.stderr.contains("server repair"), "{said:?}");
}

/// No server starts with it: so nobody calls it sound.
#[test]
fn db_txt_without_room_for_the_count_is_no_sound_one_and_is_not_repaired() {
    let counter = counter_with_sales(3);
    let note = "x".repeat(4030);
    for (revision, fault) in [(3, "leave no room for the count"), (9, "is at revision 9")] {
        let text = format!(
            "{{\"count\": 97, \"sold\": 3, \"revision\": {revision}, \"note\": \"{note}\"}}"
        );
        counter.write(&text);
        let verified = ask("verify", &counter);
        assert_eq!(verified.code, Some(1), "{verified:?}");
        assert!(verified.stdout.contains(fault), "{verified:?}");
        assert!(!verified.stdout.contains("sound"), "{verified:?}");
        let repaired = ask("repair", &counter);
        assert_eq!(repaired.code, Some(65), "{repaired:?}");
        assert!(repaired.stderr.contains("leave no room for the count"), "{repaired:?}");
        assert_eq!(counter.text(), text);
    }
    counter.write(format!("{{\"count\": 97, \"sold\": 3, \"revision\": 3, \"note\": \"{note}\"}}"));
    let said = refused_start(&counter);
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(said.stderr.contains("hint: take some of them out"), "{said:?}");
}

/// What it gave out behind the repair would be unknown at the door once it is started again.
#[test]
fn server_that_ran_beside_a_repair_sells_no_more_until_it_is_started_again() {
    let counter = Counter::with(20);
    let server = serve(&counter);
    let kept = server.buy().header("Location").to_owned();
    let hold = json!({"quantity": 1, "seconds": 3600});
    counter.write("{\"count\": 19, \"sold\": 1, \"revision\": 33}");
    assert_eq!(ask("repair", &counter).code, Some(0));

    for answer in [server.buy(), server.post("/holds", &hold)] {
        assert_problem(&server, &answer, 503, "not-sold");
        assert!(answer.text().contains("another life of this ledger has begun"), "{answer:?}");
    }
    assert_problem(&server, &server.get(&kept), 503, "not-sold");
    server.terminate();

    let server = serve(&counter);
    let sold = server.buy();
    assert_eq!(tickets_of(&sold), [2]);
    for receipt in [&kept, sold.header("Location")] {
        assert_eq!(server.get(receipt).status, 200, "{receipt}");
    }
    assert_conserved(&counter, 20, 2);
}

/// Nobody bought in the end, and something is held that was not at the beginning: what `db.txt` says is left at most.
#[test]
fn repair_sells_no_more_than_a_db_txt_ahead_says_is_left() {
    let counter = counter_with_sales(3);
    counter.write("{\"count\": 60, \"sold\": 3, \"revision\": 5}");

    assert_eq!(ask("repair", &counter).code, Some(0));

    let server = serve(&counter);
    assert_eq!(server.get("/search").json()["count"], 60);
    assert_eq!(tickets_of(&server.buy()), [4]);
}

/// They are in no record, so that nobody has them: neither who held them, nor whoever would buy them.
#[test]
fn repair_says_how_many_tickets_nobody_has_that_were_held_in_lost_records() {
    for (head, told) in [
        (
            "{\"count\": 87, \"sold\": 3, \"revision\": 4}",
            "the record 4 is lost: what it sold stays sold",
        ),
        (
            "{\"count\": 86, \"sold\": 4, \"revision\": 6}",
            "the records 4 to 6 are lost: what they sold stays",
        ),
    ] {
        let counter = counter_with_sales(3);
        counter.write(head);

        let said = ask("repair", &counter);

        assert!(said.code == Some(0) && said.stdout.contains(told), "{said:?}");
        let gone = "\nno longer on sale: 10 tickets, held or taken off the count there; restock";
        assert!(said.stdout.contains(gone), "{said:?}");
        assert!(ask("verify", &counter).stdout.contains("conservation: 90 there are ="));
    }
    let counter = counter_with_sales(1);
    counter.write("{\"count\": 98, \"sold\": 2, \"revision\": 2}");
    let said = ask("repair", &counter).stdout;
    assert!(said.contains("1 segment, 1 record, ") && !said.contains("no longer"), "{said}");
}

#[test]
fn deleted_db_txt_is_written_anew_from_the_ledger() {
    let counter = counter_with_sales(3);
    fs::remove_file(counter.path()).expect("the test's own file");

    let said = ask("repair", &counter);

    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(tickets_of(&serve(&counter).buy()), [4]);
    assert_conserved(&counter, 100, 4);
}

#[test]
fn counter_with_nothing_to_repair_is_left_alone() {
    let counter = counter_with_sales(3);
    let before = counter.fingerprint();

    let said = ask("repair", &counter);

    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("nothing to repair"), "{said:?}");
    assert_eq!(counter.fingerprint(), before);
}

/// What the ledger itself does not know cannot be written anew.
#[test]
fn repair_without_a_sound_ledger_writes_nothing() {
    let damaged = counter_with_sales(5);
    spoil_line(&damaged, 3);
    let without = Counter::with(100);
    for (counter, named) in [(damaged, ".segment:3: "), (without, "db.txt.ledger")] {
        let before = counter.fingerprint();

        let said = ask("repair", &counter);

        assert!(matches!(said.code, Some(1 | 65)), "{said:?}");
        assert!(said.stderr.contains(named), "{said:?}");
        assert_eq!(counter.fingerprint(), before);
    }
}

/// While a server sells, between two of its turns, the books are in order.
#[test]
fn counter_of_a_running_server_can_be_verified() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();

    let said = ask("verify", &counter);

    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(tickets_of(&server.buy()), [2]);
}

/// A copy for whoever looks after a counter: they may read all of it, and write none.
#[test]
fn copy_that_only_can_be_read_is_verified_and_left_alone() {
    let counter = counter_with_sales(3);
    let files: Vec<_> = walk(&counter).into_iter().map(|(path, _)| path).collect();
    for path in &files {
        let mode = if path.is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("the test's own file");
    }
    let before = walk(&counter);

    let said = server().args(["verify", "--db"]).arg(counter.path()).bound_by_permissions().run();

    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.ends_with("\nsound\n"), "{said:?}");
    assert_eq!(walk(&counter), before);
    for folder in files.iter().filter(|path| path.is_dir()) {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("the test's own folder");
    }
}

/// Mounts the folder `$0` once more on itself, to read only, for itself alone.
const ON_A_READ_ONLY_DISK: &str =
    r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@""#;

#[test]
fn counter_on_a_read_only_disk_is_verified_with_and_without_its_lock_file() {
    let Some(namespace) = mount_namespace("a read-only disk") else { return };
    let counter = counter_with_sales(3);
    for has_lock in [true, false] {
        if !has_lock {
            fs::remove_file(counter.ledger().join("LOCK")).expect("the test's own file");
        }
        let program = namespace.clone().args(["sh", "-c", ON_A_READ_ONLY_DISK]);
        let program = program.arg(counter.folder()).arg(server().path());

        let said = program.clone().args(["verify", "--db"]).arg(counter.path()).run();
        let refused = program.args(["--listen", "127.0.0.1:0", "--db"]).arg(counter.path()).run();

        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.ends_with("\nsound\n"), "{said:?}");
        let hint = "\nhint: this disk can only be read: `server verify` is all that works on it\n";
        assert!(refused.code != Some(0) && refused.stderr.contains(hint), "{refused:?}");
        assert_eq!(counter.ledger().join("LOCK").exists(), has_lock);
    }
}

/// What cannot be looked at is not taken for a counter that never had a ledger.
#[test]
fn ledger_that_cannot_be_opened_is_not_sound() {
    let counter = Counter::with(100);
    symlink("db.txt.ledger", counter.ledger()).expect("a link can be made");

    let said = ask("verify", &counter);

    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("db.txt.ledger/LOCK"), "{said:?}");
}

/// All that stands in the counter's folder, itself included, and when it was changed.
fn walk(counter: &Counter) -> Vec<(PathBuf, SystemTime)> {
    let mut found = vec![counter.folder().to_owned()];
    for folder in [counter.folder(), &counter.ledger()] {
        let entries = fs::read_dir(folder).expect("it can be listed");
        found.extend(entries.map(|entry| entry.expect("an entry can be read").path()));
    }
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|about| about.modified());
    let dated = found.into_iter().map(|path| {
        let changed = changed(&path).expect("a time");
        (path, changed)
    });
    dated.collect()
}

fn counter_with_sales(sales: u64) -> Counter {
    let counter = Counter::with(100);
    let server = serve(&counter);
    for _ in 0..sales {
        server.buy();
    }
    server.terminate();
    counter
}

fn ask(command: &str, counter: &Counter) -> Finished {
    server().args([command, "--db"]).arg(counter.path()).run()
}

/// A start that is refused.
fn refused_start(counter: &Counter) -> Finished {
    server().args(["--listen", "127.0.0.1:0", "--db"]).arg(counter.path()).run()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("the test's own folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("it has a name");
        fs::copy(&path, to.join(name)).expect("the test's own folder");
    }
}

fn repair_dry(counter: &Counter) -> Finished {
    server().args(["repair", "--dry-run", "--db"]).arg(counter.path()).run()
}

/// Flips a bit in a line of the ledger's first segment; its header has the number 1.
fn spoil_line(counter: &Counter, number: usize) {
    let path = counter.ledger().join(format!("{:020}.segment", 1));
    let text = fs::read(&path).expect("a segment");
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(number - 1);
    let place = lines.map(<[u8]>::len).sum::<usize>() + 20;
    let file = File::options().write(true).open(&path).expect("a segment");
    file.write_all_at(&[text[place] ^ 1], place as u64).expect("the test's own file");
}
