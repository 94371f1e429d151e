//! `cpu-or-io`: four tasks that compute and four that wait, on one thread, four threads, and four
//! processes.

mod python;
mod tasks;

use std::thread;

use serde::{Deserialize, Serialize};

pub(in crate::lesson) use self::python::play_python;
use self::tasks::{Measured, Task, computing, most_on_core, perform as perform_task};
use crate::history::monotonic_ns;
use crate::lesson::{
    cast::{Line, Part, Role, Tie, tell, tell_line},
    error::LessonError,
    event::{Doing, Span, most_at_once},
    finding::Finding,
    play::{Lesson, Play, Use, whole_ns},
    troupe::{PATIENCE, Troupe},
};

const TASKS: usize = 4;

/// How often tasks are given the chance to be on two cores at once.
const TRIES: u32 = 12;

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "cpu-or-io",
    teaches: "what threads and processes win, and for which work",
    flags: &["--step", "--python"],
    compares_times: false,
    opening: "Work is of two kinds: computing needs a core, and waiting (for a disk, a network, a \
              person) needs nothing but time. Four tasks of each kind are done on one thread, on \
              four threads, and by four processes. A task that computes notes when it was on a \
              core, so that it can be seen which of them ran at the same moment.",
    shows: "Waiting overlaps as often as one likes, and so four threads wait no longer than one. \
            Computing is bounded by the cores, and in Rust threads use them all; processes do too, \
            but each costs its start. CPython's threads wait at the same time and compute one by \
            one, under its global interpreter lock, which Rust does not have (`--python` \
            shows it).",
    sabotage: "the four threads are joined inside the loop",
    product: &[
        Use {
            file: "server/src/http/connections/event_loops.rs",
            what: "serves many connections that wait on one event loop a core: one thread can wait \
                   for thousands.",
        },
        Use {
            file: "loadgen/src/worker/fleet/run.rs",
            what: "runs the workers of a race as processes, threads or tasks (`--mode`): they wait \
                   most of the time, so tasks are cheapest, and processes are what the lesson had.",
        },
    ],
    perform,
};

/// What a process does with its tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::lesson) struct Tasks {
    task: Task,
    how: How,
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    /// Nothing; says how fast it computes.
    Measure,
    /// One after the other, on one thread.
    One,
    /// On a thread each.
    Threads,
}

/// What one way of doing the four tasks gave.
#[derive(Clone, Debug, Default)]
struct Way {
    name: &'static str,
    tasks: Vec<Measured>,
    elapsed_s: f64,
    /// From the order to start one to its first instruction, at best: others may be in the way.
    start_us: f64,
}

impl Way {
    fn spans(&self) -> Vec<Span> {
        self.tasks.iter().map(|task| task.span).collect()
    }

    /// How many cores it used on average, from the first start to the last end.
    fn cores(&self) -> f64 {
        let spans = self.spans();
        let from_ns = spans.iter().map(|span| span.0).min().unwrap_or(0);
        let to_ns = spans.iter().map(|span| span.1).max().unwrap_or(0);
        let cpu_ns = self.tasks.iter().map(|task| task.cpu_ns).sum::<u64>();
        cpu_ns as f64 / to_ns.saturating_sub(from_ns).max(1) as f64
    }
}

/// The three ways, for one kind of task.
type Ways = [Way; 3];

/// Plays one process with its tasks.
pub(in crate::lesson) fn play(who: &str, tasks: &Tasks) {
    tell(who, "begin", "begins");
    let measured = perform_task(tasks.task);
    tell(who, "end", "ends");
    tell_line(&Line::now(who, "measured", &measured.encode()).loud(false));
}

fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    let compute = computing(play.waits.step);
    let wait = Task::Wait { wait_ns: whole_ns(play.waits.step) };
    let computed = three_ways(play, "Computing", compute)?;
    let waited = three_ways(play, "Waiting", wait)?;
    tell_table(play, "", &computed, &waited);
    let mut findings = judge(play, &computed, &waited);
    if play.with_python {
        findings.extend(python::perform(play)?);
    }
    Ok(findings)
}

