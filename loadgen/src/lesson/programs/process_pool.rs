//! `process-pool`: ten tasks for four processes, by pipes.

use std::{
    collections::{BTreeMap, VecDeque},
    io, thread,
    time::Duration,
};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::history::monotonic_ns;
use crate::lesson::{
    cast::{Line, Part, Role, Tie, next_order, tell, tell_line},
    error::LessonError,
    event::{Doing, Span, most_at_once},
    finding::Finding,
    play::{Lesson, Play, Use, whole_ns},
    programs::thread_pool::{Answer, put_in_order, steps},
    troupe::{PATIENCE, Troupe, ends_within, is_alive},
    words::spaced,
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
            what: "runs the workers of a race as processes, each with a socket and a slate.",
        },
        Use {
            file: "loadgen/src/worker/fleet/roll.rs",
            what: "counts the purchase of a worker that died as unknown: it may have happened.",
        },
    ],
    perform,
};

/// A worker: a number comes down the pipe, its square goes up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::lesson) struct Squarer {
    step_ns: u64,
}

/// Plays a worker, until its stdin closes.
pub(in crate::lesson) fn play(who: &str, squarer: &Squarer) -> io::Result<()> {
    tell_line(&Line::now(who, "ready", "is ready").loud(false));
    while let Some(order) = next_order() {
        let (word, n) = order.split_once(' ').unwrap_or(("", &order));
        let n: u64 = n.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        tell_line(&Line::now(who, "take", &format!("takes task {n}")).with(n));
        thread::sleep(Duration::from_nanos(squarer.step_ns) * steps(n));
        if word == "die" {
            tell(who, "crash", "crashes in the middle of its task");
            // As SIGKILL from outside: no cleaning up, no last word, and no core file.
            rustix::process::kill_process(rustix::process::getpid(), Signal::KILL)?;
        }
        tell_line(&Line::now(who, "result", &format!("sends {}", n * n)).with(n * n).loud(false));
    }
    tell(who, "end", "sees its stdin closed, and ends");
    Ok(())
}

/// Four processes, and what each is at.
struct Pool<'a> {
    play: &'a Play,
    troupe: Troupe,
    /// Who sits where: the number of the actor in the troupe, and its pid.
    seats: Vec<(usize, u32)>,
    /// The task that an actor is at, and since when.
    at_work: BTreeMap<usize, (u64, u64)>,
    idle: Vec<usize>,
    pids: Vec<u32>,
    spans: Vec<Span>,
}

impl<'a> Pool<'a> {
    fn start(play: &'a Play) -> Result<Self, LessonError> {
        let mut pool = Self {
            play,
            troupe: Troupe::new(&play.stage),
            seats: Vec::new(),
            at_work: BTreeMap::new(),
            idle: Vec::new(),
            pids: Vec::new(),
            spans: Vec::new(),
        };
        for seat in 0..WORKERS {
            let started = pool.start_worker(seat)?;
            pool.seats.push(started);
        }
        Ok(pool)
    }

    fn start_worker(&mut self, seat: usize) -> Result<(usize, u32), LessonError> {
        let part = Part::Squarer(Squarer { step_ns: whole_ns(self.play.waits.step) });
        let who = format!("worker {}", seat + 1);
        let (number, pid) =
            self.troupe.start(&Role { who: who.clone(), tie: Tie::Parent, part })?;
        self.play.stage.say("program", &format!("starts {who}, process {pid}"));
        self.pids.push(pid);
        Ok((number, pid))
    }

    fn who(&self, actor: usize) -> String {
        let seat = self.seats.iter().position(|(number, _)| *number == actor);
        seat.map_or("somebody".to_owned(), |seat| format!("worker {}", seat + 1))
    }

    /// Lets the workers do all tasks; returns the answers as they come.
    fn run(&mut self, deadly: Option<u64>) -> Result<Vec<Answer>, LessonError> {
        let mut waiting: VecDeque<u64> = (1..=TASKS).collect();
        let mut answers = Vec::new();
        while answers.len() < usize::try_from(TASKS).unwrap_or(usize::MAX) {
            while let (Some(actor), Some(n)) = (self.idle.last().copied(), waiting.front().copied())
            {
                self.idle.pop();
                waiting.pop_front();
                let word = if deadly == Some(n) { "die" } else { "square" };
                self.at_work.insert(actor, (n, monotonic_ns()));
                self.troupe.send(actor, &format!("{word} {n}"));
            }
            answers.extend(self.hear()?);
        }
        Ok(answers)
    }

