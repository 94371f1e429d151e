//! A family on the stage: a parent with its children, and what they say of themselves.

use super::{Child, Kind, Relative};
use crate::lesson::{
    cast::{Line, Part, Role, Tie},
    error::LessonError,
    event::Doing,
    play::{Play, whole_ns},
    troupe::{PATIENCE, Troupe, ends_within},
};

/// A parent with its children, and all that they said.
pub(super) struct Family<'a> {
    play: &'a Play,
    /// The processes.
    pub(super) troupe: Troupe,
    /// All that was heard so far.
    pub(super) lines: Vec<Line>,
}

impl<'a> Family<'a> {
    /// Starts a parent with `children`, which work for `--long`, while it works for `--short`.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn start(play: &'a Play, children: &[(&str, Kind)]) -> Result<Self, LessonError> {
        let work_ns = whole_ns(play.waits.long);
        let children = children
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), Child { kind: *kind, work_ns }))
            .collect();
        let own_work_ns = whole_ns(play.waits.short);
        let part = Part::Family(Relative::Parent { children, own_work_ns });
        let mut troupe = Troupe::new(&play.stage);
        troupe.start(&Role { who: "parent".to_owned(), tie: Tie::Parent, part })?;
        Ok(Self { play, troupe, lines: Vec::new() })
    }

    /// Listens until `who` has said `act`.
    ///
    /// # Errors
    /// It is not said in time.
    pub(super) fn hear_until(&mut self, act: &str, who: &str) -> Result<(), LessonError> {
        while !self.said(who, act) {
            self.troupe.wait_for(act, &mut self.lines)?;
        }
        Ok(())
    }

    /// Listens until everybody has ended.
    ///
    /// # Errors
    /// Somebody does not end in time.
    pub(super) fn hear_all(&mut self) -> Result<(), LessonError> {
        let lines = self.troupe.rest(PATIENCE + self.play.waits.long)?;
        self.lines.extend(lines);
        Ok(())
    }

    fn find(&self, who: &str, act: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.who == who && line.act == act)
    }

    /// Whether `who` said `act`.
    pub(super) fn said(&self, who: &str, act: &str) -> bool {
        self.find(who, act).is_some()
    }

    /// When `who` said `act`.
    pub(super) fn at(&self, who: &str, act: &str) -> Option<u64> {
        self.find(who, act).map(|line| line.at_ns)
    }

    /// The process that `who` is; `None` where it never began.
    pub(super) fn pid(&self, who: &str) -> Option<u32> {
        self.find(who, "begin").map(|line| line.pid)
    }

    /// Whether `who` began and has ended.
    pub(super) fn is_gone(&self, who: &str) -> bool {
        self.pid(who).is_some_and(|pid| ends_within(pid, PATIENCE))
    }

    /// What became of the work of `who`.
    pub(super) fn fate(&self, who: &str) -> String {
        match (self.said(who, "begin"), self.said(who, "done")) {
            (_, true) => format!("the {who} did all of its work"),
            (true, false) => format!("the {who} began its work and was ended in the middle"),
            (false, false) => format!("the {who} never began"),
        }
    }

    /// Draws what everybody did; whoever was not done was ended at `ended_ns`.
    pub(super) fn draw(&self, ended_ns: Option<u64>) {
        for who in ["parent", "daemon", "child", "daemon 1", "daemon 2"] {
            self.draw_one(who, ended_ns);
        }
    }

    /// Draws what `who` did; if it was not done, it was ended at `ended_ns`.
    pub(super) fn draw_one(&self, who: &str, ended_ns: Option<u64>) {
        let stage = &self.play.stage;
        let Some(from_ns) = self.at(who, "begin") else { return };
        let done_ns = self.at(who, "done").or(self.at(who, "own_work_done"));
        match (done_ns, ended_ns) {
            (Some(to_ns), _) => stage.bar(who, Doing::Works, from_ns, to_ns),
            (None, Some(to_ns)) => stage.bar(who, Doing::Killed, from_ns, to_ns),
            (None, None) => {}
        }
        if let (Some(from_ns), Some(to_ns)) = (self.at(who, "wait"), self.at(who, "end")) {
            stage.bar(who, Doing::Waits, from_ns, to_ns);
        }
    }
}
