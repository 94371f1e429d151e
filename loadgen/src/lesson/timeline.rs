//! The timeline of a lesson: who did what, and when. It prints events as they happen and keeps them
//! for the end.
//!
//! All times are those of one clock that every process of this machine shares, so that threads and
//! processes stand on one timeline.

use std::{mem, sync::Arc};

use parking_lot::Mutex;
use serde::Serialize;

use crate::history::monotonic_ns;

/// From when to when, on the clock that all processes share.
pub(super) type Span = (u64, u64);

/// A part of a lesson with a timeline of its own. Times are in seconds since its start.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Scene {
    /// What it tries.
    pub(super) title: String,
    #[serde(skip)]
    pub(super) began_ns: u64,
    pub(super) length_s: f64,
    /// What happened, in the order of time.
    pub(super) events: Vec<Event>,
    /// What took a while, in the order in which it ended.
    pub(super) bars: Vec<Bar>,
}

/// Something that somebody, a thread or a process, did at one moment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Event {
    pub(super) at_s: f64,
    pub(super) who: String,
    /// As a sentence without its subject.
    pub(super) what: String,
}

/// Something that somebody did for a while.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Bar {
    pub(super) who: String,
    pub(super) doing: Doing,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
}

/// What somebody is doing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Doing {
    /// Its own work.
    Works,
    /// Waiting for somebody else: a lock, a place in a queue, an end.
    Waits,
    /// Its own work, until it was ended from outside.
    Killed,
}

/// A timeline; its clones are the same one, for threads to take along.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    print: fn(&str),
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    scenes: Vec<Scene>,
    figures: Vec<(String, f64)>,
}

impl Timeline {
    /// An empty timeline, which prints its words with `print`.
    pub(super) fn new(print: fn(&str)) -> Self {
        Self { print, kept: Arc::default() }
    }

    /// Ends the scene before, and begins another.
    pub(super) fn scene(&self, title: &str) {
        let began_ns = monotonic_ns();
        let mut kept = self.kept.lock();
        kept.end_scene(began_ns);
        kept.scenes.push(Scene { title: title.to_owned(), began_ns, ..Scene::default() });
        drop(kept);
        self.print(&format!("\n\x1b[1m{title}\x1b[0m\n"));
    }

    /// `who` does `what`, now.
    pub(super) fn say(&self, who: &str, what: &str) {
        self.say_at(monotonic_ns(), who, what, true);
    }

    /// `who` did `what` at `at_ns`. It is printed only where `is_loud`: not where a hundred do the
    /// same.
    pub(super) fn say_at(&self, at_ns: u64, who: &str, what: &str, is_loud: bool) {
        let mut kept = self.kept.lock();
        let Some(scene) = kept.scenes.last_mut() else { return };
        let at_s = scene.seconds_at(at_ns);
        scene.events.push(Event { at_s, who: who.to_owned(), what: what.to_owned() });
        drop(kept);
        if is_loud {
            self.print(&format!("  {at_s:7.3} s  {who:<12}  {what}\n"));
        }
    }

    /// `who` was `doing` that from `from_ns` to `to_ns`.
    pub(super) fn bar(&self, who: &str, doing: Doing, (from_ns, to_ns): Span) {
        if let Some(scene) = self.kept.lock().scenes.last_mut() {
            let (from_s, to_s) = (scene.seconds_at(from_ns), scene.seconds_at(to_ns));
            scene.bars.push(Bar { who: who.to_owned(), doing, from_s, to_s });
        }
    }

    /// Does `act` and draws a bar for the time it takes.
    pub(super) fn during<T>(&self, who: &str, doing: Doing, act: impl FnOnce() -> T) -> T {
        let from_ns = monotonic_ns();
        let result = act();
        self.bar(who, doing, (from_ns, monotonic_ns()));
        result
    }

    /// A number that the lesson measured; the unit is the last word of its `name`.
    pub(super) fn figure(&self, name: &str, value: f64) {
        let rounded = (value * 1e6).round() / 1e6;
        self.kept.lock().figures.push((name.to_owned(), rounded));
    }

    /// The scenes and the figures: the lesson is over.
    pub(super) fn end(&self) -> (Vec<Scene>, Vec<(String, f64)>) {
        let mut kept = mem::take(&mut *self.kept.lock());
        kept.end_scene(monotonic_ns());
        (kept.scenes, kept.figures)
    }

    /// Prints `text`, with colours in it.
    pub(super) fn print(&self, text: &str) {
        (self.print)(text);
    }
}

impl Kept {
    fn end_scene(&mut self, now_ns: u64) {
        if let Some(scene) = self.scenes.last_mut() {
            scene.length_s = scene.seconds_at(now_ns);
            // They were kept in the order in which they were heard of; two processes may cross.
            scene.events.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
        }
    }
}

impl Scene {
    fn seconds_at(&self, at_ns: u64) -> f64 {
        at_ns.saturating_sub(self.began_ns) as f64 / 1e9
    }
}

/// The most spans that cover one moment.
pub(super) fn most_at_once(spans: &[Span]) -> usize {
    // An end sorts before a start at the same moment: who hands over does not overlap.
    let edges = spans.iter().flat_map(|(from, to)| [(*from, 1), (*to, -1)]);
    let mut edges = edges.collect::<Vec<(u64, isize)>>();
    edges.sort_unstable();
    let mut inside = 0;
    let most = edges.iter().map(|(_, step)| {
        inside += step;
        inside
    });
    most.max().unwrap_or(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_only_touch_do_not_overlap() {
        assert_eq!(most_at_once(&[]), 0);
        assert_eq!(most_at_once(&[(0, 10), (10, 20), (20, 30)]), 1);
        assert_eq!(most_at_once(&[(0, 10), (9, 20), (20, 30)]), 2);
        assert_eq!(most_at_once(&[(0, 10), (1, 9), (2, 3)]), 3);
    }
}