    /// Hears the next that a worker says, or that it is gone.
    fn hear(&mut self) -> Result<Option<Answer>, LessonError> {
        let heard = self.troupe.next("a worker of the pool", PATIENCE)?;
        let actor = heard.from;
        let Some(line) = heard.line else { return self.bury(actor) };
        match line.act.as_str() {
            "ready" => self.idle.push(actor),
            "take" => {
                self.at_work.insert(actor, (line.value, line.at_ns));
            }
            "result" => {
                let Some((n, from_ns)) = self.at_work.remove(&actor) else { return Ok(None) };
                self.idle.push(actor);
                self.play.stage.bar(&line.who, Doing::Works, from_ns, line.at_ns);
                self.spans.push((from_ns, line.at_ns));
                self.play.stage.say("program", &format!("result of task {n}: {}", line.value));
                return Ok(Some((n, Some(line.value))));
            }
            _ => {}
        }
        Ok(None)
    }

    /// A worker is gone: its task is lost, and a new one takes its seat.
    fn bury(&mut self, actor: usize) -> Result<Option<Answer>, LessonError> {
        let (who, status) = (self.who(actor), self.troupe.reap(actor)?);
        self.idle.retain(|idle| *idle != actor);
        let lost = self.at_work.remove(&actor);
        if let Some((n, from_ns)) = lost {
            self.play.stage.bar(&who, Doing::Killed, from_ns, monotonic_ns());
            self.play.stage.say("program", &format!("lost {who} ({status}) and its task {n}"));
        }
        if let Some(seat) = self.seats.iter().position(|(number, _)| *number == actor) {
            self.seats[seat] = self.start_worker(seat)?;
        }
        Ok(lost.map(|(n, _)| (n, None)))
    }

    /// How many of the four seats have a process that is alive.
    fn alive(&self) -> usize {
        self.seats.iter().filter(|(_, pid)| is_alive(*pid)).count()
    }

    /// Closes the pipes and waits for everybody; returns how many ended well.
    fn shut_down(mut self) -> Result<usize, LessonError> {
        self.play.stage.say("program", "closes the pipes");
        for (actor, _) in &self.seats {
            self.troupe.close_stdin(*actor);
        }
        let mut ended = Vec::new();
        while ended.len() < WORKERS {
            let heard = self.troupe.next("the end of a worker", PATIENCE)?;
            if heard.line.is_none() {
                ended.push(heard.from);
            }
        }
        let mut well = 0;
        for actor in ended {
            well += usize::from(self.troupe.reap(actor)?.success());
        }
        self.play.stage.say("program", &format!("{well} workers have ended well"));
        Ok(well)
    }
}

fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    play.stage.scene("Submit, and take the results as they complete");
    let mut pool = Pool::start(play)?;
    let completed = pool.run(None)?;
    let spans = std::mem::take(&mut pool.spans);
    let in_order = put_in_order(&completed, play.is_sabotaged);
    play.stage.say("program", &format!("in order: {}", spaced(&in_order)));

    play.stage.scene("A worker that dies");
    let started_before = pool.pids.len();
    let with_death = pool.run(Some(DEADLY))?;
    let (alive, new) = (pool.alive(), pool.pids.len() - started_before);

    play.stage.scene("Shutting down");
    let pids = pool.pids.clone();
    let ended_well = pool.shut_down()?;
    let mut findings = judge_order(play, &completed, &in_order, &spans);
    findings.extend(judge_death(&with_death, alive, new));
    let gone = pids.iter().filter(|pid| ends_within(**pid, PATIENCE)).count();
    findings.push(Finding::certain(
        "Shutting down is closing the pipes: every worker ends by itself",
        ended_well == WORKERS && gone == pids.len(),
        format!("{ended_well} ended well, {gone} of {} processes are gone", pids.len()),
    ));
    Ok(findings)
}

fn judge_death(with_death: &[Answer], alive: usize, new: usize) -> [Finding; 2] {
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

fn judge_order(
    play: &Play,
    completed: &[Answer],
    in_order: &[u64],
    spans: &[Span],
) -> Vec<Finding> {
    let calm = play.calm(play.waits.step);
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
            calm,
            format!("{at_once} at once"),
        ),
        Finding::timed(
            "Results come as the tasks complete, and not as they were submitted",
            !order.is_sorted(),
            calm,
            format!("completed in the order {}", spaced(&order)),
        ),
        Finding::certain(
            "Put back in order, they are the squares from 1 to 100",
            in_order == squares,
            spaced(in_order),
        ),
    ]
}
