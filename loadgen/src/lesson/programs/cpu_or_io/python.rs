//! The same tasks under CPython: its threads wait at the same time, and compute one by one.

use std::{env, io, os::unix::process::CommandExt, process::Command};

use super::{
    How, TASKS, Tasks, Way, Ways, again, in_processes,
    tasks::{Task, in_parts, most_on_core},
    tell_table,
};
use crate::lesson::{
    cast::{Part, Role, Tie},
    error::LessonError,
    event::most_at_once,
    finding::Finding,
    play::{Play, whole_ns},
    troupe::{PATIENCE, Troupe},
};

const SCRIPT: &str = include_str!("tasks.py");

/// Becomes CPython with the same tasks; returns only where that fails.
pub(in crate::lesson) fn play_python(_who: &str, tasks: &Tasks) -> io::Error {
    match serde_json::to_string(tasks) {
        Ok(order) => Command::new("python3").args(["-c", SCRIPT, &order]).exec(),
        Err(error) => error.into(),
    }
}

/// The same under CPython, where it is installed.
pub(super) fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    if !is_installed("python3") {
        play.stage.explain("\nThere is no `python3` on this machine: CPython is left out.");
        return Ok(Vec::new());
    }
    play.stage.scene("CPython: how fast it computes");
    let Some((rounds, has_gil)) = python_speed(play)? else {
        let claim = "CPython runs on this machine";
        return Ok(vec![Finding::lucky(claim, false, "`python3` did not do what it was told")]);
    };
    let step_ns = whole_ns(play.waits.step);
    let compute = in_parts(play.waits.step, |part_ns| rounds * part_ns / 1_000_000);
    let computed = three_ways(play, "computing", compute)?;
    let waited = three_ways(play, "waiting", Task::Wait { wait_ns: step_ns })?;
    tell_table(play, "CPython, ", &computed, &waited);
    let most = |way: &Way| most_on_core(&way.tasks);
    let seen = |way: &Way| format!("{} at the same moment", most(way));
    Ok(vec![
        judge_lock(has_gil, most(&computed[1])),
        Finding::timed(
            "CPython's threads wait at the same time all the same",
            most_at_once(&waited[1].spans()) == TASKS,
            play.calm(play.waits.step),
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
fn judge_lock(has_gil: bool, most_on_core: usize) -> Finding {
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

fn three_ways(play: &Play, kind: &str, task: Task) -> Result<Ways, LessonError> {
    let part = |how, names: Vec<String>| Part::Python(Tasks { task, how, names });
    let four = || (1..=TASKS).map(|number| format!("thread {number}")).collect::<Vec<_>>();
    play.stage.scene(&format!("CPython, {kind} on one thread"));
    let one = in_processes(play, "one thread", &["python"], |_| {
        part(How::One, vec!["thread 1".to_owned(); TASKS])
    })?;
    play.stage.scene(&format!("CPython, {kind} on four threads"));
    let threads = in_processes(play, "four threads", &["python"], |_| part(How::Threads, four()))?;
    play.stage.scene(&format!("CPython, {kind} in four processes"));
    let one_each = |name| part(How::One, vec![name]);
    let processes =
        again(play, task, || in_processes(play, "four processes", &["process"; TASKS], one_each))?;
    Ok([one, threads, processes])
}

/// How many rounds CPython computes in a millisecond, and whether it has the lock.
fn python_speed(play: &Play) -> Result<Option<(u64, bool)>, LessonError> {
    let mut troupe = Troupe::new(&play.stage);
    let tasks = Tasks { task: Task::Wait { wait_ns: 0 }, how: How::Measure, names: Vec::new() };
    let role = Role { who: "python".to_owned(), tie: Tie::Parent, part: Part::Python(tasks) };
    troupe.start(&role)?;
    let lines = troupe.rest(PATIENCE)?;
    troupe.reap(0)?;
    let Some(line) = lines.iter().find(|line| line.act == "rounds") else { return Ok(None) };
    let (rounds, has_gil) = (line.value / 2, line.value % 2 == 1);
    let lock = if has_gil { "with" } else { "without" };
    play.stage.say("python", &format!("is CPython {}, {lock} the lock", line.says));
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
        assert_eq!(judge_lock(true, 1).verdict, Verdict::Valid);
        assert_eq!(judge_lock(true, 2).verdict, Verdict::Violation);
        assert_eq!(judge_lock(true, 0).verdict, Verdict::Unknown);
        assert_eq!(judge_lock(false, 2).verdict, Verdict::Valid);
    }
}
