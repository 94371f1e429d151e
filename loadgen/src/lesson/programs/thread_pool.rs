//! `thread-pool`: ten tasks for four threads that are started once.

use std::{
    panic,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::history::monotonic_ns;
use crate::lesson::{
    error::LessonError,
    event::{Doing, Span, most_at_once},
    finding::Finding,
    play::{Lesson, Play, Use},
    stage::Stage,
    troupe::PATIENCE,
    words::spaced,
};

const WORKERS: usize = 4;
const TASKS: usize = 10;

/// The task that panics, in the second scene.
const BAD: u64 = 7;

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "thread-pool",
    teaches: "ten tasks on four threads that are started once",
    flags: &["--step"],
    compares_times: true,
    opening: "Ten tasks, each n * n with a wait of its own, and four threads that take them one \
              after the other: a pool. `submit` hands a task over and returns at once; the results \
              come in the order in which the tasks complete, unless they are put back in order.",
    shows: "A pool starts its threads once and bounds how many tasks run at a time. A short task \
            that was submitted late may complete early, so that whoever wants the order of the \
            tasks has to keep their numbers. A task that panics has no result, but its thread goes \
            on with the next one; and shutting down lets what was submitted come to its end.",
    sabotage: "the results are not put back in order",
    product: &[
        Use {
            file: "server/src/counter/lesson/seller.rs",
            what: "hands each sale that waits for a lock to Tokio's pool for blocking work, so that \
                   the event loop goes on.",
        },
        Use {
            file: "server/src/http/connections/event_loops.rs",
            what: "is a pool for connections: one thread accepts and deals them out to threads that \
                   were started once.",
        },
    ],
    perform,
};

/// A task's number with its result: `None` where it panicked, or its worker died.
pub(in crate::lesson) type Answer = (u64, Option<u64>);

/// What was seen of the pool.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// In the order in which the tasks completed.
    completed: Vec<Answer>,
    /// As the pool handed them out in the end.
    in_order: Vec<u64>,
    spans: Vec<Span>,
    /// The answers of the scene in which one task panics.
    with_panic: Vec<Answer>,
    /// Whether four tasks could meet after the panic.
    four_met: bool,
    /// What had completed when the pool was told to shut down, and in the end.
    before_end: usize,
    after_end: usize,
    threads_ended: usize,
}

fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    let mut seen = Seen::default();
    play.stage.scene("Submit, and take the results as they complete");
    let (pool, threads) = build(&play.stage)?;
    let submitted = submit_all(play, &pool, None);
    play.stage.say("program", &format!("has submitted {TASKS} tasks, and could do other things"));
    collect(play, &submitted, &mut seen)?;
    seen.in_order = put_in_order(&seen.completed, play.is_sabotaged);
    play.stage.say("program", &format!("in order: {}", spaced(&seen.in_order)));

    play.stage.scene("A task that panics");
    let submitted = submit_all(play, &pool, Some(BAD));
    let mut scene = Seen::default();
    collect(play, &submitted, &mut scene)?;
    seen.with_panic = scene.completed;
    seen.four_met = can_meet(&pool);
    let met = if seen.four_met { "four tasks met: no thread was lost" } else { "a thread is lost" };
    play.stage.say("program", met);

    play.stage.scene("Shutting down");
    shut_down(play, pool, threads, &mut seen)?;
    Ok(judge(play, &seen))
}

/// A pool of four threads, with the handles to wait for their end.
fn build(stage: &Stage) -> Result<(ThreadPool, Vec<JoinHandle<()>>), LessonError> {
    let mut handles = Vec::new();
    let stage = stage.clone();
    let pool = ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        // The panic is a result here; without this the pool would end the program.
        .panic_handler(|_| {})
        .spawn_handler(|worker| {
            let stage = stage.clone();
            handles.push(thread::Builder::new().spawn(move || {
                let who = format!("worker {}", worker.index() + 1);
                worker.run();
                stage.say(&who, "ends");
            })?);
            Ok(())
        })
        .build()
        .map_err(|error| LessonError::io("start a pool")(std::io::Error::other(error)))?;
    Ok((pool, handles))
}

/// What a task sends when it is over, in whatever way.
struct Report {
    n: u64,
    square: Option<u64>,
    span: Span,
    stage: Stage,
    to: Sender<(Answer, Span)>,
}

impl Drop for Report {
    fn drop(&mut self) {
        self.span.1 = monotonic_ns();
        let who = worker();
        let doing = if self.square.is_some() { Doing::Works } else { Doing::Killed };
        self.stage.bar(&who, doing, self.span.0, self.span.1);
        // Nobody waits any more where the lesson was given up.
        let _ = self.to.send(((self.n, self.square), self.span));
    }
}

/// Submits ten tasks; their results come through the channel.
fn submit_all(play: &Play, pool: &ThreadPool, bad: Option<u64>) -> Receiver<(Answer, Span)> {
    let (results, completed) = mpsc::channel();
    for n in 1..=TASKS as u64 {
        let (stage, to) = (play.stage.clone(), results.clone());
        let wait = play.waits.step * steps(n);
        pool.spawn(move || {
            let span = (monotonic_ns(), 0);
            let mut report = Report { n, square: None, span, stage, to };
            report.stage.say(&worker(), &format!("takes task {n}"));
            thread::sleep(wait);
            if bad == Some(n) {
                report.stage.say(&worker(), &format!("panics in task {n}"));
                // As `panic!`, without the message that would stand amidst the lesson's words.
                panic::resume_unwind(Box::new("as the lesson wants it"));
            }
            report.square = Some(n * n);
        });
    }
    completed
}

