//! `daemon-process`: a daemon child ends with its parent, an ordinary one is waited for.

mod family;

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Write},
    process::Stdio,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use self::family::Family;
use crate::lesson::{
    cast::{Part, Role, SUBCOMMAND, Tie, tell},
    error::LessonError,
    finding::Finding,
    play::{Lesson, Play, Use},
    troupe::{PATIENCE, ends_within, is_alive},
};
use crate::{
    history::monotonic_ns,
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
    perform,
};

/// A parent, or one of its children.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::lesson) enum Relative {
    /// Starts children, works, ends its daemons, and waits for the others.
    Parent { children: Vec<(String, Child)>, own_work_ns: u64 },
    /// Works, and begins with what its kind asks for.
    Child(Child),
}

/// A child as it is to be started: what it is cannot be changed any more once it runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::lesson) struct Child {
    kind: Kind,
    work_ns: u64,
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

/// Plays `who`, a parent or a child, in this process.
pub(in crate::lesson) fn play(parent: u32, who: &str, relative: &Relative) -> io::Result<()> {
    match relative {
        Relative::Parent { children, own_work_ns } => {
            play_parent(who, children, Duration::from_nanos(*own_work_ns))
        }
        Relative::Child(child) => play_child(parent, who, *child),
    }
}

fn play_parent(who: &str, children: &[(String, Child)], own_work: Duration) -> io::Result<()> {
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
    let tie = if child.kind.is_daemon() { Tie::Parent } else { Tie::Stdin };
    let role = Role { who: name.to_owned(), tie, part: Part::Family(Relative::Child(child)) };
    let mut command = lifeline::own_command(SUBCOMMAND)?;
    command.arg("--role").arg(serde_json::to_string(&role)?).stderr(Stdio::piped());
    let mut started = OwnedChild::spawn(&mut command)?;
    if let Some(stderr) = started.pipes().stderr.take() {
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line)?;
    }
    Ok(started)
}

fn play_child(parent: u32, who: &str, child: Child) -> io::Result<()> {
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
    thread::sleep(Duration::from_nanos(child.work_ns));
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

fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    let mut findings = parent_ends(play)?;
    findings.extend(parent_is_killed(play)?);
    findings.extend(daemon_has_a_child(play)?);
    Ok(findings)
}

fn parent_ends(play: &Play) -> Result<Vec<Finding>, LessonError> {
    play.stage.scene("The parent's own work ends");
    let daemon = if play.is_sabotaged { Kind::Ordinary } else { Kind::Daemon };
    let mut family = Family::start(play, &[("daemon", daemon), ("child", Kind::Ordinary)])?;
    family.hear_all()?;
    family.troupe.reap(0)?;
    family.draw(family.at("parent", "ended_daemons"));
    let order = [family.at("parent", "own_work_done"), family.at("child", "done")];
    let ended = family.at("parent", "end");
    Ok(vec![
        Finding::timed(
            "A daemon ends when the parent's own work ends",
            family.said("daemon", "begin")
                && !family.said("daemon", "done")
                && family.is_gone("daemon"),
            play.calm(play.waits.long - play.waits.short),
            family.fate("daemon"),
        ),
        Finding::timed(
            "An ordinary child is waited for",
            order[0].is_some() && order[0] < order[1] && order[1] < ended,
            play.calm(play.waits.long - play.waits.short),
            format!(
                "{}, {} the parent's own work, and {} the parent ended",
                family.fate("child"),
                if order[0] < order[1] { "after" } else { "not after" },
                if order[1] < ended { "before" } else { "not before" }
            ),
        ),
    ])
}

fn parent_is_killed(play: &Play) -> Result<Vec<Finding>, LessonError> {
    play.stage.scene("The parent is killed");
    let kinds = [("daemon", Kind::Daemon), ("child", Kind::Ordinary), ("late", Kind::AsksTooLate)];
    let mut family = Family::start(play, &kinds)?;
    family.hear_until("begin", "parent")?;
    thread::sleep(play.waits.short / 2);
    play.stage.say("program", "kills the parent (SIGKILL): it can do nothing more");
    family.troupe.kill(0)?;
    let killed_ns = monotonic_ns();
    let daemon_ended = family.pid("daemon").is_some_and(|pid| ends_within(pid, PATIENCE));
    let child_lives = family.pid("child").is_some_and(is_alive);
    play.stage.say(
        "program",
        &format!(
            "looks: daemon {}, child {}",
            if daemon_ended { "gone" } else { "alive" },
            if child_lives { "alive, an orphan" } else { "gone" }
        ),
    );
    family.hear_all()?;
    family.draw(Some(killed_ns));
    Ok(vec![
        Finding::timed(
            "A daemon ends also when its parent is killed",
            daemon_ended && family.said("daemon", "begin") && !family.said("daemon", "done"),
            play.calm(play.waits.long - play.waits.short),
            family.fate("daemon"),
        ),
        Finding::timed(
            "An ordinary child goes on as an orphan",
            child_lives && family.said("child", "done"),
            play.calm(play.waits.long - play.waits.short),
            family.fate("child"),
        ),
        Finding::certain(
            "It has to be a daemon before it starts: whoever asks when the parent is gone asks in vain",
            family.said("late", "too_late") && !family.said("late", "done"),
            if family.said("late", "too_late") {
                "the late one saw that it was an orphan, and ended by itself"
            } else {
                "the late one did not see that it was an orphan"
            },
        ),
    ])
}

fn daemon_has_a_child(play: &Play) -> Result<Vec<Finding>, LessonError> {
    play.stage.scene("A daemon wants a child");
    let kinds = [("daemon 1", Kind::WantsChild), ("daemon 2", Kind::StartsChild)];
    let mut family = Family::start(play, &kinds)?;
    family.hear_until("end", "parent")?;
    family.troupe.reap(0)?;
    let daemons_gone = family.is_gone("daemon 1") && family.is_gone("daemon 2");
    let grandchild_lives = family.pid("grandchild").is_some_and(is_alive);
    let orphan = if grandchild_lives { "alive, and alone" } else { "gone" };
    play.stage.say("program", &format!("looks: the grandchild is {orphan}; ends it"));
    let ended_ns = monotonic_ns();
    let started = family.lines.iter().map(|line| line.pid).collect::<BTreeSet<_>>();
    // It holds the same stdin as its grandparent, and ends when that closes.
    family.troupe.close_stdin(0);
    family.hear_all()?;
    let daemons_ns = family.at("parent", "ended_daemons");
    family.draw(daemons_ns);
    family.draw_one("grandchild", Some(ended_ns));
    Ok(vec![
        Finding::certain(
            "A daemon may not have children",
            family.said("daemon 1", "refused"),
            if family.said("daemon 1", "refused") {
                "the daemon that asked was refused"
            } else {
                "the daemon that asked was not refused"
            },
        ),
        Finding::timed(
            "The reason: a child of a daemon is left alone",
            daemons_gone && grandchild_lives,
            play.calm(play.waits.long - play.waits.short),
            format!("the daemon that started one all the same was ended, its child was {orphan}"),
        ),
        judge_end(&started),
    ])
}

fn judge_end(started: &BTreeSet<u32>) -> Finding {
    let gone = started.iter().filter(|pid| ends_within(**pid, PATIENCE)).count();
    Finding::certain(
        "Nobody outlives the lesson",
        gone == started.len(),
        format!("{gone} of the last {} processes are gone", started.len()),
    )
}
