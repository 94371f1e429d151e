//! The lessons' flags: typed by the user, checked once.

use std::{path::PathBuf, time::Duration};

use clap::builder::{PossibleValue, PossibleValuesParser};

use super::{
    catalogue::LESSONS,
    definition::{Lesson, Waits},
};
use crate::duration;

/// What `--fast` divides every wait by.
const FAST: u32 = 5;

/// The name that stands for every lesson.
const ALL: &str = "all";

/// The lesson's other programs: each really does what it teaches, and checks that it happened.
///
/// Without a name, the lessons are listed in the order in which to learn. `loadgen lab` comes before
/// them all: there you cause the race by hand, in a browser.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct LessonArgs {
    /// Which lesson, or `all` of them
    #[arg(value_parser = names(), hide_possible_values = true)]
    name: Option<String>,

    /// Let every wait take a fifth of its time
    #[arg(long, requires = "name")]
    fast: bool,

    /// Wait between reading a count and checking it [default: 0.1s]
    #[arg(long, value_name = "TIME", value_parser = wait, requires = "name")]
    #[arg(allow_hyphen_values = true)]
    check_delay: Option<Duration>,

    /// Wait between checking a count and writing it back [default: 0.2s]
    #[arg(long, value_name = "TIME", value_parser = wait, requires = "name")]
    #[arg(allow_hyphen_values = true)]
    write_delay: Option<Duration>,

    /// The shorter of two pieces of work [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = wait, requires = "name")]
    #[arg(allow_hyphen_values = true)]
    short: Option<Duration>,

    /// The longer of two pieces of work [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = wait, requires = "name")]
    #[arg(allow_hyphen_values = true)]
    long: Option<Duration>,

    /// One step of a work of many steps [default: 0.2s]
    #[arg(long, value_name = "TIME", value_parser = wait, requires = "name")]
    #[arg(allow_hyphen_values = true)]
    step: Option<Duration>,

    /// Leave out the very thing that the lesson relies on: its verdict must change
    #[arg(long, requires = "name")]
    pub(super) sabotage: bool,

    /// `cpu-or-io`: run the same under CPython, where it is installed
    #[arg(long, requires = "name")]
    pub(super) python: bool,

    /// Print the result as one JSON object on stdout, and words on stderr
    #[arg(long)]
    pub(super) json: bool,

    /// Write the result as a page of its own
    #[arg(long, value_name = "FILE.html", requires = "name")]
    pub(super) report: Option<PathBuf>,
}

const EXIT_CODES: &str = "\
Times are a number and a unit: 10ms, 0.1s, 1m. `loadgen lesson` alone says which lessons there are.

Exit codes:
  0    each lesson saw what it teaches
  1    a lesson saw the opposite
  2    wrong usage
  3    unknown: this machine was too busy for an answer
  70   something failed, such as a process that does not start
  130  interrupted";

/// What is to be run: everything is checked.
#[derive(Clone, Debug)]
pub(crate) struct LessonConfig {
    /// Which, in this order; none: the list is wanted.
    pub(super) lessons: Vec<&'static Lesson>,
    pub(super) waits: Waits,
    /// What else was asked for.
    pub(super) args: LessonArgs,
}

/// Why the flags make no lesson.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgsError {
    /// A flag that changes nothing is a misunderstanding, and better said than kept.
    #[error("`{flag}` means nothing to the lesson `{name}`\nhint: it looks at `{}`", flags.join("`, `"))]
    NoUse { flag: &'static str, name: &'static str, flags: &'static [&'static str] },
    /// The shorter work is not shorter.
    #[error(
        "`--short {}` is not shorter than `--long {}`, and which of two ends first is the lesson",
        duration::format(*short),
        duration::format(*long)
    )]
    NotShorter { short: Duration, long: Duration },
}

