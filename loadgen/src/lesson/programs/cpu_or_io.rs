//! `cpu-or-io`: four tasks that compute and four that wait, on one thread, four threads, and four
//! processes.
//!
//! ```text
//! for n in range(4): task(n)
//! for n in range(4): Thread(target=task, args=(n,)).start()
//! for n in range(4): Process(target=task, args=(n,)).start()
//! ```
//!
//! `task` says what a task is; with `--python` the same is done by CPython (`cpu_or_io.py`).

use std::{env, io, os::unix::process::CommandExt, process::Command, thread};

use serde::{Deserialize, Serialize};

use super::task::{self, Measured, Task, computing, in_parts, most_on_core};
use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::Finding,
        process::{PATIENCE, Role, tell, tell_quietly},
        timeline::{Doing, Span, most_at_once},
    },
};

const TASKS: usize = 4;

/// How often tasks are given the chance to be on two cores at once.
const TRIES: u32 = 12;

/// The tasks in Python.
const SCRIPT: &str = include_str!("cpu_or_io.py");

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
            file: "loadgen/src/worker/fleet/running.rs",
            what: "runs the workers of a race as processes, threads or tasks (`--mode`): they wait \
                   most of the time, so tasks are cheapest, and processes are what the lesson had.",
        },
    ],
    run,
    process: Some(process),
};

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let compute = computing(context.waits.step);
    let wait = Task::Wait { wait_ns: wait_ns(context) };
    let computed = three_ways(context, "Computing", compute)?;
    let waited = three_ways(context, "Waiting", wait)?;
    tell_table(context, "", &computed, &waited);
    let mut findings = findings(context, &computed, &waited);
    if context.with_python {
        findings.extend(python(context)?);
    }
    Ok(findings)
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

fn three_ways(context: &Context, kind: &str, task: Task) -> Result<Ways, LessonError> {
    context.timeline.scene(&format!("{kind} on one thread"));
    let one = on_one_thread(context, task);
    context.timeline.scene(&format!("{kind} on four threads"));
    let threads = again(context, task, || Ok(on_four_threads(context, task)))?;
    context.timeline.scene(&format!("{kind} in four processes"));
    let order = |name| Order { task, how: How::One, names: vec![name], in_python: false };
    let four = || in_processes(context, "four processes", &["process"; TASKS], order);
    let processes = again(context, task, four)?;
    Ok([one, threads, processes])
}

/// Does it again, a few times, where others kept two tasks from being on a core at once.
fn again(
    context: &Context,
    task: Task,
    way: impl Fn() -> Result<Way, LessonError>,
) -> Result<Way, LessonError> {
    let has_cores = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    let mut done = way()?;
    for _ in 1..TRIES {
        let is_computing = matches!(task, Task::Compute { .. });
        if !is_computing || !has_cores || context.is_sabotaged || most_on_core(&done.tasks) > 1 {
            break;
        }
        context.timeline.say("program", "had one core at a time, so once more");
        done = way()?;
    }
    Ok(done)
}

fn on_one_thread(context: &Context, task: Task) -> Way {
    let began_ns = monotonic_ns();
    let tasks: Vec<Measured> = (1..=TASKS)
        .map(|number| {
            context.timeline.say("thread 1", &format!("begins task {number}"));
            let measured = task::perform(task);
            context.timeline.bar("thread 1", Doing::Works, measured.span);
            measured
        })
        .collect();
    context.timeline.say("thread 1", "is done with all four");
    Way { name: "one thread", tasks, elapsed_s: seconds(began_ns), start_us: 0.0 }
}

