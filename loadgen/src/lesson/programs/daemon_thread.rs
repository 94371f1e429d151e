//! `daemon-thread`: a program's end waits for the threads that are joined, and for no other.
//!
//! ```text
//! foo_thread = Thread(target=foo)
//! bar_thread = Thread(target=bar, daemon=True)
//! foo_thread.start()
//! bar_thread.start()
//! ```

use std::{io, sync::mpsc, thread, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::Finding,
        process::{PATIENCE, Processes, Role, is_alive, tell},
        timeline::Doing,
    },
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
            file: "loadgen/src/shop/db_file/session.rs",
            what: "leaves a thread that waits for the lock detached where its buyer has given up: \
                   it must not keep a worker alive.",
        },
        Use {
            file: "tests/src/crowd.rs",
            what: "lets many clients buy at once in a scope: none outlives the test.",
        },
    ],
    run,
    process: Some(process),
};

/// A program with two threads, in a process of its own: only so can its end be seen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Program {
    foo: Duration,
    bar: Duration,
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

/// The program; returning ends the process.
fn process(role: &Role) -> io::Result<()> {
    let program: Program = role.order()?;
    let (begun, both_begun) = mpsc::channel();
    let work = |who: &'static str, length| {
        let begun = begun.clone();
        move || {
            tell(who, "begin", "begins");
            let _ = begun.send(());
            thread::sleep(length);
            tell(who, "done", "is done");
        }
    };
    let (foo_work, bar_work) = (work("foo", program.foo), work("bar", program.bar));
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
    Ok(())
}

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let nobody = if context.is_sabotaged { WaitsFor::Both } else { WaitsFor::Nobody };
    let detached = run_program(context, "Both detached: main waits for nobody", nobody)?;
    let foo_joined = run_program(context, "foo joined, bar detached", WaitsFor::Foo)?;
    let bar_joined = run_program(context, "bar joined, foo detached", WaitsFor::Bar)?;
    let scoped = run_program(context, "Both in a scope", WaitsFor::BothInAScope)?;
    let runs = [&detached, &foo_joined, &bar_joined, &scoped];
    let gone = runs.iter().filter(|run| run.is_gone).count();
    let short = context.lateness.beyond(context.waits.short);
    let between = context.lateness.beyond(context.waits.long - context.waits.short);
    Ok(vec![
        Finding::timed(
            "The program's end does not wait for detached threads",
            detached.both_began && !detached.foo_done && !detached.bar_done,
            short,
            detached.told(),
        ),
        Finding::timed(
            "It waits for the joined foo, and bar, which takes longer, is cut off",
            foo_joined.foo_done && !foo_joined.bar_done,
            between,
            foo_joined.told(),
        ),
        Finding::timed(
            "It waits for the joined bar, and foo, which is shorter, is done by then",
            bar_joined.bar_done && bar_joined.foo_done,
            between,
            bar_joined.told(),
        ),
        Finding::certain(
            "A scope waits for both",
            scoped.foo_done && scoped.bar_done,
            scoped.told(),
        ),
        Finding::certain(
            "No thread outlives its program",
            gone == runs.len(),
            format!("{gone} of 4 processes are gone, and their threads with them"),
        ),
    ])
}

/// What one program did.
struct Run {
    /// Whether both threads were at work before the program could end.
    both_began: bool,
    foo_done: bool,
    bar_done: bool,
    is_gone: bool,
}

impl Run {
    fn told(&self) -> String {
        let fate = |is_done| if is_done { "done" } else { "cut off" };
        format!("foo {}, bar {}", fate(self.foo_done), fate(self.bar_done))
    }
}

fn run_program(context: &Context, title: &str, waits_for: WaitsFor) -> Result<Run, LessonError> {
    context.timeline.scene(title);
    let program = Program { foo: context.waits.short, bar: context.waits.long, waits_for };
    let mut processes = context.processes();
    let number = processes.start("main", &program)?;
    processes.wait_for_all(PATIENCE + program.bar)?;
    let status = processes.reap(number)?;
    let ended_ns = monotonic_ns();
    let pid = processes.started[number].pid;
    context.timeline.say("process", &format!("{pid} has ended with {status}"));
    let is_gone = !is_alive(pid);
    draw(context, &processes, ended_ns);
    let said = |who, act| processes.at(who, act).is_some();
    Ok(Run {
        both_began: said("foo", "begin") && said("bar", "begin"),
        foo_done: said("foo", "done"),
        bar_done: said("bar", "done"),
        is_gone,
    })
}

fn draw(context: &Context, processes: &Processes, ended_ns: u64) {
    for who in ["foo", "bar"] {
        let Some(from_ns) = processes.at(who, "begin") else { continue };
        match processes.at(who, "done") {
            Some(to_ns) => context.timeline.bar(who, Doing::Works, (from_ns, to_ns)),
            None => context.timeline.bar(who, Doing::Killed, (from_ns, ended_ns)),
        }
    }
    if let (Some(from_ns), Some(to_ns)) =
        (processes.at("main", "wait"), processes.at("main", "end"))
    {
        context.timeline.bar("main", Doing::Waits, (from_ns, to_ns));
    }
}
