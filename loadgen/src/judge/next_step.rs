//! What to do where a history proves nothing.

use super::verdict::{Judgement, Verdict};

/// A part of a doubt, and what would settle it: a lower-case fragment.
const STEPS: [(&str, &str); 19] = [
    ("the history is empty", "let somebody buy"),
    (
        "as many as at the start",
        "let the shop answer `[search]` without a cache, or say `settle` there where it only takes a while; or leave `[search]` \
         out, and say `--initial`",
    ),
    (
        "may have been read too early",
        "say `counts = \"exact\"` in the map where the shop never tells a count of before, or let it answer `[search]` \
         without a cache",
    ),
    (
        "put aside still",
        "say in `[search]` of the map how long the count must stand still (`settle`), longer than the shop takes to give \
         back what was refused",
    ),
    (
        "left at the end",
        "say in `[search]` of the map how the shop is asked, or write `left` into the first line of the history",
    ),
    (
        "at the start is not known",
        "say it with `--initial`, or in `[search]` of the map how the shop is asked",
    ),
    ("overlapped in time", "let more buy at once: more clients (`-c`), or more a second (`-q`)"),
    (
        "nothing was sold",
        "put tickets on sale, or compare `[buy.sold]` of the map with what the shop answers to a sale",
    ),
    (
        "most operations failed",
        "look at the causes: an answer that the map does not know as `[buy.sold_out]` counts as failed",
    ),
    ("no hold lapsed", "let more workers hold"),
    ("nobody was told sold out", "start with fewer tickets than clients"),
    ("neither found nor excluded", "let answers say their `ticket` or what they left, or buy less"),
    (
        "before the start",
        "write `sold` or `revision` at the start into the first line of the history",
    ),
    ("was put aside before", "begin when nothing is put aside any more"),
    (
        "taken by nobody here",
        "let nobody else work at the counter while it is tried, or write `\"revisions\": \"increasing\"` into the first \
         line of the history",
    ),
    ("say how many tickets", "write `quantity` into each operation"),
    ("not recorded", "raise `--history-limit`"),
    ("different clocks", "record all parts of a run on one machine, by one clock"),
    ("judging was interrupted", "judge what was recorded with `loadgen check`"),
];

/// What to do next where `judgement` is unknown: lower-case fragments, never none.
#[must_use]
pub fn next_steps(judgement: &Judgement) -> Vec<&'static str> {
    if judgement.verdict() != Verdict::Unknown {
        return Vec::new();
    }
    let of =
        |doubt: &String| STEPS.iter().find(|(part, _)| doubt.contains(part)).map(|step| step.1);
    let mut steps: Vec<&'static str> = Vec::new();
    for step in judgement.doubts.iter().filter_map(of) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    if steps.is_empty() {
        steps.push("mend what is named, and run again");
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_unknown_has_a_next_step_and_nothing_else_has() {
        let unknown = |doubts: &[&str]| Judgement {
            doubts: doubts.iter().map(|doubt| (*doubt).to_owned()).collect(),
            ..Judgement::default()
        };
        let steps =
            next_steps(&unknown(&["no two purchases overlapped in time", "nothing was sold"]));
        assert_eq!(steps.len(), 2);
        assert!(steps[0].contains("`-c`"), "{steps:?}");
        let told = |doubt| next_steps(&unknown(&[doubt])).concat();
        assert!(told("may have been read too early, for it does not fit").contains("exact"));
        assert!(
            !told("may have been read too early, for it is as many as at the start")
                .contains("exact")
        );
        assert_eq!(next_steps(&unknown(&["something odd"])).len(), 1);
        assert!(next_steps(&Judgement::default()).is_empty());
    }
}
