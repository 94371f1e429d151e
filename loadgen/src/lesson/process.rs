//! The processes of a lesson, from without and from within.
//!
//! A process of a lesson is this very program with a hidden subcommand. It gets its role as JSON,
//! and says what happens as one line of JSON each, on stdout.
//!
//! # Invariants
//! - Every process of a lesson ends when the lesson's program ends, however that ends: by the
//!   kernel's signal when its parent dies, or when its stdin closes.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{error::LessonError, timeline::Timeline};
use crate::{
    history::monotonic_ns,
    lifeline::{self, OwnedChild},
};

/// How long a process may be silent that has something to say.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What a process is, as the one that starts it says.
#[derive(Debug, Deserialize)]
pub(super) struct Role {
    pub(super) lesson: String,
    /// Its name in the timeline.
    pub(super) who: String,
    /// A daemon is ended by the kernel with its parent. Any other ends when its stdin closes, which
    /// the lesson's program holds: its parent may be gone.
    pub(super) is_daemon: bool,
    /// What it is to do, for its lesson to know.
    pub(super) order: Value,
    /// The process that started it.
    #[serde(skip)]
    pub(super) parent: u32,
}

/// Something that happened, as a process of a lesson says it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Line {
    /// When, on the clock that all processes share.
    pub(super) at_ns: u64,
    pub(super) who: String,
    pub(super) pid: u32,
    /// What, in one word for the lesson's program.
    pub(super) act: String,
    /// What, in words for people.
    pub(super) says: String,
    /// Whether it is printed: not where a hundred say the same.
    pub(super) is_loud: bool,
    /// A number that belongs to it.
    #[serde(default)]
    pub(super) value: u64,
}

/// The number of a process, from 0, with what it or one of its children said; `None`: all of them
/// have ended or closed their stdout.
pub(super) type Said = (usize, Option<Line>);

/// Processes, and all that they said; dropping it ends and reaps them.
#[derive(Debug)]
pub(super) struct Processes {
    lesson: &'static str,
    timeline: Timeline,
    pub(super) started: Vec<Started>,
    pub(super) lines: Vec<Line>,
    said: Sender<Said>,
    heard: Receiver<Said>,
}

#[derive(Debug)]
pub(super) struct Started {
    child: OwnedChild,
    pub(super) pid: u32,
    pub(super) stdin: Option<ChildStdin>,
    listener: Option<JoinHandle<()>>,
}

impl Processes {
    /// No process yet of `lesson`.
    pub(super) fn new(lesson: &'static str, timeline: &Timeline) -> Self {
        let (said, heard) = channel();
        let timeline = timeline.clone();
        Self { lesson, timeline, started: Vec::new(), lines: Vec::new(), said, heard }
    }

    /// Starts a daemon; returns its number. The kernel ends it with the thread that called this, so
    /// that must be one that lasts.
    pub(super) fn start(
        &mut self,
        who: &str,
        order: &impl Serialize,
    ) -> Result<usize, LessonError> {
        let number = self.started.len();
        let start = || {
            let mut command = command(self.lesson, who, true, order)?;
            OwnedChild::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))
        };
        let mut child = start().map_err(LessonError::io("start a process"))?;
        let pipes = child.pipes();
        let (pid, stdin) = (pipes.id(), pipes.stdin.take());
        let listener = pipes.stdout.take().map(|stdout| {
            let (timeline, said) = (self.timeline.clone(), self.said.clone());
            thread::spawn(move || listen(number, stdout, &timeline, &said))
        });
        self.started.push(Started { child, pid, stdin, listener });
        Ok(number)
    }

    /// The next that is said by anybody, or that somebody's pipe has closed; an error where there
    /// is nothing for `limit`, while the lesson waits for `what`.
    pub(super) fn next(&mut self, what: &str, limit: Duration) -> Result<Said, LessonError> {
        let late = |_| LessonError::Late { what: what.to_owned(), limit };
        let heard = self.heard.recv_timeout(limit).map_err(late)?;
        self.lines.extend(heard.1.clone());
        Ok(heard)
    }

    /// Waits until `who` has said `act`; returns when that was.
    pub(super) fn wait_for(&mut self, who: &str, act: &str) -> Result<u64, LessonError> {
        let what = format!("`{act}`");
        loop {
            if let Some(at_ns) = self.at(who, act) {
                return Ok(at_ns);
            }
            if self.next(&what, PATIENCE)?.1.is_none() {
                return Err(LessonError::Late { what, limit: PATIENCE });
            }
        }
    }

    /// Waits until all pipes have closed; an error where nothing is said for `limit`.
    pub(super) fn wait_for_all(&mut self, limit: Duration) -> Result<(), LessonError> {
        let mut open = self.started.len();
        while open > 0 {
            open -= usize::from(self.next("the end of a process", limit)?.1.is_none());
        }
        Ok(())
    }

    /// When `who` said `act`, as far as it was heard.
    pub(super) fn at(&self, who: &str, act: &str) -> Option<u64> {
        self.lines.iter().find(|line| line.who == who && line.act == act).map(|line| line.at_ns)
    }

    /// Sends a line to the stdin of process `number`; one that is gone is found out by its pipe.
    pub(super) fn send(&mut self, number: usize, text: &str) {
        if let Some(stdin) = &mut self.started[number].stdin {
            let _ = stdin.write_all(format!("{text}\n").as_bytes());
        }
    }

    /// Kills process `number` with SIGKILL and reaps it.
    pub(super) fn kill(&mut self, number: usize) -> Result<ExitStatus, LessonError> {
        self.started[number].child.kill().map_err(LessonError::io("kill a process"))
    }

    /// Reaps process `number`, which is about to end.
    pub(super) fn reap(&mut self, number: usize) -> Result<ExitStatus, LessonError> {
        self.started[number].child.wait().map_err(LessonError::io("wait for a process"))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for started in &mut self.started {
            started.stdin = None;
            // An error means that it is gone already.
            let _ = started.child.kill();
        }
        for listener in self.started.iter_mut().filter_map(|started| started.listener.take()) {
            let _ = listener.join();
        }
    }
}