fn three_ways(play: &Play, kind: &str, task: Task) -> Result<Ways, LessonError> {
    play.stage.scene(&format!("{kind} on one thread"));
    let one = on_one_thread(play, task);
    play.stage.scene(&format!("{kind} on four threads"));
    let threads = again(play, task, || Ok(on_four_threads(play, task)))?;
    play.stage.scene(&format!("{kind} in four processes"));
    let part = |name| Part::Tasks(Tasks { task, how: How::One, names: vec![name] });
    let processes =
        again(play, task, || in_processes(play, "four processes", &["process"; TASKS], part))?;
    Ok([one, threads, processes])
}

/// Does it again, a few times, where others kept two tasks from being on a core at once.
fn again(
    play: &Play,
    task: Task,
    way: impl Fn() -> Result<Way, LessonError>,
) -> Result<Way, LessonError> {
    let has_cores = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    let mut done = way()?;
    for _ in 1..TRIES {
        let is_computing = matches!(task, Task::Compute { .. });
        if !is_computing || !has_cores || play.is_sabotaged || most_on_core(&done.tasks) > 1 {
            break;
        }
        play.stage.say("program", "had one core at a time, so once more");
        done = way()?;
    }
    Ok(done)
}

fn on_one_thread(play: &Play, task: Task) -> Way {
    let began_ns = monotonic_ns();
    let tasks: Vec<Measured> = (1..=TASKS)
        .map(|number| {
            play.stage.say("thread 1", &format!("begins task {number}"));
            let measured = perform_task(task);
            play.stage.bar("thread 1", Doing::Works, measured.span.0, measured.span.1);
            measured
        })
        .collect();
    play.stage.say("thread 1", "is done with all four");
    Way { name: "one thread", tasks, elapsed_s: seconds(began_ns), start_us: 0.0 }
}

