//! `daemon-process`: a daemon child ends with its parent, an ordinary one is waited for.
//!
//! ```text
//! daemon = Process(target=work, daemon=True)
//! child = Process(target=work)
//! daemon.start()
//! child.start()
//! ```

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Write},
    process::Stdio,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::Finding,
        process::{PATIENCE, Processes, Role, command, ends, is_alive, tell},
        timeline::{Doing, Timeline},
    },
    lifeline::{self, LifelineError, OwnedChild},
};

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "daemon-process",
    teaches: "a daemon ends with its parent, a child is waited for",
    flags: &["--short", "--long"],
    compares_times: true,
    opening: "A parent starts two child processes and then does some work of its own, which is over \
              before theirs. One of the two was started as a daemon: a helper that has no point \
              without its parent. (The system services that are also called daemons are the \
              contrary: they outlive whoever started them.)",
    shows: "When the parent's own work ends, it ends its daemons and waits for its ordinary \
            children. A parent that is killed can do neither, so a daemon asks the kernel, before \
            its work, to be ended with its parent, and looks whether the parent is still there: \
            whoever asks too late has to end by itself. And a daemon has no children, since nobody \
            would be left to wait for them.",
    sabotage: "the daemon is started as an ordinary child",
    product: &[
        Use {
            file: "loadgen/src/lifeline.rs",
            what: "makes every worker and every server of a race a daemon in this sense: killed and \
                   reaped on every way out, by the kernel where the parent was killed, and by \
                   itself where it asked too late.",
        },
        Use {
            file: "loadgen/src/worker/fleet/process.rs",
            what: "waits for workers that have all ended, and ends those that have not.",
        },
    ],
    run,
    process: Some(process),
};

/// What a process is to do: a parent, or one of its children.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Order {
    /// Starts children, works, ends its daemons, and waits for the others.
    Parent { children: Vec<(String, Child)>, own_work: Duration },
    /// Works, and begins with what its kind asks for.
    Child(Child),
}

/// A child as it is to be started: what it is cannot be changed any more once it runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Child {
    kind: Kind,
    work: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// Asked the kernel, before its work, to be ended with its parent.
    Daemon,
    /// Goes on without its parent.
    Ordinary,
    /// Asks only when its parent is gone.
    AsksTooLate,
    /// A daemon that wants a child of its own, and keeps to the rule.
    WantsChild,
    /// A daemon that wants a child of its own, and starts one.
    StartsChild,
}

impl Kind {
    fn is_daemon(self) -> bool {
        matches!(self, Self::Daemon | Self::WantsChild | Self::StartsChild)
    }

    /// The rule: whoever is ended from outside cannot wait for children.
    fn may_have_children(self) -> Result<(), &'static str> {
        if self.is_daemon() { Err("a daemon may not have children") } else { Ok(()) }
    }
}

fn process(role: &Role) -> io::Result<()> {
    match role.order()? {
        Order::Parent { children, own_work } => parent(&role.who, &children, own_work),
        Order::Child(order) => child(role.parent, &role.who, order),
    }
}

fn parent(who: &str, children: &[(String, Child)], own_work: Duration) -> io::Result<()> {
    let (mut daemons, mut ordinary) = (Vec::new(), Vec::new());
    for (name, child) in children {
        let started = start_child(name, *child)?;
        if child.kind.is_daemon() { daemons.push(started) } else { ordinary.push(started) }
    }
    tell(who, "begin", "has started all, begins its own work");
    thread::sleep(own_work);
    tell(who, "own_work_done", "is done with its own work");
    if !daemons.is_empty() {
        // Dropping a child's guard kills and reaps it.
        drop(daemons);
        tell(who, "ended_daemons", "has ended its daemons, whatever they were at");
    }
    for child in &mut ordinary {
        tell(who, "wait", "waits for its ordinary child");
        child.wait()?;
    }
    tell(who, "end", "ends");
    Ok(())
}

/// Starts a child and waits until it is at work; it shares stdin and stdout with this process.
fn start_child(name: &str, child: Child) -> io::Result<OwnedChild> {
    let mut command = command(LESSON.name, name, child.kind.is_daemon(), &Order::Child(child))?;
    let mut started = OwnedChild::spawn(command.stderr(Stdio::piped()))?;
    if let Some(stderr) = started.pipes().stderr.take() {
        BufReader::new(stderr).read_line(&mut String::new())?;
    }
    Ok(started)
}

