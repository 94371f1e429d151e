//! `reentrant-lock`: who holds a plain mutex and locks it again waits for ever.
//!
//! ```text
//! lock = Lock()                   lock = RLock()
//! lock.acquire()                  lock.acquire()
//! lock.acquire()  # for ever      lock.acquire()  # let in
//!                                 lock.release()
//!                                 lock.release()
//! ```

use std::{fs, fs::File, io, sync::mpsc, thread};

use fd_lock::RwLock;
use parking_lot::{Mutex, ReentrantMutex};
use serde::{Deserialize, Serialize};

use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::Finding,
        process::{PATIENCE, Role, tell},
        timeline::Doing,
    },
};

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "reentrant-lock",
    teaches: "locking twice: a deadlock with a plain mutex",
    flags: &["--short"],
    compares_times: false,
    opening: "A function takes a lock and calls another one that takes the same lock: nobody else \
              is near, and still it may wait for ever. A reentrant lock knows who holds it, lets \
              the holder in again, and counts how often. The process that is stuck here is watched, \
              and ended after a while.",
    shows: "A plain mutex does not know who holds it, so that its holder waits for itself: a \
            deadlock with one thread. A reentrant one lets its holder in again, and is free for \
            others when it was let go as often as it was taken. `flock` belongs to the open file: \
            two descriptors that were opened apart shut each other out even in one process, while a \
            copy of a descriptor shares the lock.",
    sabotage: "the second process takes a plain mutex too",
    product: &[
        Use {
            file: "server/src/ledger/file/locks.rs",
            what: "needs no reentrant lock: both locks are taken in one function, `hold`, which \
                   borrows the counter mutably, so that a second call while they are held does not \
                   compile. A lock that nobody can take twice needs no count.",
        },
        Use {
            file: "server/src/counter/group_commit.rs",
            what: "takes its mutex in one private function, and calls nothing under it that could take \
                   it again.",
        },
    ],
    run,
    process: Some(process),
};

/// What a process locks twice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Lock {
    Plain,
    Reentrant,
}

/// Somebody who locks twice, in a process that may never end by itself.
fn process(role: &Role) -> io::Result<()> {
    let (plain, reentrant) = (Mutex::new(()), ReentrantMutex::new(()));
    match role.order()? {
        Lock::Plain => lock_twice(&role.who, || plain.lock()),
        Lock::Reentrant => lock_twice(&role.who, || reentrant.lock()),
    }
    Ok(())
}

fn lock_twice<G>(who: &str, lock: impl Fn() -> G) {
    tell(who, "ask", "locks");
    let first = lock();
    tell(who, "first", "holds it, and calls a function that locks it again");
    let second = lock();
    tell(who, "second", "holds it a second time");
    drop(second);
    drop(first);
    tell(who, "done", "has let go of it twice, and ends");
}

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let plain = watch(context, "A plain mutex", "plain", Lock::Plain)?;
    let lock = if context.is_sabotaged { Lock::Plain } else { Lock::Reentrant };
    let reentrant = watch(context, "A reentrant mutex", "reentrant", lock)?;
    context.timeline.scene("A reentrant mutex and another thread");
    let [held_twice, held_once, free] = others_view(context)?;
    context.timeline.scene("flock and two descriptors in one process");
    let flock = descriptors(context).map_err(LessonError::io("lock a file"))?;
    Ok(vec![
        plain_finding(&plain),
        reentrant_finding(&reentrant),
        Finding::certain(
            "It is free for others only when it was let go as often as it was taken",
            !held_twice && !held_once && free,
            format!(
                "another thread was {} while it was held twice, {} while once, {} afterwards",
                let_in(held_twice),
                let_in(held_once),
                let_in(free)
            ),
        ),
        Finding::certain(
            "Two descriptors that were opened apart shut each other out, in one process",
            !flock.apart,
            format!("the second was {} while the first held the lock", let_in(flock.apart)),
        ),
        Finding::certain(
            "A copy of a descriptor shares its lock: one lets go for both",
            flock.copy && flock.apart_after_copy,
            format!(
                "the copy was {} while the first held the lock; when the copy had let go, the \
                 second was {}",
                let_in(flock.copy),
                let_in(flock.apart_after_copy)
            ),
        ),
    ])
}

fn plain_finding(plain: &Watched) -> Finding {
    let claim = "With a plain mutex the holder waits for itself";
    if plain.has_second {
        return Finding::certain(claim, false, "it was let in a second time");
    }
    // Silence alone could be a busy machine: a process that could run would not sleep.
    let seen = "the watchdog heard nothing more, and saw all threads of the process asleep";
    let seen = if plain.is_asleep { seen } else { "it was silent, but not asleep" };
    Finding::lucky(claim, plain.is_asleep, seen)
}

fn reentrant_finding(reentrant: &Watched) -> Finding {
    let claim = "With a reentrant mutex the holder is let in again";
    match (reentrant.has_second, reentrant.is_asleep) {
        (true, _) => Finding::certain(claim, true, "it held the lock twice, and ended by itself"),
        (false, true) => Finding::certain(claim, false, "it was stuck at the second lock"),
        (false, false) => Finding::lucky(claim, false, "it was silent, but not asleep"),
    }
}

