//! `join`: where a program waits for its threads decides whether they run side by side.
//!
//! ```text
//! for n in 1, 2, 3:               for n in 1, 2, 3:
//!     t = Thread(target=work)         threads[n].start()
//!     t.start()                   for n in 1, 2, 3:
//!     t.join()                        threads[n].join()
//! ```

use std::{mem, thread, time::Instant};

use parking_lot::Mutex;

use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::{Finding, spaced},
        timeline::{Doing, Span, most_at_once},
    },
};

const THREADS: usize = 3;
const STEPS: u32 = 5;

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "join",
    teaches: "waiting inside the loop makes threads run one by one",
    flags: &["--step"],
    compares_times: true,
    opening: "A thread is a second line of work inside one program. `spawn` starts one and goes on \
              at once; `join` waits until it has ended. Three threads take five steps each, and \
              the only difference between the two runs is where the `join` stands.",
    shows: "Joined inside the loop, each thread is over before the next one starts: three threads, \
            and never two at work. Joined after the loop, all three are at work together, and the \
            whole takes as long as one of them. So start them all first, and wait afterwards.",
    sabotage: "the second run joins inside the loop too",
    product: &[
        Use {
            file: "loadgen/src/worker/fleet/thread.rs",
            what: "starts every worker of a race before anybody is waited for; a barrier holds them \
                   until all are there.",
        },
        Use {
            file: "server/src/http/connections/event_loops.rs",
            what: "starts a thread for each event loop, and joins them after the loop, when the \
                   server ends.",
        },
    ],
    run,
    process: None,
};

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    context.timeline.scene("Joined inside the loop");
    let inside = join_inside_the_loop(context);
    context.timeline.scene("Joined after the loop");
    let join = if context.is_sabotaged { join_inside_the_loop } else { join_after_the_loop };
    let after = join(context);
    for (name, run) in [("joined inside the loop", &inside), ("joined after the loop", &after)] {
        context.timeline.figure(&format!("{name}, s"), run.elapsed_s);
    }
    Ok(findings(context, &inside, &after))
}

/// What one run gave.
#[derive(Default)]
struct Run {
    /// Each thread's work, from its first step to its last.
    spans: Vec<Span>,
    /// Which thread took each step, in the order of the steps.
    steps: Vec<usize>,
    elapsed_s: f64,
}

fn join_inside_the_loop(context: &Context) -> Run {
    let timeline = &context.timeline;
    let seen = &Mutex::new(Run::default());
    let began = Instant::now();
    thread::scope(|scope| {
        for number in 1..=THREADS {
            timeline.say("program", &format!("starts thread {number}"));
            let thread = scope.spawn(move || work(context, number, seen));
            timeline.say("program", &format!("waits for thread {number}"));
            let _ = timeline.during("program", Doing::Waits, || thread.join());
        }
    });
    goes_on(context, began, seen)
}

fn join_after_the_loop(context: &Context) -> Run {
    let timeline = &context.timeline;
    let seen = &Mutex::new(Run::default());
    let began = Instant::now();
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for number in 1..=THREADS {
            timeline.say("program", &format!("starts thread {number}"));
            threads.push(scope.spawn(move || work(context, number, seen)));
        }
        timeline.say("program", "waits for all three");
        timeline.during("program", Doing::Waits, || {
            for thread in threads {
                let _ = thread.join();
            }
        });
    });
    goes_on(context, began, seen)
}

/// What each thread does: five steps.
fn work(context: &Context, number: usize, seen: &Mutex<Run>) {
    let who = format!("thread {number}");
    let from_ns = monotonic_ns();
    for nth in 1..=STEPS {
        context.timeline.say(&who, &format!("step {nth} of {STEPS}"));
        seen.lock().steps.push(number);
        thread::sleep(context.waits.step);
    }
    let span = (from_ns, monotonic_ns());
    context.timeline.bar(&who, Doing::Works, span);
    seen.lock().spans.push(span);
}

fn goes_on(context: &Context, began: Instant, seen: &Mutex<Run>) -> Run {
    let elapsed_s = began.elapsed().as_secs_f64();
    context.timeline.say("program", "goes on");
    Run { elapsed_s, ..mem::take(&mut *seen.lock()) }
}

fn findings(context: &Context, inside: &Run, after: &Run) -> Vec<Finding> {
    let delay = context.lateness.beyond(context.waits.step * STEPS);
    let all_steps = THREADS * STEPS as usize;
    vec![
        Finding::certain(
            "Both runs do the same work",
            inside.steps.len() == all_steps && after.steps.len() == all_steps,
            format!("{} steps and {} steps", inside.steps.len(), after.steps.len()),
        ),
        Finding::certain(
            "Joined inside the loop, never two threads are at work at once",
            most_at_once(&inside.spans) == 1 && inside.steps.is_sorted(),
            format!(
                "at most {} at once, steps taken by {}",
                most_at_once(&inside.spans),
                spaced(&inside.steps)
            ),
        ),
        Finding::timed(
            "Joined after the loop, all three are at work at once",
            most_at_once(&after.spans) == THREADS && !after.steps.is_sorted(),
            delay,
            format!(
                "at most {} at once, steps taken by {}",
                most_at_once(&after.spans),
                spaced(&after.steps)
            ),
        ),
        Finding::timed(
            "The run that joins after the loop is over sooner",
            after.elapsed_s < inside.elapsed_s * 0.9,
            delay,
            format!("{:.2} s inside the loop, {:.2} s after it", inside.elapsed_s, after.elapsed_s),
        ),
    ]
}