fn child(parent: u32, who: &str, child: Child) -> io::Result<()> {
    let mut children = Vec::new();
    tell(who, "begin", &format!("begins, a child of {parent}"));
    match child.kind {
        Kind::Daemon | Kind::Ordinary | Kind::AsksTooLate => {}
        Kind::WantsChild => match child.kind.may_have_children() {
            Ok(()) => children.push(start_child("grandchild", child)?),
            Err(rule) => tell(who, "refused", &format!("wants a child: {rule}")),
        },
        Kind::StartsChild => {
            let grandchild = Child { kind: Kind::Ordinary, ..child };
            children.push(start_child("grandchild", grandchild)?);
        }
    }
    // The parent waits for this line, and does not listen any longer.
    let _ = writeln!(io::stderr(), "at work");
    if child.kind == Kind::AsksTooLate {
        return ask_too_late(parent, who);
    }
    thread::sleep(child.work);
    tell(who, "done", "is done with its work");
    for child in &mut children {
        child.wait()?;
    }
    Ok(())
}

/// Asks the kernel to be ended with a parent that is gone already.
fn ask_too_late(parent: u32, who: &str) -> io::Result<()> {
    while is_alive(parent) {
        thread::sleep(Duration::from_millis(1));
    }
    match lifeline::follow(parent) {
        Err(LifelineError::Orphaned { parent }) => {
            tell(who, "too_late", &format!("asks too late: {parent} is gone; ends itself"));
        }
        Err(LifelineError::Refused(error)) => return Err(error.into()),
        Ok(()) => tell(who, "in_time", "asked in time"),
    }
    Ok(())
}

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let mut findings = parent_ends(context)?;
    findings.extend(parent_is_killed(context)?);
    findings.extend(daemon_has_a_child(context)?);
    Ok(findings)
}

fn parent_ends(context: &Context) -> Result<Vec<Finding>, LessonError> {
    context.timeline.scene("The parent's own work ends");
    let daemon = if context.is_sabotaged { Kind::Ordinary } else { Kind::Daemon };
    let mut family = start_parent(context, &[("daemon", daemon), ("child", Kind::Ordinary)])?;
    family.wait_for_all(PATIENCE + context.waits.long)?;
    family.reap(0)?;
    draw(&context.timeline, &family, family.at("parent", "ended_daemons"));
    let (own_done, child_done) = (family.at("parent", "own_work_done"), family.at("child", "done"));
    let ended = family.at("parent", "end");
    let delay = context.lateness.beyond(context.waits.long - context.waits.short);
    Ok(vec![
        Finding::timed(
            "A daemon ends when the parent's own work ends",
            was_cut_off(&family, "daemon") && is_gone(&family, "daemon"),
            delay,
            fate(&family, "daemon"),
        ),
        Finding::timed(
            "An ordinary child is waited for",
            own_done.is_some() && own_done < child_done && child_done < ended,
            delay,
            format!(
                "{}, {} the parent's own work, and {} the parent ended",
                fate(&family, "child"),
                if own_done < child_done { "after" } else { "not after" },
                if child_done < ended { "before" } else { "not before" }
            ),
        ),
    ])
}

fn parent_is_killed(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let timeline = &context.timeline;
    timeline.scene("The parent is killed");
    let kinds = [("daemon", Kind::Daemon), ("child", Kind::Ordinary), ("late", Kind::AsksTooLate)];
    let mut family = start_parent(context, &kinds)?;
    family.wait_for("parent", "begin")?;
    thread::sleep(context.waits.short / 2);
    timeline.say("program", "kills the parent (SIGKILL): it can do nothing more");
    family.kill(0)?;
    let killed_ns = monotonic_ns();
    let daemon_ended = is_gone(&family, "daemon");
    let child_lives = pid(&family, "child").is_some_and(is_alive);
    let daemon = if daemon_ended { "gone" } else { "alive" };
    let child = if child_lives { "alive, an orphan" } else { "gone" };
    timeline.say("program", &format!("looks: daemon {daemon}, child {child}"));
    family.wait_for_all(PATIENCE + context.waits.long)?;
    draw(timeline, &family, Some(killed_ns));
    let delay = context.lateness.beyond(context.waits.long - context.waits.short);
    let was_late = family.at("late", "too_late").is_some();
    Ok(vec![
        Finding::timed(
            "A daemon ends also when its parent is killed",
            daemon_ended && was_cut_off(&family, "daemon"),
            delay,
            fate(&family, "daemon"),
        ),
        Finding::timed(
            "An ordinary child goes on as an orphan",
            child_lives && family.at("child", "done").is_some(),
            delay,
            fate(&family, "child"),
        ),
        Finding::certain(
            "It has to be a daemon before it starts: whoever asks when the parent is gone asks in vain",
            was_late && family.at("late", "done").is_none(),
            if was_late {
                "the late one saw that it was an orphan, and ended by itself"
            } else {
                "the late one did not see that it was an orphan"
            },
        ),
    ])
}

