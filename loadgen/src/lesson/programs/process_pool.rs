//! `process-pool`: ten tasks for four processes, by pipes.
//!
//! ```text
//! with ProcessPoolExecutor(4) as pool:
//!     tasks = [pool.submit(square, n) for n in range(1, 11)]
//!     for task in as_completed(tasks):
//!         print(task.result())
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    io, mem, thread,
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};

use super::thread_pool::{Answer, put_in_order, steps};
use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::{Finding, spaced},
        process::{PATIENCE, Processes, Role, ends, is_alive, next_order, tell, tell_quietly},
        timeline::{Doing, Span, most_at_once},
    },
};

const WORKERS: usize = 4;
const TASKS: u64 = 10;

/// The task that its worker does not survive, in the second scene.
const DEADLY: u64 = 7;

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "process-pool",
    teaches: "the same with processes and pipes; one of them dies",
    flags: &["--step"],
    compares_times: true,
    opening: "The same ten tasks, but the four workers are processes. They share no memory, so that \
              a task goes down a pipe as a line of text, and its result comes back up another one. \
              What is gained for that: a worker that crashes takes nobody with it.",
    shows: "A pool of processes gives the same results as one of threads, for the price of a pipe \
            and of starting a process. When a worker dies, its task is lost, and nobody knows how \
            far it came: it must not simply be done again. The other workers go on, a new one takes \
            the empty seat, and shutting down is closing the pipes.",
    sabotage: "the results are not put back in order",
    product: &[
        Use {
            file: "loadgen/src/worker/fleet/process.rs",
            what: "runs the workers of a race as processes, each with a socket and a journal.",
        },
        Use {
            file: "loadgen/src/worker/recorder.rs",
            what: "counts the purchase of a worker that died as unknown: it may have happened.",
        },
    ],
    run,
    process: Some(process),
};

/// A worker, until its stdin closes: a number comes down the pipe, its square goes up.
fn process(role: &Role) -> io::Result<()> {
    let (who, step): (_, Duration) = (&role.who, role.order()?);
    tell_quietly(who, "ready", "is ready");
    while let Some(order) = next_order() {
        let (word, n) = order.split_once(' ').unwrap_or(("", &order));
        let n: u64 = n.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        tell(who, "take", &format!("takes task {n}"));
        thread::sleep(step * steps(n));
        if word == "die" {
            tell(who, "crash", "crashes in the middle of its task");
            // As SIGKILL from outside: no cleaning up, no last word, and no core file.
            kill_process(getpid(), Signal::KILL)?;
        }
        tell_quietly(who, "result", &format!("sends {}", n * n));
    }
    tell(who, "end", "sees its stdin closed, and ends");
    Ok(())
}

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let timeline = &context.timeline;
    timeline.scene("Submit, and take the results as they complete");
    let mut pool = Pool::start(context)?;
    let completed = pool.run(None)?;
    let spans = mem::take(&mut pool.spans);
    let in_order = put_in_order(&completed, context.is_sabotaged);
    timeline.say("program", &format!("in order: {}", spaced(&in_order)));

    timeline.scene("A worker that dies");
    let with_death = pool.run(Some(DEADLY))?;
    let (alive, new) = (pool.alive(), pool.processes.started.len() - WORKERS);

    timeline.scene("Shutting down");
    let ended_well = pool.shut_down()?;
    let pids = pool.processes.started.iter().map(|started| started.pid);
    let (gone, all) = (pids.filter(|pid| ends(*pid)).count(), pool.processes.started.len());
    let mut findings = order_findings(context, &completed, &in_order, &spans);
    findings.extend(death_findings(&with_death, alive, new));
    findings.push(Finding::certain(
        "Shutting down is closing the pipes: every worker ends by itself",
        ended_well == WORKERS && gone == all,
        format!("{ended_well} ended well, {gone} of {all} processes are gone"),
    ));
    Ok(findings)
}

/// Four processes, by their numbers, and what each is at.
struct Pool<'a> {
    context: &'a Context,
    processes: Processes,
    /// Which process sits where.
    seats: Vec<usize>,
    /// The task that a process is at, and since when.
    at_work: BTreeMap<usize, (u64, u64)>,
    idle: Vec<usize>,
    spans: Vec<Span>,
}

impl<'a> Pool<'a> {
    fn start(context: &'a Context) -> Result<Self, LessonError> {
        let mut pool = Self {
            context,
            processes: context.processes(),
            seats: Vec::new(),
            at_work: BTreeMap::new(),
            idle: Vec::new(),
            spans: Vec::new(),
        };
        for seat in 0..WORKERS {
            let started = pool.start_worker(seat)?;
            pool.seats.push(started);
        }
        Ok(pool)
    }

    fn start_worker(&mut self, seat: usize) -> Result<usize, LessonError> {
        let who = format!("worker {}", seat + 1);
        let worker = self.processes.start(&who, &self.context.waits.step)?;
        self.say(&format!("starts {who}, process {}", self.processes.started[worker].pid));
        Ok(worker)
    }

