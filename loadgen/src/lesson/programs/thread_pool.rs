//! `thread-pool`: ten tasks for four threads that are started once.
//!
//! ```text
//! with ThreadPoolExecutor(4) as pool:
//!     tasks = [pool.submit(square, n) for n in range(1, 11)]
//!     for task in as_completed(tasks):
//!         print(task.result())
//! ```

use std::{
    io, panic,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use parking_lot::{Condvar, Mutex};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::{Finding, spaced},
        process::PATIENCE,
        timeline::{Doing, Span, Timeline, most_at_once},
    },
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
    run,
    process: None,
};

/// A task's number with its result: `None` where it panicked, or its worker died.
pub(super) type Answer = (u64, Option<u64>);

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let timeline = &context.timeline;
    let mut seen = Seen::default();
    timeline.scene("Submit, and take the results as they complete");
    let (pool, threads) = start_pool(timeline)?;
    let submitted = submit_all(context, &pool, None);
    timeline.say("program", &format!("has submitted {TASKS} tasks, and could do other things"));
    (seen.completed, seen.spans) = collect(context, &submitted)?.into_iter().unzip();
    seen.in_order = put_in_order(&seen.completed, context.is_sabotaged);
    timeline.say("program", &format!("in order: {}", spaced(&seen.in_order)));

    timeline.scene("A task that panics");
    let submitted = submit_all(context, &pool, Some(BAD));
    seen.with_panic = collect(context, &submitted)?.into_iter().map(|(answer, _)| answer).collect();
    seen.four_met = can_meet(&pool);
    let met = if seen.four_met { "four tasks met: no thread was lost" } else { "a thread is lost" };
    timeline.say("program", met);

    timeline.scene("Shutting down");
    shut_down(context, pool, threads, &mut seen)?;
    Ok(findings(context, &seen))
}

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

/// A pool of four threads, with the handles to wait for their end.
fn start_pool(timeline: &Timeline) -> Result<(ThreadPool, Vec<JoinHandle<()>>), LessonError> {
    let mut handles = Vec::new();
    let pool = ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        // The panic is a result here; without this the pool would end the program.
        .panic_handler(|_| {})
        .spawn_handler(|worker| {
            let timeline = timeline.clone();
            handles.push(thread::Builder::new().spawn(move || {
                let who = format!("worker {}", worker.index() + 1);
                worker.run();
                timeline.say(&who, "ends");
            })?);
            Ok(())
        })
        .build()
        .map_err(|error| LessonError::io("start a pool")(io::Error::other(error)))?;
    Ok((pool, handles))
}

/// What a task sends when it is over, in whatever way.
struct Report {
    n: u64,
    square: Option<u64>,
    span: Span,
    timeline: Timeline,
    to: Sender<(Answer, Span)>,
}

impl Drop for Report {
    fn drop(&mut self) {
        self.span.1 = monotonic_ns();
        let who = worker();
        let doing = if self.square.is_some() { Doing::Works } else { Doing::Killed };
        self.timeline.bar(&who, doing, self.span);
        // Nobody waits any more where the lesson was given up.
        let _ = self.to.send(((self.n, self.square), self.span));
    }
}

/// Submits ten tasks; their results come through the channel.
fn submit_all(context: &Context, pool: &ThreadPool, bad: Option<u64>) -> Receiver<(Answer, Span)> {
    let (results, completed) = mpsc::channel();
    for n in 1..=TASKS as u64 {
        let (timeline, to) = (context.timeline.clone(), results.clone());
        let wait = context.waits.step * steps(n);
        pool.spawn(move || {
            let span = (monotonic_ns(), 0);
            let mut report = Report { n, square: None, span, timeline, to };
            report.timeline.say(&worker(), &format!("takes task {n}"));
            thread::sleep(wait);
            if bad == Some(n) {
                report.timeline.say(&worker(), &format!("panics in task {n}"));
                // As `panic!`, without the message that would stand amidst the lesson's words.
                panic::resume_unwind(Box::new("as the lesson wants it"));
            }
            report.square = Some(n * n);
        });
    }
    completed
}

/// How many steps task `n` takes. The first takes most: submitted first, it completes late.
pub(super) fn steps(n: u64) -> u32 {
    if n == 1 { 4 } else { 1 + u32::from(n.is_multiple_of(3)) }
}

fn worker() -> String {
    rayon::current_thread_index()
        .map_or_else(|| "program".to_owned(), |index| format!("worker {}", index + 1))
}

/// Takes the results as the tasks complete.
fn collect(
    context: &Context,
    submitted: &Receiver<(Answer, Span)>,
) -> Result<Vec<(Answer, Span)>, LessonError> {
    let mut completed = Vec::new();
    while completed.len() < TASKS {
        let late = |_| LessonError::Late { what: "a task".to_owned(), limit: PATIENCE };
        let ((n, square), span) = submitted.recv_timeout(PATIENCE).map_err(late)?;
        let told = square.map_or("panicked: no result".to_owned(), |square| square.to_string());
        context.timeline.say("program", &format!("result of task {n}: {told}"));
        completed.push(((n, square), span));
    }
    Ok(completed)
}

/// The results in the order of the tasks, whatever the order in which they completed.
pub(super) fn put_in_order(completed: &[Answer], is_sabotaged: bool) -> Vec<u64> {
    let mut answers = completed.to_vec();
    if !is_sabotaged {
        answers.sort_unstable_by_key(|(n, _)| *n);
    }
    answers.into_iter().filter_map(|(_, square)| square).collect()
}

/// Whether four tasks can be at work at once: each waits, up to a limit, until four have come.
fn can_meet(pool: &ThreadPool) -> bool {
    let meeting = Arc::new((Mutex::new(0), Condvar::new()));
    let come_and_wait = |meeting: &(Mutex<usize>, Condvar), comes: usize| {
        let (come, changed) = meeting;
        let mut come = come.lock();
        *come += comes;
        changed.notify_all();
        changed.wait_while_for(&mut come, |come| *come < WORKERS, PATIENCE);
        *come == WORKERS
    };
    for _ in 0..WORKERS {
        let meeting = Arc::clone(&meeting);
        pool.spawn(move || {
            come_and_wait(&meeting, 1);
        });
    }
    come_and_wait(&meeting, 0)
}

/// Submits ten more tasks, shuts the pool down at once, and waits for its threads.
fn shut_down(
    context: &Context,
    pool: ThreadPool,
    threads: Vec<JoinHandle<()>>,
    seen: &mut Seen,
) -> Result<(), LessonError> {
    let submitted = submit_all(context, &pool, None);
    context.timeline.say("program", "submits ten more, and shuts the pool down at once");
    seen.before_end = submitted.try_iter().count();
    drop(pool);
    for thread in threads {
        seen.threads_ended += usize::from(thread.join().is_ok());
    }
    seen.after_end = seen.before_end + submitted.try_iter().count();
    context.timeline.say(
        "program",
        &format!("{} tasks are done, {} threads have ended", seen.after_end, seen.threads_ended),
    );
    Ok(())
}

fn findings(context: &Context, seen: &Seen) -> Vec<Finding> {
    let delay = context.lateness.beyond(context.waits.step);
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
            delay,
            format!("{at_once} at once"),
        ),
        Finding::timed(
            "Results come as the tasks complete, and not as they were submitted",
            order.len() == TASKS && !order.is_sorted(),
            delay,
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
