//! Timelines as text: a lane for everybody, a bar for everything that took a while. Pure.

use super::timeline::{Bar, Doing, Scene, seconds};

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

/// Somebody, with all that took a while: waiting first, so that a short work in a long wait is
/// drawn over it.
pub(super) type Lane<'a> = (&'a str, Vec<&'a Bar>);

/// The timelines of `scenes`, one below the other.
pub(super) fn draw(scenes: &[Scene], compares_times: bool) -> String {
    let mut text = String::new();
    for (scene, length_ns) in scaled(scenes, compares_times) {
        text += &format!("  {}\n", scene.title);
        let (lanes, hidden) = lanes(scene);
        for (place, (who, bars)) in lanes.iter().enumerate() {
            if hidden > 0 && place == LANES_SHOWN {
                text += &format!("  {:<NAME$} ({hidden} more)\n", "…");
            }
            text += &format!("  {who:<NAME$} {}\n", row(bars, length_ns).trim_end());
        }
        let end = format!("{:.2} s", seconds(length_ns));
        text += &format!("  {:<NAME$} 0 s{end:>1$}\n", "", COLUMNS - 3);
    }
    text
}

/// The scenes that have something to draw, each with the length of its scale: one for all where the
/// lesson compares times, or where none becomes too small to read.
pub(super) fn scaled(scenes: &[Scene], compares_times: bool) -> Vec<(&Scene, u64)> {
    let drawn = scenes.iter().filter(|scene| !scene.bars.is_empty());
    let mut drawn: Vec<_> = drawn.map(|scene| (scene, scene.drawn_ns())).collect();
    let longest = drawn.iter().map(|(_, length_ns)| *length_ns).max().unwrap_or(1);
    let shortest = drawn.iter().map(|(_, length_ns)| *length_ns).min().unwrap_or(1);
    if compares_times || shortest * COLUMNS as u64 >= longest * COLUMNS_MIN {
        drawn.iter_mut().for_each(|(_, length_ns)| *length_ns = longest);
    }
    drawn
}

/// The lanes of a scene that are shown: all, or where they are many the first and the last by the
/// start of their work, with how many are left out between them.
pub(super) fn lanes(scene: &Scene) -> (Vec<Lane<'_>>, usize) {
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for bar in &scene.bars {
        match lanes.iter_mut().find(|(who, _)| *who == bar.who) {
            Some((_, bars)) => bars.push(bar),
            None => lanes.push((&bar.who, vec![bar])),
        }
    }
    for (_, bars) in &mut lanes {
        bars.sort_by_key(|bar| bar.doing != Doing::Waits);
    }
    if lanes.len() <= LANES_MAX {
        let words: Vec<&str> = lanes.iter().map(|(who, _)| word_and_number(who).0).collect();
        // Kinds in the order in which they came, and within a kind by number.
        lanes.sort_by_key(|(who, _)| {
            let (word, number) = word_and_number(who);
            (words.iter().position(|other| *other == word), number)
        });
        return (lanes, 0);
    }
    lanes.sort_by_key(|(_, bars)| {
        let works = bars.iter().filter(|bar| bar.doing != Doing::Waits);
        works.map(|bar| bar.from_ns).min().unwrap_or(u64::MAX)
    });
    let hidden = lanes.len() - 2 * LANES_SHOWN;
    lanes.drain(LANES_SHOWN..LANES_SHOWN + hidden);
    (lanes, hidden)
}

fn row(bars: &[&Bar], length_ns: u64) -> String {
    let column = |at_ns: u64| {
        let share = u128::from(at_ns) * COLUMNS as u128 / u128::from(length_ns);
        usize::try_from(share).unwrap_or(COLUMNS).min(COLUMNS)
    };
    let mut cells = [' '; COLUMNS];
    for bar in bars {
        let from = column(bar.from_ns).min(COLUMNS - 1);
        let to = column(bar.to_ns).max(from + 1);
        cells[from..to].fill(if bar.doing == Doing::Waits { '░' } else { '█' });
        if bar.doing == Doing::Killed {
            cells[to - 1] = '✗';
        }
    }
    cells.iter().collect()
}

/// A name in two, so that `thread 2` comes before `thread 10`.
fn word_and_number(name: &str) -> (&str, u64) {
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (word, name[word.len()..].parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(who: &str, doing: Doing, from_ns: u64, to_ns: u64) -> Bar {
        Bar { who: who.to_owned(), doing, from_ns, to_ns }
    }

    fn scene(bars: Vec<Bar>) -> Scene {
        Scene { title: "one after the other".to_owned(), bars, ..Scene::default() }
    }

    #[test]
    fn bars_stand_where_they_belong() {
        let scene = scene(vec![
            bar("thread 10", Doing::Killed, 30, 60),
            bar("thread 2", Doing::Works, 30, 45),
            bar("thread 2", Doing::Waits, 0, 30),
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
        let scene =
            scene(vec![bar("a", Doing::Works, 0, 1), bar("b", Doing::Works, 999_999, 1_000_000)]);
        let text = draw(&[scene], false);
        assert_eq!(text.matches('█').count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn scenes_share_a_scale_unless_one_would_vanish() {
        let of = |length_ns| scene(vec![bar("a", Doing::Works, 0, length_ns)]);
        let lengths = |scenes: &[Scene], compares_times| {
            scaled(scenes, compares_times)
                .iter()
                .map(|(_, length_ns)| *length_ns)
                .collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[of(1_000), of(500)], false), [1_000, 1_000]);
        assert_eq!(lengths(&[of(1_000), of(10)], false), [1_000, 10]);
        assert_eq!(lengths(&[of(1_000), of(10)], true), [1_000, 1_000]);
    }
}
