//! The timeline: a lane for everybody, a bar for everything that took a while. Pure.

use super::event::{Bar, Doing, Scene};

/// How wide the bars of a scene are, in columns.
const COLUMNS: usize = 60;

/// How wide a name is, in columns.
const NAME: usize = 12;

/// More lanes than this are told by their first and their last.
const LANES_MAX: usize = 12;

/// How many lanes stand before and after those that are left out.
const LANES_SHOWN: usize = 4;

/// Scenes share one scale where the shortest still gets so many columns.
const COLUMNS_MIN: u64 = 8;

/// What the signs mean.
pub(super) const LEGEND: &str = "█ works   ░ waits   ✗ cut off";

/// A lane: everything that one of those on the stage did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lane<'a> {
    /// Who.
    pub(super) who: &'a str,
    /// What, in the order in which it was noted.
    pub(super) bars: Vec<&'a Bar>,
}

/// The lanes of a scene that are shown: all, or where they are many the first and the last by the
/// start of their work, with how many are left out between them.
pub(super) fn lanes(scene: &Scene) -> (Vec<Lane<'_>>, usize) {
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for bar in &scene.bars {
        match lanes.iter_mut().find(|lane| lane.who == bar.who) {
            Some(lane) => lane.bars.push(bar),
            None => lanes.push(Lane { who: &bar.who, bars: vec![bar] }),
        }
    }
    if lanes.len() <= LANES_MAX {
        let words: Vec<&str> = lanes.iter().map(|lane| split(lane.who).0).collect();
        // Kinds in the order in which they came, and within a kind by number.
        lanes.sort_by_key(|lane| {
            let (word, number) = split(lane.who);
            (words.iter().position(|other| *other == word), number)
        });
        return (lanes, 0);
    }
    lanes.sort_by_key(|lane| {
        let works = lane.bars.iter().filter(|bar| bar.doing != Doing::Waits);
        works.map(|bar| bar.from_ns).min().unwrap_or(u64::MAX)
    });
    let hidden = lanes.len() - 2 * LANES_SHOWN;
    lanes.drain(LANES_SHOWN..LANES_SHOWN + hidden);
    (lanes, hidden)
}

/// The length of the timeline of each scene: one for all where the lesson compares times, or where
/// none becomes too small to read.
pub(super) fn lengths(scenes: &[Scene], compares_times: bool) -> Vec<u64> {
    let own: Vec<u64> = scenes.iter().map(Scene::length_ns).collect();
    let longest = own.iter().copied().max().unwrap_or(1);
    let shortest = own.iter().copied().min().unwrap_or(1);
    if compares_times || shortest * COLUMNS as u64 >= longest * COLUMNS_MIN {
        return vec![longest; own.len()];
    }
    own
}

/// The timelines of `scenes`, one below the other.
pub(super) fn draw(scenes: &[Scene], compares_times: bool) -> String {
    let drawn: Vec<Scene> = scenes.iter().filter(|scene| !scene.bars.is_empty()).cloned().collect();
    let mut text = String::new();
    for (scene, length_ns) in drawn.iter().zip(lengths(&drawn, compares_times)) {
        text.push_str(&format!("  {}\n", scene.title));
        let (lanes, hidden) = lanes(scene);
        for (place, lane) in lanes.iter().enumerate() {
            if hidden > 0 && place == LANES_SHOWN {
                text.push_str(&format!("  {:<NAME$} ({hidden} more)\n", "…"));
            }
            let bars = row(lane, scene.began_ns, length_ns);
            text.push_str(&format!("  {:<NAME$} {}\n", lane.who, bars.trim_end()));
        }
        let end = format!("{:.2} s", length_ns as f64 / 1e9);
        text.push_str(&format!("  {:<NAME$} 0 s{end:>1$}\n", "", COLUMNS - 3));
    }
    text
}

fn row(lane: &Lane<'_>, began_ns: u64, length_ns: u64) -> String {
    let column = |at_ns: u64| {
        let share = u128::from(at_ns.saturating_sub(began_ns)) * COLUMNS as u128;
        usize::try_from(share / u128::from(length_ns)).unwrap_or(COLUMNS).min(COLUMNS)
    };
    let mut cells = [' '; COLUMNS];
    let (waits, works): (Vec<&Bar>, Vec<&Bar>) =
        lane.bars.iter().partition(|bar| bar.doing == Doing::Waits);
    // Work is drawn over waiting: a short work in a long wait must be seen.
    for bar in waits.into_iter().chain(works) {
        let from = column(bar.from_ns).min(COLUMNS - 1);
        let to = column(bar.to_ns).max(from + 1);
        let sign = if bar.doing == Doing::Waits { '░' } else { '█' };
        cells[from..to].fill(sign);
        if bar.doing == Doing::Killed {
            cells[to - 1] = '✗';
        }
    }
    cells.iter().collect()
}

/// A name as its word and its number, so that `thread 2` comes before `thread 10`.
fn split(name: &str) -> (&str, u64) {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (word, number) = name.split_at(name.len() - digits);
    (word, number.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(who: &str, doing: Doing, from_ns: u64, to_ns: u64) -> Bar {
        Bar { who: who.to_owned(), doing, from_ns, to_ns }
    }

    fn scene(bars: Vec<Bar>) -> Scene {
        Scene { bars, ..Scene::new("one after the other", 100) }
    }

    #[test]
    fn bars_stand_where_they_belong() {
        let scene = scene(vec![
            bar("thread 10", Doing::Killed, 130, 160),
            bar("thread 2", Doing::Waits, 100, 130),
            bar("thread 2", Doing::Works, 130, 145),
        ]);
        let (gap, half) = (" ".repeat(30), "█".repeat(15));
        let expected = format!(
            "  one after the other\n  thread 2     {}{half}\n  thread 10    {gap}{}✗\n  {:12} 0 s{:>57}\n",
            "░".repeat(30),
            "█".repeat(29),
            "",
            "0.00 s"
        );
        assert_eq!(draw(&[scene], false), expected);
    }

    #[test]
    fn a_crowd_is_told_by_its_first_and_its_last() {
        let crowd = (1..=100).map(|n| bar(&format!("buyer {n}"), Doing::Works, n, n + 1));
        let text = draw(&[scene(crowd.collect())], false);
        assert!(text.contains("(92 more)"), "{text}");
        for who in ["buyer 1 ", "buyer 4 ", "buyer 97 ", "buyer 100 "] {
            assert!(text.contains(who), "{who}: {text}");
        }
        assert!(!text.contains("buyer 5 "), "{text}");
    }

    #[test]
    fn a_short_work_is_seen_and_no_line_is_too_long() {
        let scene = scene(vec![
            bar("a", Doing::Works, 100, 101),
            bar("b", Doing::Works, 1_000_099, 1_000_100),
        ]);
        let text = draw(&[scene], false);
        assert_eq!(text.matches('█').count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn scenes_share_a_scale_unless_one_would_vanish() {
        let long = scene(vec![bar("a", Doing::Works, 100, 1_100)]);
        let half = scene(vec![bar("a", Doing::Works, 100, 600)]);
        let short = scene(vec![bar("a", Doing::Works, 100, 110)]);
        assert_eq!(lengths(&[long.clone(), half], false), [1_000, 1_000]);
        assert_eq!(lengths(&[long.clone(), short.clone()], false), [1_000, 10]);
        assert_eq!(lengths(&[long, short], true), [1_000, 1_000]);
    }
}
