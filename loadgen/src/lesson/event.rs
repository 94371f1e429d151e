//! What happens on a stage, as plain data: events, bars of a timeline, and the scenes they are in.

/// Something that somebody did at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When, on the clock that all processes share.
    pub(super) at_ns: u64,
    /// Who: a thread or a process, by the name it has in the lesson.
    pub(super) who: String,
    /// What, as a sentence without its subject.
    pub(super) what: String,
}

/// What somebody is doing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Doing {
    /// Its own work.
    Works,
    /// Waiting for somebody else: a lock, a place in a queue, an end.
    Waits,
    /// Its own work, until it was ended from outside.
    Killed,
}

/// Something that somebody did for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// Who: the lane of the timeline.
    pub(super) who: String,
    /// What.
    pub(super) doing: Doing,
    /// From when, on the clock that all processes share.
    pub(super) from_ns: u64,
    /// Until when; not before `from_ns`.
    pub(super) to_ns: u64,
}

/// A part of a lesson with a timeline of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    /// What it tries.
    pub(super) title: String,
    /// Its start.
    pub(super) began_ns: u64,
    /// Its end; its start while it is playing.
    pub(super) ended_ns: u64,
    /// What happened, in the order in which it was heard of.
    pub(super) events: Vec<Event>,
    /// What took a while.
    pub(super) bars: Vec<Bar>,
}

impl Scene {
    /// A scene that begins at `began_ns`.
    pub(super) fn new(title: &str, began_ns: u64) -> Self {
        Self {
            title: title.to_owned(),
            began_ns,
            ended_ns: began_ns,
            events: Vec::new(),
            bars: Vec::new(),
        }
    }

    /// Ends it at `at_ns`, unless it has ended.
    pub(super) fn end(&mut self, at_ns: u64) {
        if self.ended_ns == self.began_ns {
            self.ended_ns = at_ns;
        }
    }

    /// From its start to the end of its last bar: the rest is of no interest to a timeline.
    pub(super) fn length_ns(&self) -> u64 {
        let last = self.bars.iter().map(|bar| bar.to_ns).max().unwrap_or(self.ended_ns);
        last.saturating_sub(self.began_ns).max(1)
    }
}

/// A time on the shared clock, in seconds since `began_ns`.
pub(super) fn seconds_since(began_ns: u64, at_ns: u64) -> f64 {
    at_ns.saturating_sub(began_ns) as f64 / 1e9
}

/// From when to when, on the clock that all processes share.
pub(super) type Span = (u64, u64);

/// The most spans that cover one moment.
pub(super) fn most_at_once(spans: &[Span]) -> usize {
    // An end sorts before a start at the same moment: who hands over does not overlap.
    let mut edges: Vec<(u64, i32)> =
        spans.iter().flat_map(|(from, to)| [(*from, 1), (*to, -1)]).collect();
    edges.sort_unstable();
    let mut inside = 0_i32;
    let mut most = 0;
    for (_, step) in edges {
        inside += step;
        most = most.max(inside);
    }
    usize::try_from(most).unwrap_or(0)
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
