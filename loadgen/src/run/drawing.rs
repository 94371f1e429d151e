//! The page of a run.

use super::{config::RunConfig, result::Ended};
use crate::{
    duration,
    report::{JudgedHistory, Page, PageRun, page, recorded_run},
    words::crowd,
};

/// The page of the run of `config`, with both clocks and the outcomes over time.
pub(super) fn drawn(config: &RunConfig, ended: &Ended, judged: &JudgedHistory) -> Page {
    let tally = &ended.led.tally;
    let pace = match config.asked_rps() {
        Some(rate) => format!("open loop, {rate:.1} a second asked for"),
        None => "closed loop".to_owned(),
    };
    let mut facts = vec![
        ("Shop", config.url.clone()),
        ("Clients", config.plan.clients.to_string()),
        ("Workers", crowd(config.workers, config.mode)),
        ("Pace", pace),
        ("Operations counted", tally.intended.to_string()),
        ("Due and never sent", tally.unsent.to_string()),
        ("Warm-up", duration::format(config.warm_up)),
        ("Seed", config.plan.seed.to_string()),
        ("Command line", command_line()),
    ];
    facts.extend(ended.led.notes.iter().map(|note| ("Note", note.clone())));
    let recorded = recorded_run(judged);
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
    let run = PageRun {
        label: "run".to_owned(),
        facts: recorded.facts.iter().cloned().chain(facts).collect(),
        clocks: Some(&tally.clocks),
        ..recorded
    };
    page(&format!("A run on {}", config.url), &[run])
}

/// As it was typed, the program by its name alone.
fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    shown(words)
}

/// The words in a row; of header fields the names alone: a page is passed on, a password is not.
fn shown(words: impl Iterator<Item = String>) -> String {
    let mut line = "loadgen".to_owned();
    let mut is_field = false;
    for word in words {
        let flag = ["--header=", "-H"].into_iter().find(|flag| word.starts_with(flag));
        let is_attached = flag.is_some_and(|flag| word.len() > flag.len());
        let name = word.split_once(':').filter(|_| is_field || is_attached);
        line.push(' ');
        match name {
            Some((name, _)) => line.push_str(&format!("'{name}: …'")),
            None => line.push_str(&word),
        }
        is_field = word == "-H" || word == "--header";
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_field_is_drawn() {
        let words =
            ["run", "http://x", "-H", "A: secret", "-HB:secret", "--header=C: secret", "-c"];
        let line = shown(words.into_iter().map(str::to_owned));
        assert_eq!(line, "loadgen run http://x -H 'A: …' '-HB: …' '--header=C: …' -c");
    }
}
