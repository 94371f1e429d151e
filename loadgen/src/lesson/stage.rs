//! The stage: who did what, and when. It prints events as they happen and keeps them for the end.
//!
//! All times are those of one clock that every process of this machine shares, so that threads and
//! processes stand on one timeline.

use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::event::{Bar, Doing, Event, Scene};
use crate::history::monotonic_ns;

/// Where the words go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// On stdout: the words are what was asked for.
    Stdout,
    /// On stderr: stdout is for JSON.
    Stderr,
    /// Nowhere: a test wants the result alone.
    #[cfg(test)]
    Silent,
}

/// Where a lesson plays; its clones are the same stage, for threads to take along.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    voice: Voice,
    scenes: Arc<Mutex<Vec<Scene>>>,
    figures: Arc<Mutex<Vec<(String, f64)>>>,
}

impl Stage {
    /// An empty stage.
    pub(super) fn new(voice: Voice) -> Self {
        Self { voice, scenes: Arc::default(), figures: Arc::default() }
    }

    /// Ends the scene that is playing, and begins another.
    pub(super) fn scene(&self, title: &str) {
        let now = monotonic_ns();
        let mut scenes = self.scenes();
        if let Some(last) = scenes.last_mut() {
            last.end(now);
        }
        scenes.push(Scene::new(title, now));
        drop(scenes);
        self.print(&format!("\n\x1b[1m{title}\x1b[0m\n"));
    }

    /// `who` does `what`, now.
    pub(super) fn say(&self, who: &str, what: &str) {
        self.say_at(monotonic_ns(), who, what);
    }

    /// `who` did `what` at `at_ns`.
    pub(super) fn say_at(&self, at_ns: u64, who: &str, what: &str) {
        let since_ns = self.keep(at_ns, who, what);
        let seconds = since_ns as f64 / 1e9;
        self.print(&format!("  {seconds:7.3} s  {who:<12}  {what}\n"));
    }

    /// `who` did `what` at `at_ns`: kept, but not printed, where a hundred do the same.
    pub(super) fn keep(&self, at_ns: u64, who: &str, what: &str) -> u64 {
        let mut scenes = self.scenes();
        let Some(scene) = scenes.last_mut() else { return 0 };
        scene.events.push(Event { at_ns, who: who.to_owned(), what: what.to_owned() });
        at_ns.saturating_sub(scene.began_ns)
    }

    /// A word to the reader, from nobody on the stage.
    pub(super) fn explain(&self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    /// `who` was `doing` that from `from_ns` to `to_ns`.
    pub(super) fn bar(&self, who: &str, doing: Doing, from_ns: u64, to_ns: u64) {
        if let Some(scene) = self.scenes().last_mut() {
            scene.bars.push(Bar { who: who.to_owned(), doing, from_ns, to_ns });
        }
    }

    /// Does `act` and draws a bar for the time it takes.
    pub(super) fn during<T>(&self, who: &str, doing: Doing, act: impl FnOnce() -> T) -> T {
        let from_ns = monotonic_ns();
        let result = act();
        self.bar(who, doing, from_ns, monotonic_ns());
        result
    }

    /// A number that the lesson measured; the unit is the last word of its `name`.
    pub(super) fn figure(&self, name: &str, value: f64) {
        let rounded = (value * 1e6).round() / 1e6;
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.push((name.to_owned(), rounded));
    }

    /// The numbers so far.
    pub(super) fn figures(&self) -> Vec<(String, f64)> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The scenes, the last one ended.
    pub(super) fn close(&self) -> Vec<Scene> {
        let mut scenes = self.scenes();
        if let Some(last) = scenes.last_mut() {
            last.end(monotonic_ns());
        }
        scenes.clone()
    }

    /// Prints `text`, with colours in it, where the words go.
    pub(super) fn print(&self, text: &str) {
        // Nobody is there to be told that the reader is gone.
        let _ = match self.voice {
            Voice::Stdout => anstream::stdout().lock().write_all(text.as_bytes()),
            Voice::Stderr => anstream::stderr().lock().write_all(text.as_bytes()),
            #[cfg(test)]
            Voice::Silent => Ok(()),
        };
    }

    fn scenes(&self) -> MutexGuard<'_, Vec<Scene>> {
        self.scenes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