    /// Lets the workers do all tasks; returns the answers as they come.
    fn run(&mut self, deadly: Option<u64>) -> Result<Vec<Answer>, LessonError> {
        let mut waiting: VecDeque<u64> = (1..=TASKS).collect();
        let mut answers = Vec::new();
        while (answers.len() as u64) < TASKS {
            while !self.idle.is_empty()
                && let Some(n) = waiting.pop_front()
                && let Some(worker) = self.idle.pop()
            {
                let word = if deadly == Some(n) { "die" } else { "square" };
                self.at_work.insert(worker, (n, monotonic_ns()));
                self.processes.send(worker, &format!("{word} {n}"));
            }
            answers.extend(self.hear()?);
        }
        Ok(answers)
    }

    /// Hears the next that a worker says, or that it is gone.
    fn hear(&mut self) -> Result<Option<Answer>, LessonError> {
        let (worker, line) = self.processes.next("a worker of the pool", PATIENCE)?;
        let Some(line) = line else { return self.replace(worker) };
        match line.act.as_str() {
            "ready" => self.idle.push(worker),
            "take" => {
                if let Some((_, from_ns)) = self.at_work.get_mut(&worker) {
                    *from_ns = line.at_ns;
                }
            }
            "result" => {
                let Some((n, from_ns)) = self.at_work.remove(&worker) else { return Ok(None) };
                let square = line.says.trim_start_matches("sends ");
                self.idle.push(worker);
                let span = (from_ns, line.at_ns);
                self.context.timeline.bar(&line.who, Doing::Works, span);
                self.spans.push(span);
                self.say(&format!("result of task {n}: {square}"));
                return Ok(Some((n, square.parse().ok())));
            }
            _ => {}
        }
        Ok(None)
    }

    /// A worker is gone: its task is lost, and a new one takes its seat.
    fn replace(&mut self, worker: usize) -> Result<Option<Answer>, LessonError> {
        let status = self.processes.reap(worker)?;
        self.idle.retain(|idle| *idle != worker);
        let lost = self.at_work.remove(&worker);
        let Some(seat) = self.seats.iter().position(|other| *other == worker) else {
            return Ok(None);
        };
        let who = format!("worker {}", seat + 1);
        if let Some((n, from_ns)) = lost {
            self.context.timeline.bar(&who, Doing::Killed, (from_ns, monotonic_ns()));
            self.say(&format!("lost {who} ({status}) and its task {n}"));
        }
        self.seats[seat] = self.start_worker(seat)?;
        Ok(lost.map(|(n, _)| (n, None)))
    }

    /// How many of the four seats have a process that is alive.
    fn alive(&self) -> usize {
        self.seats.iter().filter(|worker| is_alive(self.processes.started[**worker].pid)).count()
    }

    /// Closes the pipes and waits for everybody; returns how many ended well.
    fn shut_down(&mut self) -> Result<usize, LessonError> {
        self.say("closes the pipes");
        for worker in &self.seats {
            self.processes.started[*worker].stdin = None;
        }
        let mut ended = Vec::new();
        while ended.len() < WORKERS {
            let (worker, line) = self.processes.next("the end of a worker", PATIENCE)?;
            ended.extend(line.is_none().then_some(worker));
        }
        let mut well = 0;
        for worker in ended {
            well += usize::from(self.processes.reap(worker)?.success());
        }
        self.say(&format!("{well} workers have ended well"));
        Ok(well)
    }

    fn say(&self, what: &str) {
        self.context.timeline.say("program", what);
    }
}

fn death_findings(with_death: &[Answer], alive: usize, new: usize) -> [Finding; 2] {
    let good = with_death.iter().filter(|(n, square)| *square == Some(n * n)).count();
    let is_lost = with_death.contains(&(DEADLY, None));
    [
        Finding::certain(
            "A worker that dies takes its own task with it, and no other",
            good as u64 == TASKS - 1 && is_lost,
            format!("{good} results, {} of task {DEADLY}", if is_lost { "none" } else { "one" }),
        ),
        Finding::certain(
            "A new worker takes its seat",
            alive == WORKERS && new == 1,
            format!("{alive} workers alive, {new} of them new"),
        ),
    ]
}

fn order_findings(
    context: &Context,
    completed: &[Answer],
    in_order: &[u64],
    spans: &[Span],
) -> Vec<Finding> {
    let delay = context.lateness.beyond(context.waits.step);
    let at_once = most_at_once(spans);
    let order: Vec<u64> = completed.iter().map(|(n, _)| *n).collect();
    let squares: Vec<u64> = (1..=TASKS).map(|n| n * n).collect();
    vec![
        Finding::certain(
            "Never more than four tasks run at once",
            at_once <= WORKERS,
            format!("{at_once} at once at most"),
        ),
        Finding::timed(
            "All four processes are used",
            at_once == WORKERS,
            delay,
            format!("{at_once} at once"),
        ),
        Finding::timed(
            "Results come as the tasks complete, and not as they were submitted",
            !order.is_sorted(),
            delay,
            format!("completed in the order {}", spaced(&order)),
        ),
        Finding::certain(
            "Put back in order, they are the squares from 1 to 100",
            in_order == squares,
            spaced(in_order),
        ),
    ]
}
