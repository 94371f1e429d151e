//! The race's flags: typed by the user, checked once.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    config::{RaceConfig, timeout_default},
    holds,
    own_counter::{KeptIn, OwnCounter},
};
use crate::{
    duration, flags,
    history::monotonic_ns,
    setup::{Delays, Locking, Mode},
};

/// The most tickets that `db.txt` can say: 2^53 − 1, which every JSON reader keeps exact.
const TICKETS_MAX: u64 = (1 << 53) - 1;

/// Let many workers buy few tickets at once, without a lock and with one, and judge the answers.
///
/// Every worker searches once and buys once; nobody buys before all are ready. For each locking
/// in turn the race starts what it needs in a temporary folder, and leaves nothing behind.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RaceArgs {
    /// How many workers buy
    #[arg(long, value_name = "N", default_value = "100", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=10_000))]
    workers: u32,

    /// What a worker is
    #[arg(long, value_enum, default_value = "process")]
    mode: Mode,

    /// How many tickets there are
    #[arg(long, value_name = "N", default_value = "10", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=TICKETS_MAX))]
    tickets: u64,

    /// How many server processes share the one counter
    #[arg(long, value_name = "N", default_value = "1", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=100))]
    servers: u32,

    /// Wait between reading the count and checking it (`none`, `mutex` and `file`)
    #[arg(long, value_name = "TIME", default_value = "10ms", allow_hyphen_values = true)]
    #[arg(value_parser = duration::parse)]
    check_delay: Duration,

    /// Wait between checking the count and writing it back (`none`, `mutex` and `file`)
    #[arg(long, value_name = "TIME", default_value = "20ms", allow_hyphen_values = true)]
    #[arg(value_parser = duration::parse)]
    write_delay: Duration,

    /// Wait as long as the lesson does: 0.1s and 0.2s
    #[arg(long, conflicts_with_all = ["check_delay", "write_delay"])]
    lesson_delays: bool,

    /// Let the workers open `db.txt` themselves, with no server (`none` and `file`)
    #[arg(long, conflicts_with = "servers")]
    direct: bool,

    /// Let every worker hold a ticket: half of them confirm it, half let it lapse, and whoever was refused tries
    /// once more when these are over (`group`)
    #[arg(long, conflicts_with = "direct")]
    holds: bool,

    /// How long a ticket is held
    #[arg(long, value_name = "TIME", default_value = "1s", allow_hyphen_values = true)]
    #[arg(value_parser = duration::whole_seconds, requires = "holds")]
    hold_seconds: u64,

    /// Where the counter is kept, beside the one that this names: `etcd://host:port,…/name` or
    /// `postgres://…/database?counter=name` (`group`); it is made for the race, and removed [default: a temporary
    /// file]
    #[arg(long, value_name = "DB", conflicts_with = "direct")]
    db: Option<String>,

    /// What keeps two purchases apart, several in turn [default: all that are possible]
    #[arg(long, value_enum, value_name = "LOCKING", value_delimiter = ',')]
    locking: Vec<Locking>,

    /// How long a worker waits for an answer [default: from the delays]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, allow_hyphen_values = true)]
    timeout: Option<Duration>,

    /// Keep all that the workers saw, for `loadgen check`; a file of that name is replaced
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Draw all runs as one HTML page, with the smallest counterexample; a file of that name is replaced
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// Write the result to this file too, as one JSON object; a file of that name is replaced
    #[arg(short = 'o', long, value_name = "FILE.json")]
    output: Option<PathBuf>,

    /// Print the result as one JSON object on stdout, and words on stderr
    #[arg(long)]
    json: bool,
}

const EXIT_CODES: &str = "\
Times are a number and a unit: 10ms, 0.1s, 1m.

Exit codes:
  0    every unsafe run was caught, and every safe one is valid
  1    a safe run has a violation
  2    wrong usage, or more than this machine allows
  3    unknown: a run proves nothing, or an unsafe run looked valid
  70   something failed, such as a server that does not start
  130  interrupted";