fn on_four_threads(context: &Context, task: Task) -> Way {
    let began_ns = monotonic_ns();
    let work = |number: usize, ordered_ns: u64| {
        let began_after_ns = monotonic_ns() - ordered_ns;
        let who = format!("thread {number}");
        context.timeline.say(&who, "begins");
        let measured = task::perform(task);
        context.timeline.bar(&who, Doing::Works, measured.span);
        context.timeline.say(&who, "ends");
        (measured, began_after_ns)
    };
    let results: Vec<(Measured, u64)> = thread::scope(|scope| {
        let work = &work;
        let start = |number| {
            let ordered_ns = monotonic_ns();
            scope.spawn(move || work(number, ordered_ns))
        };
        let numbers = 1..=TASKS;
        if context.is_sabotaged {
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

/// What a process is to do with its tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    task: Task,
    how: How,
    names: Vec<String>,
    in_python: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    /// Nothing; says how fast it computes.
    Measure,
    /// One after the other, on one thread.
    One,
    /// On a thread each.
    Threads,
}

/// A process with its task; as CPython with its tasks it becomes another program, and returns only
/// where that fails.
fn process(role: &Role) -> io::Result<()> {
    let order: Order = role.order()?;
    if order.in_python {
        let order = role.order.to_string();
        return Err(Command::new("python3").args(["-c", SCRIPT, &order]).exec());
    }
    tell(&role.who, "begin", "begins");
    let measured = task::perform(order.task);
    tell(&role.who, "end", "ends");
    tell_quietly(&role.who, "measured", &measured.encode());
    Ok(())
}

/// Starts a process for each of `words`, by its name.
fn in_processes(
    context: &Context,
    name: &'static str,
    words: &[&str],
    order: impl Fn(String) -> Order,
) -> Result<Way, LessonError> {
    let began_ns = monotonic_ns();
    let mut processes = context.processes();
    let mut ordered = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let who = format!("{word} {}", place + 1);
        ordered.push(monotonic_ns());
        processes.start(&who, &order(who.clone()))?;
    }
    let (mut tasks, mut start_ns, mut open) = (Vec::new(), Vec::new(), words.len());
    while open > 0 {
        let limit = PATIENCE + context.waits.step * 50;
        let (number, line) = processes.next("the end of a process", limit)?;
        match line {
            None => open -= 1,
            Some(line) if line.act == "begin" => {
                start_ns.push(line.at_ns.saturating_sub(ordered[number]));
            }
            Some(line) if line.act == "measured" => {
                let Some(measured) = Measured::decode(&line.says) else { continue };
                context.timeline.bar(&line.who, Doing::Works, measured.span);
                tasks.push(measured);
            }
            Some(_) => {}
        }
    }
    let elapsed_s = seconds(began_ns);
    for number in 0..words.len() {
        processes.reap(number)?;
    }
    let start_us = microseconds(start_ns.into_iter().min());
    Ok(Way { name, tasks, elapsed_s, start_us })
}

/// Prints and keeps the times, and says who won.
fn tell_table(context: &Context, prefix: &str, computed: &Ways, waited: &Ways) {
    let timeline = &context.timeline;
    timeline.print(&format!(
        "\n  {:<24} {:>11} {:>11} {:>13} {:>14}\n",
        "", "computing", "waiting", "cores in use", "start of each"
    ));
    for (compute, wait) in computed.iter().zip(waited) {
        let start_us = start_us(compute, wait);
        let start =
            if start_us > 0.0 { format!("{:.2} ms", start_us / 1e3) } else { "none".to_owned() };
        let cores = compute.cores();
        timeline.print(&format!(
            "  {:<24} {:>9.3} s {:>9.3} s {cores:>13.2} {start:>14}\n",
            format!("{prefix}{}", compute.name),
            compute.elapsed_s,
            wait.elapsed_s,
        ));
        let name = format!("{prefix}{}", compute.name);
        timeline.figure(&format!("{name}, computing, s"), compute.elapsed_s);
        timeline.figure(&format!("{name}, waiting, s"), wait.elapsed_s);
        timeline.figure(&format!("{name}, start of each, us"), start_us);
    }
    let winner = |ways: &Ways| {
        let fastest = ways.iter().min_by(|one, other| one.elapsed_s.total_cmp(&other.elapsed_s));
        fastest.map_or("nobody", |way| way.name)
    };
    timeline.print(&format!(
        "\n  Fastest this time: {} at computing, {} at waiting.\n",
        winner(computed),
        winner(waited)
    ));
}

fn findings(context: &Context, computed: &Ways, waited: &Ways) -> Vec<Finding> {
    let delay = context.lateness.beyond(context.waits.step);
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
            delay,
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

fn wait_ns(context: &Context) -> u64 {
    u64::try_from(context.waits.step.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(began_ns: u64) -> f64 {
    (monotonic_ns() - began_ns) as f64 / 1e9
}

/// The same under CPython, where it is installed.
fn python(context: &Context) -> Result<Vec<Finding>, LessonError> {
    if !is_installed("python3") {
        context.timeline.print("\nThere is no `python3` on this machine: CPython is left out.\n");
        return Ok(Vec::new());
    }
    context.timeline.scene("CPython: how fast it computes");
    let Some((rounds, has_gil)) = python_speed(context)? else {
        let claim = "CPython runs on this machine";
        return Ok(vec![Finding::lucky(claim, false, "`python3` did not do what it was told")]);
    };
    let compute = in_parts(context.waits.step, |part_ns| rounds * part_ns / 1_000_000);
    let computed = three_ways_in_python(context, "computing", compute)?;
    let wait = Task::Wait { wait_ns: wait_ns(context) };
    let waited = three_ways_in_python(context, "waiting", wait)?;
    tell_table(context, "CPython, ", &computed, &waited);
    let most = |way: &Way| most_on_core(&way.tasks);
    let seen = |way: &Way| format!("{} at the same moment", most(way));
    Ok(vec![
        lock_finding(has_gil, most(&computed[1])),
        Finding::timed(
            "CPython's threads wait at the same time all the same",
            most_at_once(&waited[1].spans()) == TASKS,
            context.lateness.beyond(context.waits.step),
            format!("{} waited at once", most_at_once(&waited[1].spans())),
        ),
        Finding::lucky(
            "CPython's processes compute at the same moment",
            most(&computed[2]) > 1,
            seen(&computed[2]),
        ),
    ])
}

/// Whether the lock kept the threads apart that were certainly on a core.
fn lock_finding(has_gil: bool, most_on_core: usize) -> Finding {
    let seen = format!("{most_on_core} at the same moment");
    match (has_gil, most_on_core) {
        (true, 0) => Finding::lucky("CPython's threads compute", false, seen),
        (true, most) => Finding::certain(
            "CPython's threads compute one by one, under its global interpreter lock",
            most == 1,
            seen,
        ),
        (false, most) => Finding::lucky(
            "This CPython has no global interpreter lock: its threads compute at the same moment",
            most > 1,
            seen,
        ),
    }
}

fn three_ways_in_python(context: &Context, kind: &str, task: Task) -> Result<Ways, LessonError> {
    let order = |how, names| Order { task, how, names, in_python: true };
    context.timeline.scene(&format!("CPython, {kind} on one thread"));
    let thread_1 = || vec!["thread 1".to_owned(); TASKS];
    let one = in_processes(context, "one thread", &["python"], |_| order(How::One, thread_1()))?;
    context.timeline.scene(&format!("CPython, {kind} on four threads"));
    let four = || (1..=TASKS).map(|number| format!("thread {number}")).collect();
    let threads =
        in_processes(context, "four threads", &["python"], |_| order(How::Threads, four()))?;
    context.timeline.scene(&format!("CPython, {kind} in four processes"));
    let one_each = |name| order(How::One, vec![name]);
    let processes = || in_processes(context, "four processes", &["process"; TASKS], one_each);
    Ok([one, threads, again(context, task, processes)?])
}

/// How many rounds CPython computes in a millisecond, and whether it has the lock.
fn python_speed(context: &Context) -> Result<Option<(u64, bool)>, LessonError> {
    let mut processes = context.processes();
    let task = Task::Wait { wait_ns: 0 };
    let order = Order { task, how: How::Measure, names: Vec::new(), in_python: true };
    processes.start("python", &order)?;
    processes.wait_for_all(PATIENCE)?;
    processes.reap(0)?;
    let mut lines = processes.lines.iter();
    let Some(line) = lines.find(|line| line.act == "rounds") else { return Ok(None) };
    let (rounds, has_gil) = (line.value / 2, line.value % 2 == 1);
    let lock = if has_gil { "with" } else { "without" };
    context.timeline.say("python", &format!("is CPython {}, {lock} the lock", line.says));
    Ok(Some((rounds.max(1), has_gil)))
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Verdict;

    #[test]
    fn two_threads_at_once_under_the_lock_would_be_the_opposite() {
        assert_eq!(lock_finding(true, 1).verdict, Verdict::Valid);
        assert_eq!(lock_finding(true, 2).verdict, Verdict::Violation);
        assert_eq!(lock_finding(true, 0).verdict, Verdict::Unknown);
        assert_eq!(lock_finding(false, 2).verdict, Verdict::Valid);
    }
}