fn daemon_has_a_child(context: &Context) -> Result<Vec<Finding>, LessonError> {
    let timeline = &context.timeline;
    timeline.scene("A daemon wants a child");
    let kinds = [("daemon 1", Kind::WantsChild), ("daemon 2", Kind::StartsChild)];
    let mut family = start_parent(context, &kinds)?;
    family.wait_for("parent", "end")?;
    family.reap(0)?;
    let daemons_gone = is_gone(&family, "daemon 1") && is_gone(&family, "daemon 2");
    let grandchild_lives = pid(&family, "grandchild").is_some_and(is_alive);
    let orphan = if grandchild_lives { "alive, and alone" } else { "gone" };
    timeline.say("program", &format!("looks: the grandchild is {orphan}; ends it"));
    let ended_ns = monotonic_ns();
    let started: BTreeSet<u32> = family.lines.iter().map(|line| line.pid).collect();
    // It holds the same stdin as its grandparent, and ends when that closes.
    family.started[0].stdin = None;
    family.wait_for_all(PATIENCE + context.waits.long)?;
    draw(timeline, &family, family.at("parent", "ended_daemons"));
    draw_one(timeline, &family, "grandchild", Some(ended_ns));
    let was_refused = family.at("daemon 1", "refused").is_some();
    let gone = started.iter().filter(|pid| ends(**pid)).count();
    Ok(vec![
        Finding::certain(
            "A daemon may not have children",
            was_refused,
            if was_refused {
                "the daemon that asked was refused"
            } else {
                "the daemon that asked was not refused"
            },
        ),
        Finding::timed(
            "The reason: a child of a daemon is left alone",
            daemons_gone && grandchild_lives,
            context.lateness.beyond(context.waits.long - context.waits.short),
            format!("the daemon that started one all the same was ended, its child was {orphan}"),
        ),
        Finding::certain(
            "Nobody outlives the lesson",
            gone == started.len(),
            format!("{gone} of the last {} processes are gone", started.len()),
        ),
    ])
}

/// Starts a parent with `children`, which work for `--long`, while it works for `--short`.
fn start_parent(context: &Context, children: &[(&str, Kind)]) -> Result<Processes, LessonError> {
    let (own_work, work) = (context.waits.short, context.waits.long);
    let order = |(name, kind): &(&str, Kind)| ((*name).to_owned(), Child { kind: *kind, work });
    let children = children.iter().map(order).collect();
    let mut processes = context.processes();
    processes.start("parent", &Order::Parent { children, own_work })?;
    Ok(processes)
}

/// The process that `who` is; `None` where it never began.
fn pid(family: &Processes, who: &str) -> Option<u32> {
    let begins = family.lines.iter().find(|line| line.who == who && line.act == "begin");
    begins.map(|line| line.pid)
}

/// Whether `who` began and has ended.
fn is_gone(family: &Processes, who: &str) -> bool {
    pid(family, who).is_some_and(ends)
}

/// Whether `who` began its work and never came to its end.
fn was_cut_off(family: &Processes, who: &str) -> bool {
    family.at(who, "begin").is_some() && family.at(who, "done").is_none()
}

/// What became of the work of `who`.
fn fate(family: &Processes, who: &str) -> String {
    match (family.at(who, "begin"), family.at(who, "done")) {
        (_, Some(_)) => format!("the {who} did all of its work"),
        (Some(_), None) => format!("the {who} began its work and was ended in the middle"),
        (None, None) => format!("the {who} never began"),
    }
}

/// Draws what everybody did; whoever was not done was ended at `ended_ns`.
fn draw(timeline: &Timeline, family: &Processes, ended_ns: Option<u64>) {
    for who in ["parent", "daemon", "child", "daemon 1", "daemon 2"] {
        draw_one(timeline, family, who, ended_ns);
    }
}

fn draw_one(timeline: &Timeline, family: &Processes, who: &str, ended_ns: Option<u64>) {
    let Some(from_ns) = family.at(who, "begin") else { return };
    let done_ns = family.at(who, "done").or(family.at(who, "own_work_done"));
    match (done_ns, ended_ns) {
        (Some(to_ns), _) => timeline.bar(who, Doing::Works, (from_ns, to_ns)),
        (None, Some(to_ns)) => timeline.bar(who, Doing::Killed, (from_ns, to_ns)),
        (None, None) => {}
    }
    if let (Some(from_ns), Some(to_ns)) = (family.at(who, "wait"), family.at(who, "end")) {
        timeline.bar(who, Doing::Waits, (from_ns, to_ns));
    }
}
