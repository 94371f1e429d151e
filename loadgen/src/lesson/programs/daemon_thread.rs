//! `daemon-thread`: a program's end waits for the threads that are joined, and for no other.

use std::{sync::mpsc, thread, time::Duration};

use serde::{Deserialize, Serialize};

use crate::history::monotonic_ns;
use crate::lesson::{
    cast::{Line, Part, Role, Tie, tell},
    error::LessonError,
    event::Doing,
    finding::Finding,
    play::{Lesson, Play, Use, whole_ns},
    troupe::{Troupe, is_alive},
};

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "daemon-thread",
    teaches: "a program's end waits for joined threads, for no other",
    flags: &["--short", "--long"],
    compares_times: true,
    opening: "A program ends when its `main` returns. What becomes of its threads then? Two \
              threads, `foo` (the shorter work) and `bar` (the longer one), in four programs that \
              differ only in which of them `main` waits for. A thread that nobody waits for is \
              called detached in Rust, and a daemon thread in Python.",
    shows: "When `main` returns, the process ends, and every thread in it stops where it stands: it \
            is not asked and cannot clean up. Only a `join`, or a scope, which joins by itself, \
            makes the program wait. Detached work that was done was lucky: somebody else's join \
            lasted longer.",
    sabotage: "the first program joins its threads after all",
    product: &[
        Use {
            file: "server/src/run/counter.rs",
            what: "waits, up to a limit, until the committer's thread has finished before the \
                   server ends, so that no sale stops in the middle.",
        },
        Use {
            file: "loadgen/src/target/file.rs",
            what: "leaves a thread that waits for the lock detached where its buyer has given up: \
                   it must not keep a worker alive.",
        },
        Use {
            file: "tests/src/crowd.rs",
            what: "lets many clients buy at once in a scope: none outlives the test.",
        },
    ],
    perform,
};

/// A program with two threads, in a process of its own: only so can its end be seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::lesson) struct Program {
    foo_ns: u64,
    bar_ns: u64,
    waits_for: WaitsFor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum WaitsFor {
    Nobody,
    Foo,
    Bar,
    BothInAScope,
    Both,
}

/// What one program did.
struct Run {
    lines: Vec<Line>,
    is_gone: bool,
}

impl Run {
    fn said(&self, who: &str, act: &str) -> bool {
        self.lines.iter().any(|line| line.who == who && line.act == act)
    }

    /// Whether both threads were at work before the program could end.
    fn both_began(&self) -> bool {
        self.said("foo", "begin") && self.said("bar", "begin")
    }

    fn told(&self) -> String {
        let fate = |who| if self.said(who, "done") { "done" } else { "cut off" };
        format!("foo {}, bar {}", fate("foo"), fate("bar"))
    }
}

/// Plays `program` in this process; returning ends it.
pub(in crate::lesson) fn play(program: &Program) {
    let (begun, both_begun) = mpsc::channel();
    let work = |who: &'static str, work_ns| {
        let begun = begun.clone();
        move || {
            tell(who, "begin", "begins");
            let _ = begun.send(());
            thread::sleep(Duration::from_nanos(work_ns));
            tell(who, "done", "is done");
        }
    };
    let (foo_work, bar_work) = (work("foo", program.foo_ns), work("bar", program.bar_ns));
    if program.waits_for == WaitsFor::BothInAScope {
        thread::scope(|scope| {
            scope.spawn(foo_work);
            scope.spawn(bar_work);
            tell("main", "wait", "reaches the end of the scope, which joins both");
        });
    } else {
        let (foo_thread, bar_thread) = (thread::spawn(foo_work), thread::spawn(bar_work));
        // The lesson is about threads that are at work, not about threads that never began.
        let _ = (both_begun.recv(), both_begun.recv());
        if matches!(program.waits_for, WaitsFor::Foo | WaitsFor::Both) {
            tell("main", "wait", "joins foo");
            let _ = foo_thread.join();
        }
        if matches!(program.waits_for, WaitsFor::Bar | WaitsFor::Both) {
            tell("main", "wait", "joins bar");
            let _ = bar_thread.join();
        }
    }
    tell("main", "end", "returns: the program ends");
}

fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    let nobody = if play.is_sabotaged { WaitsFor::Both } else { WaitsFor::Nobody };
    let detached = run(play, "Both detached: main waits for nobody", nobody)?;
    let foo_joined = run(play, "foo joined, bar detached", WaitsFor::Foo)?;
    let bar_joined = run(play, "bar joined, foo detached", WaitsFor::Bar)?;
    let scoped = run(play, "Both in a scope", WaitsFor::BothInAScope)?;
    let short = play.calm(play.waits.short);
    let between = play.calm(play.waits.long.saturating_sub(play.waits.short));
    let runs = [&detached, &foo_joined, &bar_joined, &scoped];
    Ok(vec![
        Finding::timed(
            "The program's end does not wait for detached threads",
            detached.both_began() && !detached.said("foo", "done") && !detached.said("bar", "done"),
            short,
            detached.told(),
        ),
        Finding::timed(
            "It waits for the joined foo, and bar, which takes longer, is cut off",
            foo_joined.said("foo", "done") && !foo_joined.said("bar", "done"),
            between,
            foo_joined.told(),
        ),
        Finding::timed(
            "It waits for the joined bar, and foo, which is shorter, is done by then",
            bar_joined.said("bar", "done") && bar_joined.said("foo", "done"),
            between,
            bar_joined.told(),
        ),
        Finding::certain(
            "A scope waits for both",
            scoped.said("foo", "done") && scoped.said("bar", "done"),
            scoped.told(),
        ),
        Finding::certain(
            "No thread outlives its program",
            runs.iter().all(|run| run.is_gone),
            format!(
                "{} of 4 processes are gone, and their threads with them",
                runs.iter().filter(|run| run.is_gone).count()
            ),
        ),
    ])
}

fn run(play: &Play, title: &str, waits_for: WaitsFor) -> Result<Run, LessonError> {
    play.stage.scene(title);
    let program = Program {
        foo_ns: whole_ns(play.waits.short),
        bar_ns: whole_ns(play.waits.long),
        waits_for,
    };
    let role = Role { who: "main".to_owned(), tie: Tie::Parent, part: Part::Threads(program) };
    let mut troupe = Troupe::new(&play.stage);
    let (number, pid) = troupe.start(&role)?;
    let patience = crate::lesson::troupe::PATIENCE + play.waits.long;
    let lines = troupe.rest(patience)?;
    let status = troupe.reap(number)?;
    let ended_ns = monotonic_ns();
    play.stage.say("process", &format!("{pid} has ended with {status}"));
    let run = Run { lines, is_gone: !is_alive(pid) };
    draw(play, &run, ended_ns);
    Ok(run)
}

fn draw(play: &Play, run: &Run, ended_ns: u64) {
    let at = |who: &str, act: &str| {
        run.lines.iter().find(|line| line.who == who && line.act == act).map(|line| line.at_ns)
    };
    for who in ["foo", "bar"] {
        let Some(from_ns) = at(who, "begin") else { continue };
        match at(who, "done") {
            Some(to_ns) => play.stage.bar(who, Doing::Works, from_ns, to_ns),
            None => play.stage.bar(who, Doing::Killed, from_ns, ended_ns),
        }
    }
    if let (Some(from_ns), Some(to_ns)) = (at("main", "wait"), at("main", "end")) {
        play.stage.bar("main", Doing::Waits, from_ns, to_ns);
    }
}
