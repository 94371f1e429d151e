//! `file-mutex`: 100 processes search and get on one file, without a lock and with it.
//!
//! ```text
//! def search():
//!     print(json.load(open("db.txt"))["count"])
//!
//! def get():
//!     db = json.load(open("db.txt"))
//!     sleep(0.1)
//!     if db["count"] > 0:
//!         db["count"] -= 1
//!         sleep(0.2)
//!         json.dump(db, open("db.txt", "w"))
//! ```

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use fd_lock::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::lesson::{
    definition::{Context, Lesson, Use},
    error::LessonError,
    finding::Finding,
    process::{PATIENCE, Processes, Role, next_order, tell, tell_quietly},
    timeline::{Doing, Span, Timeline, most_at_once},
};

const BUYERS: usize = 100;
const TICKETS: u64 = 10;

/// How many buyers are told of while they buy; the others do the same.
const LOUD: usize = 3;

/// The length of the file, so that one write replaces all of it.
const LENGTH: usize = 64;

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "file-mutex",
    teaches: "100 processes sell 10 tickets from a file: the race",
    flags: &["--check-delay", "--write-delay"],
    compares_times: true,
    opening: "`db.txt` says how many tickets are left: 10. A hundred processes each search (read the \
              count) and then get: read, wait, check that one is left, wait, write one less. \
              Processes share no memory, so that no mutex of a program can keep them apart; a lock \
              on the file itself, `flock`, can.",
    shows: "Without the lock everybody reads the count before anybody has written it, and so almost \
            everybody is sold the same ticket. With the lock, which is held from the reading to the \
            writing, exactly 10 are sold, and the file says 0. It costs: the buyers stand in a \
            queue, and each of them waits for all before.",
    sabotage: "the second run takes no lock",
    product: &[
        Use {
            file: "server/src/ledger/file/locks.rs",
            what: "takes the same lock for every turn of a server, so that several servers, a shell \
                   script and an editor can share one counter.",
        },
        Use {
            file: "server/src/counter/group_commit.rs",
            what: "pays for the lock once for all who wait: group commit, which is why `--locking \
                   group` is fast.",
        },
        Use {
            file: "loadgen/src/shop/db_file/session.rs",
            what: "is this lesson as a shop: `loadgen race --direct`.",
        },
    ],
    run,
    process: Some(process),
};

/// Somebody who buys.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Buyer {
    path: PathBuf,
    is_locked: bool,
    check_delay: Duration,
    write_delay: Duration,
    is_loud: bool,
}

/// One buyer: searches, and then gets.
fn process(role: &Role) -> io::Result<()> {
    let buyer: Buyer = role.order()?;
    let tell = if buyer.is_loud { tell } else { tell_quietly };
    let say = |act: &str, says: &str| tell(&role.who, act, says);
    let file = File::options().read(true).write(true).open(&buyer.path)?;
    tell_quietly(&role.who, "ready", "is ready");
    if next_order().is_none() {
        return Ok(());
    }
    say("search", &format!("searches: {} left", read(&file)?));
    say("come", if buyer.is_locked { "asks for the lock" } else { "asks for no lock" });
    let mut lock = RwLock::new(file.try_clone()?);
    let guard = if buyer.is_locked { Some(lock.write()?) } else { None };
    let count = read(&file)?;
    say("read", &format!("reads {count}"));
    thread::sleep(buyer.check_delay);
    if count > 0 {
        thread::sleep(buyer.write_delay);
        write(&file, count - 1)?;
        say("sold", &format!("writes {}: has a ticket", count - 1));
    } else {
        say("sold_out", "finds it sold out");
    }
    drop(guard);
    Ok(())
}

fn read(file: &File) -> io::Result<u64> {
    let mut text = [0; LENGTH];
    file.read_exact_at(&mut text, 0)?;
    let json: Value = serde_json::from_slice(&text)?;
    json["count"].as_u64().ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Replaces the whole file with one write of constant length, so that no reader sees a half.
fn write(file: &File, count: u64) -> io::Result<()> {
    file.write_all_at(image(count).as_bytes(), 0)
}

fn image(count: u64) -> String {
    format!("{:1$}\n", json!({ "count": count }).to_string(), LENGTH - 1)
}

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    context.timeline.scene("Without the lock");
    let without = sell(context, false)?;
    context.timeline.scene("With the lock");
    let with = sell(context, !context.is_sabotaged)?;
    for (name, run) in [("without the lock", &without), ("with the lock", &with)] {
        context.timeline.figure(&format!("sold {name}"), run.sold as f64);
        context.timeline.figure(&format!("left in db.txt {name}"), run.left as f64);
        context.timeline.figure(&format!("time {name}, s"), run.elapsed_s);
    }
    Ok(findings(&without, &with))
}

/// What one run gave.
#[derive(Clone, Debug, Default)]
struct Run {
    sold: usize,
    sold_out: usize,
    left: u64,
    /// From the reading to the writing.
    spans: Vec<Span>,
    elapsed_s: f64,
}