fn let_in(is_in: bool) -> &'static str {
    if is_in { "let in" } else { "kept out" }
}

/// What the watchdog saw of one process.
struct Watched {
    has_second: bool,
    is_asleep: bool,
}

/// Watches a process that locks twice, for `--short` and no longer, and ends it.
fn watch(context: &Context, title: &str, who: &str, lock: Lock) -> Result<Watched, LessonError> {
    let timeline = &context.timeline;
    timeline.scene(title);
    let mut processes = context.processes();
    let number = processes.start(who, &lock)?;
    let first_ns = processes.wait_for(who, "first")?;
    // The limit is for silence, from the moment that it has the first lock.
    let second = processes.next("the second lock", context.waits.short);
    let has_second = second.is_ok_and(|(_, line)| line.is_some());
    let watched = Watched { has_second, is_asleep: is_asleep(processes.started[number].pid) };
    if has_second {
        processes.wait_for_all(PATIENCE)?;
        processes.reap(number)?;
    } else {
        timeline.say("watchdog", "hears nothing more, and ends the process");
        processes.kill(number)?;
        timeline.bar(who, Doing::Waits, (first_ns, monotonic_ns()));
    }
    Ok(watched)
}

/// Whether every thread of the process `pid` sleeps: none runs, and none could.
fn is_asleep(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
    })
}

/// Whether another thread is let in while the lock is held twice, held once, and free.
fn others_view(context: &Context) -> Result<[bool; 3], LessonError> {
    let lock = ReentrantMutex::new(());
    let timeline = &context.timeline;
    let (question, questions) = mpsc::channel::<&str>();
    let (answer, answers) = mpsc::channel();
    thread::scope(|scope| {
        let lock = &lock;
        scope.spawn(move || {
            while let Ok(when) = questions.recv() {
                let is_in = lock.try_lock().is_some();
                timeline.say("thread 2", &format!("tries the lock {when}: {}", let_in(is_in)));
                if answer.send(is_in).is_err() {
                    return;
                }
            }
        });
        let late = || LessonError::Late { what: "the other thread".to_owned(), limit: PATIENCE };
        let ask = |when| {
            // Where the other thread is gone there is no answer either.
            let _ = question.send(when);
            answers.recv_timeout(PATIENCE).map_err(|_| late())
        };
        let first = lock.lock();
        let second = lock.lock();
        timeline.say("thread 1", "holds the lock twice");
        let held_twice = ask("that is held twice");
        drop(second);
        let held_once = ask("that is held once");
        drop(first);
        let free = ask("that is free");
        drop(question);
        Ok([held_twice?, held_once?, free?])
    })
}

/// Whether a second way to a locked file is let in.
struct Descriptors {
    apart: bool,
    copy: bool,
    apart_after_copy: bool,
}

fn descriptors(context: &Context) -> io::Result<Descriptors> {
    let path = context.folder.join("locked.txt");
    let mut first = RwLock::new(File::create(&path)?);
    let copy = first.write()?.try_clone()?;
    let mut copy = RwLock::new(copy);
    let mut second = RwLock::new(File::options().write(true).open(&path)?);
    let held = first.write()?;
    context.timeline.say("descriptor 1", "locks the file");
    let apart = is_let_in(second.try_write())?;
    context.timeline.say("descriptor 2", &format!("was opened apart: {}", let_in(apart)));
    let is_copy_in = is_let_in(copy.try_write())?;
    context.timeline.say("a copy of 1", &format!("is the same open file: {}", let_in(is_copy_in)));
    context.timeline.say("a copy of 1", "lets go of the lock");
    let apart_after_copy = is_let_in(second.try_write())?;
    let seen = let_in(apart_after_copy);
    context.timeline.say("descriptor 2", &format!("is {seen}, though 1 has not let go itself"));
    drop(held);
    Ok(Descriptors { apart, copy: is_copy_in, apart_after_copy })
}

fn is_let_in<T>(tried: io::Result<T>) -> io::Result<bool> {
    match tried {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Verdict;

    #[test]
    fn silence_is_a_deadlock_only_where_everybody_sleeps() {
        let watched = |has_second, is_asleep| Watched { has_second, is_asleep };
        assert_eq!(plain_finding(&watched(false, true)).verdict, Verdict::Valid);
        assert_eq!(plain_finding(&watched(false, false)).verdict, Verdict::Unknown);
        assert_eq!(plain_finding(&watched(true, false)).verdict, Verdict::Violation);
        assert_eq!(reentrant_finding(&watched(true, false)).verdict, Verdict::Valid);
        assert_eq!(reentrant_finding(&watched(false, true)).verdict, Verdict::Violation);
        assert_eq!(reentrant_finding(&watched(false, false)).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_thread_that_computes_is_not_asleep() {
        let (stop, stopped) = mpsc::channel::<()>();
        let busy = thread::spawn(move || {
            while matches!(stopped.try_recv(), Err(mpsc::TryRecvError::Empty)) {
                std::hint::spin_loop();
            }
        });
        assert!(!is_asleep(std::process::id()));
        drop(stop);
        busy.join().unwrap();
    }
}