/// Why the flags make no race.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgsError {
    /// A locking that needs a server.
    #[error(
        "`--locking {0}` needs a server, and `--direct` has none\n\
         hint: with `--direct` there are `none` and `file`"
    )]
    NeedsServer(Locking),
    /// A locking whose servers hold nothing.
    #[error(
        "`--locking {0}` sells one by one and holds nothing\nhint: with `--holds` there is `group`"
    )]
    NoHolds(Locking),
    /// A locking that needs a file.
    #[error(
        "`--locking {0}` sells from a file, and `--db` names none\n\
         hint: with `--db` there is `group`"
    )]
    NeedsFile(Locking),
    /// A counter that is not kept where a race can make one beside it.
    #[error(
        "`--db` names no counter in etcd or PostgreSQL\n\
         hint: `etcd://host:port/name` or `postgres://host/database?counter=name`; without `--db` the race makes \
         itself a file"
    )]
    NotElsewhere,
    /// What this program knows nothing of.
    #[error(
        "`--db {0}://…`: this program was built without it\n\
         hint: `cargo build --release --features {0}`"
    )]
    NotBuiltIn(&'static str),
    /// The same locking again.
    #[error("`--locking` names `{0}` twice")]
    Twice(Locking),
    /// A limit that no answer can meet.
    #[error("`--timeout` is nothing\nhint: leave it out, or give it as in `--timeout 30s`")]
    NoTime,
    /// One file would replace the other.
    #[error("`{0}` and `{1}` are both `{path}`, and one would replace the other", path = .2.display())]
    SameFile(&'static str, &'static str, PathBuf),
}

impl RaceArgs {
    /// Checks what the flags say together.
    ///
    /// # Errors
    /// Flags that contradict each other.
    pub(crate) fn check(self) -> Result<RaceConfig, ArgsError> {
        let files =
            [("--history", &self.history), ("--report", &self.report), ("--output", &self.output)];
        for (place, (flag, file)) in files.iter().enumerate() {
            for (other, other_file) in &files[place + 1..] {
                if let (Some(file), Some(other_file)) = (file, other_file)
                    && real(file) == real(other_file)
                {
                    return Err(ArgsError::SameFile(flag, other, other_file.clone()));
                }
            }
        }
        let delays = if self.lesson_delays {
            Delays::LESSON
        } else {
            Delays { check: self.check_delay, write: self.write_delay }
        };
        let default = timeout_default(self.workers, self.tickets, delays);
        let timeout = self.timeout.unwrap_or(default);
        if timeout.is_zero() {
            return Err(ArgsError::NoTime);
        }
        Ok(RaceConfig {
            workers: self.workers,
            mode: self.mode,
            tickets: self.tickets,
            servers: if self.direct { 0 } else { self.servers },
            delays,
            holds: self.holds.then(|| holds::terms(self.hold_seconds)),
            lockings: lockings(self.locking, (self.direct, self.holds, self.db.is_some()))?,
            own: self.db.as_deref().map(own_counter).transpose()?,
            timeout,
            history: self.history,
            report: self.report,
            output: self.output,
            json: self.json,
        })
    }
}