impl LessonArgs {
    /// Checks what the flags say together.
    ///
    /// # Errors
    /// Flags that contradict each other, or that mean nothing here.
    pub(crate) fn check(self) -> Result<LessonConfig, ArgsError> {
        let name = self.name.as_deref();
        let is_wanted = |lesson: &&Lesson| name == Some(ALL) || name == Some(lesson.name);
        let lessons: Vec<&'static Lesson> = LESSONS.iter().filter(is_wanted).collect();
        let given = [
            ("--check-delay", self.check_delay.is_some()),
            ("--write-delay", self.write_delay.is_some()),
            ("--short", self.short.is_some()),
            ("--long", self.long.is_some()),
            ("--step", self.step.is_some()),
            ("--python", self.python),
        ];
        if let [lesson] = lessons[..] {
            let is_odd = |(flag, given): &&(&str, bool)| *given && !lesson.flags.contains(flag);
            if let Some((flag, _)) = given.iter().find(is_odd) {
                let (name, flags) = (lesson.name, lesson.flags);
                return Err(ArgsError::NoUse { flag, name, flags });
            }
        }
        let scale = if self.fast { FAST } else { 1 };
        let or_ms = |asked: Option<Duration>, default_ms| {
            asked.unwrap_or(Duration::from_millis(default_ms))
        };
        let (short, long) = (or_ms(self.short, 1_000), or_ms(self.long, 2_000));
        if short >= long {
            return Err(ArgsError::NotShorter { short, long });
        }
        let waits = Waits {
            check: or_ms(self.check_delay, 100) / scale,
            write: or_ms(self.write_delay, 200) / scale,
            short: short / scale,
            long: long / scale,
            step: or_ms(self.step, 200) / scale,
        };
        Ok(LessonConfig { lessons, waits, args: self })
    }
}

fn names() -> PossibleValuesParser {
    let lessons = LESSONS.iter().map(|lesson| PossibleValue::new(lesson.name).help(lesson.teaches));
    lessons.chain([PossibleValue::new(ALL).help("every lesson in turn")]).collect::<Vec<_>>().into()
}

/// A wait that can be seen, and that nobody gives up on.
fn wait(text: &str) -> Result<Duration, String> {
    let wait = duration::parse(text)?;
    if wait < Duration::from_millis(5) {
        return Err("shorter than 5ms, which no machine keeps to".to_owned());
    }
    if wait > Duration::from_secs(60) {
        return Err("longer than 1m".to_owned());
    }
    Ok(wait)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        lesson: LessonArgs,
    }

    fn parsed(line: &str) -> Result<LessonConfig, String> {
        let words = std::iter::once("lesson").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.lesson.check().map_err(|error| error.to_string())
    }

    #[test]
    fn the_waits_are_the_lessons_own_and_fast_takes_a_fifth() {
        let ms = Duration::from_millis;
        let config = parsed("all").unwrap();
        assert_eq!(config.lessons.len(), 10);
        assert_eq!((config.waits.check, config.waits.write), (ms(100), ms(200)));
        assert_eq!((config.waits.short, config.waits.long), (ms(1_000), ms(2_000)));
        let config = parsed("file-mutex --fast --write-delay 0.5s").unwrap();
        assert_eq!((config.waits.check, config.waits.write), (ms(20), ms(100)));
    }

    #[test]
    fn without_a_name_the_list_is_wanted() {
        assert!(parsed("").unwrap().lessons.is_empty());
        assert!(parsed("--json").unwrap().lessons.is_empty());
    }

    #[test]
    fn an_unknown_name_is_told_what_it_is_like() {
        let error = parsed("jion").unwrap_err();
        assert!(error.contains("'jion'") && error.contains("'join'"), "{error}");
        for lesson in &LESSONS {
            assert!(error.contains(lesson.name), "{error}");
        }
    }

    #[test]
    fn wrong_flags_are_named() {
        for (line, named) in [
            ("--fast", "NAME"),
            ("join --step 10", "--step"),
            ("join --step 1ms", "--step"),
            ("join --step -1s", "--step"),
            ("join --step 2m", "--step"),
            ("join --short 1s", "--short"),
            ("join --python", "--python"),
            ("daemon-thread --short 2s", "--short"),
            ("all --short 2s --long 1s", "--short"),
            ("join thread-pool", "thread-pool"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