fn on_four_threads(play: &Play, task: Task) -> Way {
    let began_ns = monotonic_ns();
    let work = |number: usize, ordered_ns: u64| {
        let began_after_ns = monotonic_ns() - ordered_ns;
        let who = format!("thread {number}");
        play.stage.say(&who, "begins");
        let measured = perform_task(task);
        play.stage.bar(&who, Doing::Works, measured.span.0, measured.span.1);
        play.stage.say(&who, "ends");
        (measured, began_after_ns)
    };
    let results: Vec<(Measured, u64)> = thread::scope(|scope| {
        let work = &work;
        let start = |number| {
            let ordered_ns = monotonic_ns();
            scope.spawn(move || work(number, ordered_ns))
        };
        let numbers = 1..=TASKS;
        if play.is_sabotaged {
            return numbers.filter_map(|number| start(number).join().ok()).collect();
        }
        let threads: Vec<_> = numbers.map(start).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let start_ns = results.iter().map(|(_, after_ns)| *after_ns).min();
    Way {
        name: "four threads",
        tasks: results.into_iter().map(|(measured, _)| measured).collect(),
        elapsed_s: seconds(began_ns),
        start_us: microseconds(start_ns),
    }
}

/// Starts a process for each of `names`, which plays `part`.
fn in_processes(
    play: &Play,
    name: &'static str,
    names: &[&str],
    part: impl Fn(String) -> Part,
) -> Result<Way, LessonError> {
    let began_ns = monotonic_ns();
    let mut troupe = Troupe::new(&play.stage);
    let mut ordered = Vec::new();
    for (place, word) in names.iter().enumerate() {
        let who = format!("{word} {}", place + 1);
        ordered.push(monotonic_ns());
        troupe.start(&Role { who: who.clone(), tie: Tie::Parent, part: part(who) })?;
    }
    let (mut tasks, mut start_ns, mut open) = (Vec::new(), Vec::new(), names.len());
    while open > 0 {
        let heard = troupe.next("the end of a process", PATIENCE + play.waits.step * 50)?;
        match heard.line {
            None => open -= 1,
            Some(line) if line.act == "begin" => {
                start_ns.push(line.at_ns.saturating_sub(ordered[heard.from]));
            }
            Some(line) if line.act == "measured" => {
                let Some(measured) = Measured::decode(&line.says) else { continue };
                play.stage.bar(&line.who, Doing::Works, measured.span.0, measured.span.1);
                tasks.push(measured);
            }
            Some(_) => {}
        }
    }
    let elapsed_s = seconds(began_ns);
    for number in 0..names.len() {
        troupe.reap(number)?;
    }
    let start_us = microseconds(start_ns.into_iter().min());
    Ok(Way { name, tasks, elapsed_s, start_us })
}

/// Prints and keeps the times, and says who won.
fn tell_table(play: &Play, prefix: &str, computed: &Ways, waited: &Ways) {
    let stage = &play.stage;
    stage.explain(&format!(
        "\n  {:<24} {:>11} {:>11} {:>13} {:>14}",
        "", "computing", "waiting", "cores in use", "start of each"
    ));
    for (compute, wait) in computed.iter().zip(waited) {
        let start_us = start_us(compute, wait);
        let start =
            if start_us > 0.0 { format!("{:.2} ms", start_us / 1e3) } else { "none".to_owned() };
        let cores = compute.cores();
        stage.explain(&format!(
            "  {:<24} {:>9.3} s {:>9.3} s {cores:>13.2} {start:>14}",
            format!("{prefix}{}", compute.name),
            compute.elapsed_s,
            wait.elapsed_s,
        ));
        let name = format!("{prefix}{}", compute.name);
        stage.figure(&format!("{name}, computing, s"), compute.elapsed_s);
        stage.figure(&format!("{name}, waiting, s"), wait.elapsed_s);
        stage.figure(&format!("{name}, start of each, us"), start_us);
    }
    let winner = |ways: &Ways| {
        let fastest = ways.iter().min_by(|one, other| one.elapsed_s.total_cmp(&other.elapsed_s));
        fastest.map_or("nobody", |way| way.name)
    };
    stage.explain(&format!(
        "\n  Fastest this time: {} at computing, {} at waiting.",
        winner(computed),
        winner(waited)
    ));
}

fn judge(play: &Play, computed: &Ways, waited: &Ways) -> Vec<Finding> {
    let calm = play.calm(play.waits.step);
    let [one, threads, processes] = computed;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let on_core = |way: &Way| most_on_core(&way.tasks);
    let mut findings = vec![
        Finding::certain(
            "On one thread, one task at a time",
            most_at_once(&one.spans()) == 1 && most_at_once(&waited[0].spans()) == 1,
            format!("{:.2} s computing, {:.2} s waiting", one.elapsed_s, waited[0].elapsed_s),
        ),
        Finding::timed(
            "Four threads wait at the same time",
            most_at_once(&waited[1].spans()) == TASKS && waited[1].elapsed_s < waited[0].elapsed_s,
            calm,
            format!(
                "{} waited at once, {:.2} s against {:.2} s on one thread",
                most_at_once(&waited[1].spans()),
                waited[1].elapsed_s,
                waited[0].elapsed_s
            ),
        ),
        Finding::lucky(
            "Starting a process costs more than starting a thread",
            start_us(processes, &waited[2]) > start_us(threads, &waited[1]),
            format!(
                "{:.3} ms against {:.3} ms, at best",
                start_us(processes, &waited[2]) / 1e3,
                start_us(threads, &waited[1]) / 1e3
            ),
        ),
    ];
    for way in [threads, processes] {
        let seen = format!("{} of {cores} cores at the same moment", on_core(way));
        findings.push(if cores < 2 {
            let claim = format!("On one core, {} take turns", way.name);
            Finding::certain(&claim, on_core(way) <= 1, seen)
        } else {
            let claim = format!("In Rust, {} compute at the same moment", way.name);
            Finding::lucky(&claim, on_core(way) > 1, seen)
        });
    }
    findings
}

/// The lower start-up cost of one way, seen with two kinds of tasks.
fn start_us(computed: &Way, waited: &Way) -> f64 {
    computed.start_us.min(waited.start_us)
}

fn microseconds(ns: Option<u64>) -> f64 {
    ns.unwrap_or(0) as f64 / 1e3
}

fn seconds(began_ns: u64) -> f64 {
    (monotonic_ns() - began_ns) as f64 / 1e9
}