/// Passes on what is said through a pipe, until it closes.
fn listen(number: usize, stdout: ChildStdout, timeline: &Timeline, said: &Sender<Said>) {
    for text in BufReader::new(stdout).lines().map_while(Result::ok) {
        // What is no line of ours was printed by somebody in passing.
        let Ok(line) = serde_json::from_str::<Line>(&text) else { continue };
        timeline.say_at(line.at_ns, &line.who, &line.says, line.is_loud);
        // Nobody listens any more where the lesson was given up.
        let _ = said.send((number, Some(line)));
    }
    let _ = said.send((number, None));
}

/// The command that starts a process of `lesson`.
pub(super) fn command(
    lesson: &str,
    who: &str,
    is_daemon: bool,
    order: &impl Serialize,
) -> io::Result<Command> {
    let role = json!({ "lesson": lesson, "who": who, "is_daemon": is_daemon, "order": order });
    let mut command = lifeline::own_command("lesson-process")?;
    command.arg("--role").arg(role.to_string());
    Ok(command)
}

impl Role {
    /// The role (JSON) that `parent` gave to this process, which ends as the role says from now on.
    pub(super) fn accept(parent: u32, role: &str) -> io::Result<Self> {
        let none = |error| io::Error::other(format!("the role is no role: {error}"));
        let role = Self { parent, ..serde_json::from_str(role).map_err(none)? };
        if role.is_daemon {
            lifeline::follow(parent).map_err(io::Error::other)?;
        } else {
            thread::spawn(|| {
                // An error too means that nobody holds the other end.
                let _ = io::stdin().lock().read_to_end(&mut Vec::new());
                std::process::exit(0);
            });
        }
        Ok(role)
    }

    /// What this process is to do.
    pub(super) fn order<T: DeserializeOwned>(&self) -> io::Result<T> {
        Ok(serde_json::from_value(self.order.clone())?)
    }
}

/// Waits until the lesson's program sends a line, and returns it; `None` when stdin has closed.
pub(super) fn next_order() -> Option<String> {
    let mut line = String::new();
    let length = io::stdin().lock().read_line(&mut line).unwrap_or(0);
    (length > 0).then(|| line.trim_end().to_owned())
}

/// Says that `who` did something now: a word for the lesson's program, words for people.
pub(super) fn tell(who: &str, act: &str, says: &str) {
    tell_line(who, act, says, true);
}

/// The same, but it is not printed: a hundred say so.
pub(super) fn tell_quietly(who: &str, act: &str, says: &str) {
    tell_line(who, act, says, false);
}

fn tell_line(who: &str, act: &str, says: &str, is_loud: bool) {
    let (at_ns, pid) = (monotonic_ns(), std::process::id());
    let line = json!({ "at_ns": at_ns, "who": who, "pid": pid, "act": act, "says": says,
                       "is_loud": is_loud });
    // One write: several processes share the pipe. Whoever is not heard any more is ended soon.
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdout.flush());
}

/// Whether the process `pid` is there and not a zombie.
pub(super) fn is_alive(pid: u32) -> bool {
    // The state stands behind the name, which is in brackets and may hold anything.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Waits until the process `pid` has ended; false where it has not in time.
pub(super) fn ends(pid: u32) -> bool {
    let began = Instant::now();
    while is_alive(pid) && began.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
    !is_alive(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = Command::new("true").spawn().unwrap();
        assert!(is_alive(std::process::id()));
        assert!(ends(child.id()));
        child.wait().unwrap();
        assert!(!is_alive(child.id()));
    }
}