/// How many steps task `n` takes. The first takes most: submitted first, it completes late.
pub(in crate::lesson) fn steps(n: u64) -> u32 {
    if n == 1 { 4 } else { 1 + u32::from(n.is_multiple_of(3)) }
}

fn worker() -> String {
    rayon::current_thread_index()
        .map_or_else(|| "program".to_owned(), |index| format!("worker {}", index + 1))
}

fn collect(
    play: &Play,
    submitted: &Receiver<(Answer, Span)>,
    seen: &mut Seen,
) -> Result<(), LessonError> {
    for _ in 0..TASKS {
        let ((n, square), span) = submitted
            .recv_timeout(PATIENCE)
            .map_err(|_| LessonError::Late { what: "a task".to_owned(), limit: PATIENCE })?;
        let told = square.map_or("panicked: no result".to_owned(), |square| square.to_string());
        play.stage.say("program", &format!("result of task {n}: {told}"));
        seen.completed.push((n, square));
        seen.spans.push(span);
    }
    Ok(())
}

/// The results in the order of the tasks, whatever the order in which they completed.
pub(in crate::lesson) fn put_in_order(completed: &[Answer], is_sabotaged: bool) -> Vec<u64> {
    let mut answers = completed.to_vec();
    if !is_sabotaged {
        answers.sort_unstable_by_key(|(n, _)| *n);
    }
    answers.into_iter().filter_map(|(_, square)| square).collect()
}

/// Whether four tasks can be at work at once: each waits, up to a limit, until four have come.
fn can_meet(pool: &ThreadPool) -> bool {
    let room = Arc::new((Mutex::new(0), Condvar::new()));
    for _ in 0..WORKERS {
        let room = Arc::clone(&room);
        pool.spawn(move || {
            let (come, changed) = &*room;
            let mut come = come.lock().unwrap_or_else(PoisonError::into_inner);
            *come += 1;
            changed.notify_all();
            let _ = changed.wait_timeout_while(come, PATIENCE, |come| *come < WORKERS);
        });
    }
    let (come, changed) = &*room;
    let come = come.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = changed.wait_timeout_while(come, PATIENCE, |come| *come < WORKERS);
    waited.is_ok_and(|(come, _)| *come == WORKERS)
}

/// Submits ten more tasks, shuts the pool down at once, and waits for its threads.
fn shut_down(
    play: &Play,
    pool: ThreadPool,
    threads: Vec<JoinHandle<()>>,
    seen: &mut Seen,
) -> Result<(), LessonError> {
    let submitted = submit_all(play, &pool, None);
    play.stage.say("program", "submits ten more, and shuts the pool down at once");
    seen.before_end = submitted.try_iter().count();
    drop(pool);
    for thread in threads {
        seen.threads_ended += usize::from(thread.join().is_ok());
    }
    seen.after_end = seen.before_end + submitted.try_iter().count();
    play.stage.say(
        "program",
        &format!("{} tasks are done, {} threads have ended", seen.after_end, seen.threads_ended),
    );
    Ok(())
}

fn judge(play: &Play, seen: &Seen) -> Vec<Finding> {
    let calm = play.calm(play.waits.step);
    let order: Vec<u64> = seen.completed.iter().map(|(n, _)| *n).collect();
    let squares: Vec<u64> = (1..=TASKS as u64).map(|n| n * n).collect();
    let at_once = most_at_once(&seen.spans);
    let good = seen.with_panic.iter().filter(|(n, square)| *square == Some(n * n)).count();
    let bad_has_none = seen.with_panic.contains(&(BAD, None));
    vec![
        Finding::certain(
            "Never more than four tasks run at once",
            at_once <= WORKERS,
            format!("{at_once} at once at most"),
        ),
        Finding::timed(
            "All four threads are used",
            at_once == WORKERS,
            calm,
            format!("{at_once} at once"),
        ),
        Finding::timed(
            "Results come as the tasks complete, and not as they were submitted",
            order.len() == TASKS && !order.is_sorted(),
            calm,
            format!("completed in the order {}", spaced(&order)),
        ),
        Finding::certain(
            "Put back in order, they are the squares from 1 to 100",
            seen.in_order == squares,
            spaced(&seen.in_order),
        ),
        Finding::certain(
            "A task that panics has no result, and all others have theirs",
            good == TASKS - 1 && bad_has_none,
            format!("{good} results, {} of task {BAD}", if bad_has_none { "none" } else { "one" }),
        ),
        Finding::certain(
            "Its thread goes on: four tasks can still run at once",
            seen.four_met,
            if seen.four_met { "four tasks met" } else { "four tasks did not meet" },
        ),
        Finding::certain(
            "Shutting down lets every submitted task end, and then the threads",
            seen.after_end == TASKS && seen.threads_ended == WORKERS,
            format!(
                "{} of {TASKS} tasks were done when the pool was told to shut down, {} in the end; \
                 {} of {WORKERS} threads have ended",
                seen.before_end, seen.after_end, seen.threads_ended
            ),
        ),
    ]
}
