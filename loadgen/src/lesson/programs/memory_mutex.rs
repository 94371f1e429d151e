//! `memory-mutex`: a count in memory, read, waited with and written by 100 threads.
//!
//! ```text
//! def take_one():                 def take_one():
//!     global n                        global n
//!     read = n                        with mutex:
//!     sleep(0.1)                          read = n
//!     n = read - 1                        sleep(0.1)
//!                                         n = read - 1
//! ```

use std::{
    sync::{
        Barrier,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::Instant,
};

use parking_lot::Mutex;

use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::Finding,
        timeline::{Doing, Span, most_at_once},
    },
};

const THREADS: u32 = 100;

/// How many threads are told of while they work; the others do the same.
const LOUD: u32 = 3;

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "memory-mutex",
    teaches: "100 threads count down one number, and who wins",
    flags: &["--check-delay"],
    compares_times: true,
    opening: "`n` is 100, and 100 threads take one off each: read n, wait a little, write n-1. \
              One would expect 0. (In Rust the careless version does not even compile with a plain \
              variable; the two separate steps are taken here on an atomic one, so that what goes \
              wrong is the order of the steps and nothing worse.)",
    shows: "Between the reading and the writing others read the same number, and so all of them \
            write the same: their updates are lost. A mutex lets in one thread at a time, from the \
            reading to the writing, and the count is right. The price is that all the waits are \
            now one after the other, so do as little as possible while you hold it.",
    sabotage: "the second run takes no lock",
    product: &[
        Use {
            file: "server/src/counter/lesson/seller.rs",
            what: "sells under such a mutex with `--locking mutex`, and under nothing with \
                   `--locking none`; `loadgen race` shows both.",
        },
        Use {
            file: "server/src/counter/group_commit.rs",
            what: "guards the queue of buyers with a mutex that is held while one of them is decided, \
                   never while anybody waits.",
        },
    ],
    run,
    process: None,
};

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    context.timeline.scene("Without the mutex");
    let without = count_down(context, false);
    context.timeline.scene("With the mutex");
    let with = count_down(context, !context.is_sabotaged);
    for (name, run) in [("without the mutex", &without), ("with the mutex", &with)] {
        context.timeline.figure(&format!("n at the end, {name}"), run.left as f64);
        context.timeline.figure(&format!("time {name}, s"), run.elapsed_s);
    }
    Ok(findings(&without, &with))
}

/// What one run gave.
struct Run {
    left: i64,
    spans: Vec<Span>,
    elapsed_s: f64,
}

/// Lets 100 threads take one off each.
fn count_down(context: &Context, is_locked: bool) -> Run {
    let timeline = &context.timeline;
    let n = AtomicI64::new(i64::from(THREADS));
    let mutex = Mutex::new(());
    let all_are_there = Barrier::new(THREADS as usize);
    let take_one = |number: u32| {
        let who = format!("thread {number}");
        let say = |what: &str| timeline.say_at(monotonic_ns(), &who, what, number <= LOUD);
        all_are_there.wait();
        let came_ns = monotonic_ns();
        let guard = is_locked.then(|| mutex.lock());
        let from_ns = monotonic_ns();
        let read = n.load(Ordering::SeqCst);
        say(&format!("reads {read}"));
        thread::sleep(context.waits.check);
        n.store(read - 1, Ordering::SeqCst);
        say(&format!("writes {}", read - 1));
        let to_ns = monotonic_ns();
        drop(guard);
        if is_locked {
            timeline.bar(&who, Doing::Waits, (came_ns, from_ns));
        }
        timeline.bar(&who, Doing::Works, (from_ns, to_ns));
        (from_ns, to_ns)
    };
    let began = Instant::now();
    let spans = thread::scope(|scope| {
        let take_one = &take_one;
        let threads: Vec<_> =
            (1..=THREADS).map(|number| scope.spawn(move || take_one(number))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let elapsed_s = began.elapsed().as_secs_f64();
    let left = n.into_inner();
    timeline.say("program", &format!("{} more did the same, and n is {left}", THREADS - LOUD));
    Run { left, spans, elapsed_s }
}

fn findings(without: &Run, with: &Run) -> Vec<Finding> {
    vec![
        Finding::lucky(
            "Without the mutex updates are lost",
            without.left > 0,
            format!(
                "n is {} after {} threads took one off: {} updates are lost, with {} threads \
                 between reading and writing at once",
                without.left,
                without.spans.len(),
                without.left,
                most_at_once(&without.spans)
            ),
        ),
        Finding::certain(
            "With the mutex none is lost",
            with.left == 0 && with.spans.len() == THREADS as usize,
            format!("n is {} after {} threads took one off", with.left, with.spans.len()),
        ),
        Finding::certain(
            "With the mutex never two threads are between reading and writing",
            most_at_once(&with.spans) == 1,
            format!("at most {} at once", most_at_once(&with.spans)),
        ),
        Finding::lucky(
            "It costs time: the waits stand one after the other",
            with.elapsed_s > without.elapsed_s,
            format!("{:.2} s without, {:.2} s with", without.elapsed_s, with.elapsed_s),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{judge::Verdict, lesson::finding::worst};

    fn run(left: i64, spans: Vec<Span>, elapsed_s: f64) -> Run {
        Run { left, spans, elapsed_s }
    }

    #[test]
    fn the_verdict_follows_what_was_counted() {
        let crowd: Vec<Span> = (0..100).map(|at| (at, at + 200)).collect();
        let queue: Vec<Span> = (0..100).map(|at| (at * 10, at * 10 + 10)).collect();
        let verdict = |without: &Run, with: &Run| worst(&findings(without, with));
        let raced = || run(99, crowd.clone(), 0.1);
        assert_eq!(verdict(&raced(), &run(0, queue.clone(), 10.0)), Verdict::Valid);
        assert_eq!(verdict(&raced(), &run(1, queue.clone(), 10.0)), Verdict::Violation);
        assert_eq!(verdict(&raced(), &run(0, crowd.clone(), 10.0)), Verdict::Violation);
        assert_eq!(verdict(&run(0, crowd, 0.1), &run(0, queue, 10.0)), Verdict::Unknown);
    }
}
