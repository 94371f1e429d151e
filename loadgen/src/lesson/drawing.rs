//! Timelines as text: a lane for everybody, a bar for everything that took a while. Pure.

use super::timeline::{Bar, Doing, Scene};

/// How wide the bars of a scene are, in columns.
const COLUMNS: usize = 60;

/// How wide a name is, in columns.
const NAME: usize = 12;

/// More lanes than this are told by their first and their last.
const LANES_MAX: usize = 12;

/// How many lanes stand before and after those that are left out.
const LANES_SHOWN: usize = 4;

/// Scenes share one scale where the shortest still gets so many columns.
const COLUMNS_MIN: f64 = 8.0;

/// What the signs mean.
pub(super) const LEGEND: &str = "█ works   ░ waits   ✗ cut off";

/// Somebody, with all that took a while: waiting first, so that a short work in a long wait is
/// drawn over it.
pub(super) type Lane<'a> = (&'a str, Vec<&'a Bar>);

/// The timelines of `scenes`, one below the other.
pub(super) fn draw(scenes: &[Scene], compares_times: bool) -> String {
    let mut text = String::new();
    for (scene, length_s) in scaled(scenes, compares_times) {
        text += &format!("  {}\n", scene.title);
        let (lanes, hidden) = lanes(scene);
        for (place, (who, bars)) in lanes.iter().enumerate() {
            if hidden > 0 && place == LANES_SHOWN {
                text += &format!("  {:<NAME$} ({hidden} more)\n", "…");
            }
            text += &format!("  {who:<NAME$} {}\n", row(bars, length_s).trim_end());
        }
        let end = format!("{length_s:.2} s");
        text += &format!("  {:<NAME$} 0 s{end:>1$}\n", "", COLUMNS - 3);
    }
    text
}

/// The scenes that have something to draw, each with the length of its scale: one for all where the
/// lesson compares times, or where none becomes too small to read.
pub(super) fn scaled(scenes: &[Scene], compares_times: bool) -> Vec<(&Scene, f64)> {
    // Up to the end of its last bar: the rest of a scene is of no interest here.
    let length_s = |scene: &Scene| scene.bars.iter().map(|bar| bar.to_s).fold(1e-9, f64::max);
    let drawn = scenes.iter().filter(|scene| !scene.bars.is_empty());
    let mut drawn: Vec<_> = drawn.map(|scene| (scene, length_s(scene))).collect();
    let longest = drawn.iter().map(|(_, length_s)| *length_s).fold(0.0, f64::max);
    let shortest = drawn.iter().map(|(_, length_s)| *length_s).fold(longest, f64::min);
    if compares_times || shortest * COLUMNS as f64 >= longest * COLUMNS_MIN {
        drawn.iter_mut().for_each(|(_, length_s)| *length_s = longest);
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
    let starts = |(_, bars): &Lane<'_>| {
        let works = bars.iter().filter(|bar| bar.doing != Doing::Waits);
        works.map(|bar| bar.from_s).fold(f64::INFINITY, f64::min)
    };
    lanes.sort_by(|one, other| starts(one).total_cmp(&starts(other)));
    let hidden = lanes.len() - 2 * LANES_SHOWN;
    lanes.drain(LANES_SHOWN..LANES_SHOWN + hidden);
    (lanes, hidden)
}

fn row(bars: &[&Bar], length_s: f64) -> String {
    // As many columns as are over at that time.
    let column = |at_s: f64| {
        let is_over = |column: &usize| *column as f64 * length_s <= at_s * COLUMNS as f64;
        (1..=COLUMNS).filter(is_over).count()
    };
    let mut cells = [' '; COLUMNS];
    for bar in bars {
        let from = column(bar.from_s).min(COLUMNS - 1);
        let to = column(bar.to_s).max(from + 1);
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

    fn bar(who: &str, doing: Doing, from_s: f64, to_s: f64) -> Bar {
        Bar { who: who.to_owned(), doing, from_s, to_s }
    }

    fn scene(bars: Vec<Bar>) -> Scene {
        Scene { title: "one after the other".to_owned(), bars, ..Scene::default() }
    }

    #[test]
    fn bars_stand_where_they_belong() {
        let scene = scene(vec![
            bar("thread 10", Doing::Killed, 30.0, 60.0),
            bar("thread 2", Doing::Works, 30.0, 45.0),
            bar("thread 2", Doing::Waits, 0.0, 30.0),
        ]);
        let (gap, half) = (" ".repeat(30), "█".repeat(15));
        let expected = format!(
            "  one after the other\n  thread 2     {}{half}\n  thread 10    {gap}{}✗\n  {:12} 0 s{:>57}\n",
            "░".repeat(30),
            "█".repeat(29),
            "",
            "60.00 s"
        );
        assert_eq!(draw(&[scene], false), expected);
    }

    #[test]
    fn a_crowd_is_told_by_its_first_and_its_last() {
        let crowd = (1..=100).map(|n| {
            let at_s = f64::from(n);
            bar(&format!("buyer {n}"), Doing::Works, at_s, at_s + 1.0)
        });
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
            scene(vec![bar("a", Doing::Works, 0.0, 1.0), bar("b", Doing::Works, 999_999.0, 1e6)]);
        let text = draw(&[scene], false);
        assert_eq!(text.matches('█').count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn scenes_share_a_scale_unless_one_would_vanish() {
        let of = |length_s| scene(vec![bar("a", Doing::Works, 0.0, length_s)]);
        let lengths = |scenes: &[Scene], compares_times| {
            scaled(scenes, compares_times).iter().map(|(_, length_s)| *length_s).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[of(1_000.0), of(500.0)], false), [1_000.0, 1_000.0]);
        assert_eq!(lengths(&[of(1_000.0), of(10.0)], false), [1_000.0, 10.0]);
        assert_eq!(lengths(&[of(1_000.0), of(10.0)], true), [1_000.0, 1_000.0]);
    }
}
