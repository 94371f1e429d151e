//! `join`: where a program waits for its threads decides whether they run side by side.

use std::{sync::Mutex, thread, time::Instant};

use crate::history::monotonic_ns;
use crate::lesson::{
    error::LessonError,
    event::{Doing, Span, most_at_once},
    finding::Finding,
    play::{Lesson, Play, Use},
    stage::Stage,
    words::spaced,
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
    perform,
};

/// What one run gave.
struct Run {
    /// Each thread's work, from its first step to its last.
    spans: Vec<Span>,
    /// Which thread took each step, in the order of the steps.
    steps: Vec<usize>,
    elapsed_s: f64,
}

fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    play.stage.scene("Joined inside the loop");
    let inside = run(play, true);
    play.stage.scene("Joined after the loop");
    let after = run(play, play.is_sabotaged);
    for (name, run) in [("joined inside the loop", &inside), ("joined after the loop", &after)] {
        play.stage.figure(&format!("{name}, s"), run.elapsed_s);
    }
    Ok(judge(play, &inside, &after))
}

/// Three threads of five steps, joined one by one or all at the end.
fn run(play: &Play, is_joined_inside: bool) -> Run {
    let stage = &play.stage;
    let steps = Mutex::new(Vec::new());
    let work = |number: usize| work(stage, number, play.waits.step, &steps);
    let began = Instant::now();
    let spans = thread::scope(|scope| {
        let mut started = Vec::new();
        let mut spans = Vec::new();
        for number in 1..=THREADS {
            stage.say("program", &format!("starts thread {number}"));
            let thread = scope.spawn(move || work(number));
            if is_joined_inside {
                stage.say("program", &format!("waits for thread {number}"));
                spans.push(stage.during("program", Doing::Waits, || thread.join()));
            } else {
                started.push(thread);
            }
        }
        if is_joined_inside {
            return spans;
        }
        stage.say("program", "waits for all three");
        let rest = || started.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>();
        spans.extend(stage.during("program", Doing::Waits, rest));
        spans
    });
    let elapsed_s = began.elapsed().as_secs_f64();
    stage.say("program", "goes on");
    // A thread that panicked has no span, and is found out by the steps that are missing.
    let spans = spans.into_iter().flatten().collect();
    Run { spans, steps: steps.into_inner().unwrap_or_default(), elapsed_s }
}

fn work(
    stage: &Stage,
    number: usize,
    step: std::time::Duration,
    steps: &Mutex<Vec<usize>>,
) -> Span {
    let who = format!("thread {number}");
    let from_ns = monotonic_ns();
    for nth in 1..=STEPS {
        stage.say(&who, &format!("step {nth} of {STEPS}"));
        steps.lock().expect("no step panics").push(number);
        thread::sleep(step);
    }
    let to_ns = monotonic_ns();
    stage.bar(&who, Doing::Works, from_ns, to_ns);
    (from_ns, to_ns)
}

fn judge(play: &Play, inside: &Run, after: &Run) -> Vec<Finding> {
    let calm = play.calm(play.waits.step * STEPS);
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
            calm,
            format!(
                "at most {} at once, steps taken by {}",
                most_at_once(&after.spans),
                spaced(&after.steps)
            ),
        ),
        Finding::timed(
            "The run that joins after the loop is over sooner",
            after.elapsed_s < inside.elapsed_s * 0.9,
            calm,
            format!("{:.2} s inside the loop, {:.2} s after it", inside.elapsed_s, after.elapsed_s),
        ),
    ]
}