/// Where a file is or will be, past links.
fn real(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let in_its_folder = || {
        let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        Some(folder.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(in_its_folder).unwrap_or_else(|| path.to_owned())
}

/// A counter of the race's own beside the one that was `typed`.
fn own_counter(typed: &str) -> Result<OwnCounter, ArgsError> {
    let mark = format!("-race-{}-{:08x}", std::process::id(), monotonic_ns() & 0xffff_ffff);
    let own = OwnCounter::beside(typed, &mark).ok_or(ArgsError::NotElsewhere)?;
    match own.kept_in() {
        KeptIn::Etcd if cfg!(not(feature = "etcd")) => Err(ArgsError::NotBuiltIn("etcd")),
        KeptIn::Postgres if cfg!(not(feature = "postgres")) => {
            Err(ArgsError::NotBuiltIn("postgres"))
        }
        _ => Ok(own),
    }
}

fn lockings(
    asked: Vec<Locking>,
    (direct, holds, elsewhere): (bool, bool, bool),
) -> Result<Vec<Locking>, ArgsError> {
    let possible: &[Locking] = match (direct, holds || elsewhere) {
        (true, _) => &Locking::DIRECT,
        (false, true) => &[Locking::Group],
        (false, false) => &Locking::ALL,
    };
    if asked.is_empty() {
        return Ok(possible.to_vec());
    }
    for (place, locking) in asked.iter().enumerate() {
        if !possible.contains(locking) {
            let error = match (elsewhere, holds) {
                (true, _) => ArgsError::NeedsFile,
                (false, true) => ArgsError::NoHolds,
                (false, false) => ArgsError::NeedsServer,
            };
            return Err(error(*locking));
        }
        if asked[..place].contains(locking) {
            return Err(ArgsError::Twice(*locking));
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        race: RaceArgs,
    }

    fn parsed(line: &str) -> Result<RaceConfig, String> {
        let words = std::iter::once("race").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.race.check().map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = parsed("").unwrap();
        assert_eq!((config.workers, config.tickets, config.servers), (100, 10, 1));
        assert_eq!(config.mode, Mode::Process);
        assert_eq!(config.delays.check, Duration::from_millis(10));
        assert_eq!(config.delays.write, Duration::from_millis(20));
        assert_eq!(config.lockings, Locking::ALL);
    }

    #[test]
    fn direct_has_no_server_and_two_lockings() {
        let config = parsed("--direct --lesson-delays").unwrap();
        assert!(config.is_direct());
        assert_eq!(config.lockings, [Locking::None, Locking::File]);
        assert_eq!(config.delays, Delays::LESSON);
    }

    #[test]
    fn holds_are_raced_for_where_there_are_any() {
        let config = parsed("--holds").unwrap();
        assert_eq!(config.lockings, [Locking::Group]);
        assert_eq!(config.holds.map(|holds| (holds.quantity, holds.seconds)), Some((1, 1)));
        assert_eq!(parsed("").unwrap().holds, None);
    }

    #[test]
    fn wrong_flags_are_named() {
        for (line, flag) in [
            ("--workers 0", "--workers"),
            ("--workers -1", "--workers"),
            ("--workers 10001", "--workers"),
            ("--workers 1000000000000000000000000000000", "--workers"),
            ("--workers 1.5", "--workers"),
            ("--servers 0", "--servers"),
            ("--servers 2 --direct", "--servers"),
            ("--tickets -1", "--tickets"),
            ("--tickets 9007199254740992", "--tickets"),
            ("--check-delay 10", "--check-delay"),
            ("--write-delay -1ms", "--write-delay"),
            ("--lesson-delays --check-delay 1ms", "--check-delay"),
            ("--locking mutex --direct", "--locking mutex"),
            ("--holds --locking none", "--locking none"),
            ("--holds --direct", "--direct"),
            ("--holds --hold-seconds 0s", "--hold-seconds"),
            ("--hold-seconds 2s", "--holds"),
            ("--locking none,none", "--locking"),
            ("--locking nothing", "--locking"),
            ("--timeout 0s", "--timeout"),
            ("--mode fibre", "--mode"),
            ("--history x --report ./x", "`--history` and `--report`"),
            ("--report x -o ./x", "`--report` and `--output`"),
            ("--db db.txt", "`--db` names no counter"),
            ("--db etcd://a:1", "`--db` names no counter"),
            ("--db etcd://a:1/b --direct", "--direct"),
            ("--db etcd://a:1/b --locking file", "`--locking file` sells from a file"),
            ("--db etcd://a:1/b --holds --locking none", "`--locking none` sells from a file"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(flag), "{line}: {error}");
        }
    }
}