/// Lets 100 processes buy from a fresh file.
fn sell(context: &Context, is_locked: bool) -> Result<Run, LessonError> {
    let timeline = &context.timeline;
    let (check_delay, write_delay) = (context.waits.check, context.waits.write);
    let path = context.folder.join("db.txt");
    fs::write(&path, image(TICKETS)).map_err(LessonError::io("write `db.txt`"))?;
    let mut processes = context.processes();
    for number in 1..=BUYERS {
        let (path, is_loud) = (path.clone(), number <= LOUD);
        let buyer = Buyer { path, is_locked, check_delay, write_delay, is_loud };
        processes.start(&format!("buyer {number}"), &buyer)?;
    }
    let mut ready = 0;
    while ready < BUYERS {
        let (_, line) = processes.next("the buyers to be ready", PATIENCE)?;
        ready += usize::from(line.is_some_and(|line| line.act == "ready"));
    }
    timeline.say("program", &format!("{BUYERS} processes are ready, now they may buy"));
    let began = Instant::now();
    for number in 0..BUYERS {
        processes.send(number, "go");
    }
    processes.wait_for_all(PATIENCE + check_delay + write_delay)?;
    let mut run = count(&processes, timeline);
    run.elapsed_s = began.elapsed().as_secs_f64();
    let left = File::open(&path).and_then(|file| read(&file));
    run.left = left.map_err(LessonError::io("read `db.txt`"))?;
    let (sold, sold_out, left) = (run.sold, run.sold_out, run.left);
    let told = format!("all have bought: {sold} sold, {sold_out} sold out, db.txt says {left}");
    timeline.say("program", &told);
    Ok(run)
}

/// Counts what the buyers were told, and draws it.
fn count(processes: &Processes, timeline: &Timeline) -> Run {
    let mut run = Run::default();
    for number in 1..=BUYERS {
        let who = format!("buyer {number}");
        let (sold, sold_out) = (processes.at(&who, "sold"), processes.at(&who, "sold_out"));
        run.sold += usize::from(sold.is_some());
        run.sold_out += usize::from(sold_out.is_some());
        let (came, read) = (processes.at(&who, "come"), processes.at(&who, "read"));
        if let (Some(came_ns), Some(from_ns), Some(to_ns)) = (came, read, sold.or(sold_out)) {
            timeline.bar(&who, Doing::Waits, (came_ns, from_ns));
            timeline.bar(&who, Doing::Works, (from_ns, to_ns));
            run.spans.push((from_ns, to_ns));
        }
    }
    run
}

fn findings(without: &Run, with: &Run) -> Vec<Finding> {
    let told = |run: &Run| {
        format!(
            "{} of {BUYERS} were sold one of {TICKETS} tickets, {} were told \"sold out\", and \
             db.txt says {}",
            run.sold, run.sold_out, run.left
        )
    };
    let answered = |run: &Run| run.sold + run.sold_out == BUYERS;
    let mut seen = vec![Finding::lucky(
        "Without the lock more tickets are sold than there are",
        without.sold as u64 > TICKETS,
        told(without),
    )];
    if !answered(with) {
        seen.push(Finding::lucky("Every buyer gets an answer", false, told(with)));
        return seen;
    }
    seen.extend([
        Finding::certain(
            "With the lock exactly as many are sold as there are, and db.txt says so",
            with.sold as u64 == TICKETS && with.left == 0,
            told(with),
        ),
        Finding::certain(
            "With the lock never two buyers are between reading and writing",
            most_at_once(&with.spans) == 1,
            format!(
                "at most {} at once, without the lock {}",
                most_at_once(&with.spans),
                most_at_once(&without.spans)
            ),
        ),
        Finding::lucky(
            "It costs time: the buyers stand in a queue",
            with.elapsed_s > without.elapsed_s,
            format!("{:.2} s without, {:.2} s with", without.elapsed_s, with.elapsed_s),
        ),
    ]);
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{judge::Verdict, lesson::finding::worst};

    fn run(sold: usize, left: u64, at_once: bool) -> Run {
        let place = |n: u64| if at_once { (n, n + 1_000) } else { (n * 10, n * 10 + 10) };
        Run {
            sold,
            sold_out: BUYERS - sold,
            left,
            spans: (0..100).map(place).collect(),
            elapsed_s: if at_once { 0.3 } else { 12.0 },
        }
    }

    #[test]
    fn the_verdict_follows_what_was_counted() {
        let raced = run(100, 9, true);
        let verdict = |without: &Run, with: &Run| worst(&findings(without, with));
        assert_eq!(verdict(&raced, &run(10, 0, false)), Verdict::Valid);
        assert_eq!(verdict(&raced, &raced), Verdict::Violation);
        assert_eq!(verdict(&raced, &run(11, 0, false)), Verdict::Violation);
        assert_eq!(verdict(&raced, &run(10, 1, false)), Verdict::Violation);
        assert_eq!(verdict(&run(10, 0, false), &run(10, 0, false)), Verdict::Unknown);
        let silent = Run { sold_out: 89, ..run(10, 0, false) };
        assert_eq!(verdict(&raced, &silent), Verdict::Unknown);
    }

    #[test]
    fn the_file_is_one_line_of_constant_length() {
        assert_eq!(image(7).len(), LENGTH);
        assert_eq!(image(100).trim_end(), r#"{"count":100}"#);
    }
}
