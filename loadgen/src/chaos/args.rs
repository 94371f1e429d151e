//! The flags of chaos: typed by the user, checked once.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::ValueEnum as _;

use super::{
    config::{ChaosConfig, Kept},
    faults::FaultKind,
};
use crate::{duration, flags, plan::Holds, setup::Mode};

/// How long a round is where nothing is said, and where an engine is started: a fault of a third of it at most is to be
/// longer than an election.
const ROUND: Duration = Duration::from_millis(700);
const ROUND_OF_MEMBERS: Duration = Duration::from_secs(3);

/// The shortest round: a server must be able to start in it.
const ROUND_MIN: Duration = Duration::from_millis(100);

/// Let clients buy, hold and refund at servers that are killed, stopped, ended and cut off, and judge what they were told.
///
/// Everything runs on loopback in a temporary folder, on processes that this one starts itself, and nothing is
/// left behind. Whoever gets no final answer tries again under the same key. In the end all servers are up, and
/// what is left, what the ledger says and what the clients were told have to agree.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ChaosArgs {
    /// How many faults, one in each round
    #[arg(long, value_name = "N", default_value = "20", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(0..=100_000))]
    rounds: u32,

    /// How long a round is [default: 700ms, and 3s with `--members` and `--postgres`]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    #[arg(value_parser = duration::parse)]
    round: Option<Duration>,

    /// How many servers sell from the one counter
    #[arg(long, value_name = "N", default_value = "3", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=100))]
    servers: u32,

    /// Keep the counter in an etcd of so many members, which are started here: Debian's `etcd-server`
    #[arg(long, value_name = "N", default_value = "0", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(0..=9), conflicts_with = "db")]
    members: u32,

    /// Keep the counter in a primary of PostgreSQL with a synchronous standby, members 1 and 2, which are started here:
    /// Debian's `postgresql`
    #[arg(long, conflicts_with_all = ["db", "members"])]
    postgres: bool,

    /// How many clients buy
    #[arg(short = 'c', long, value_name = "N", default_value = "24", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=10_000))]
    clients: u32,

    /// In how many workers [default: 8, or one for each client where there are fewer]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=1000))]
    workers: Option<u32>,

    /// What a worker is
    #[arg(long, value_enum, default_value = "process")]
    mode: Mode,

    /// How many tickets there are: refunds and holds that lapse bring some of them back
    #[arg(long, value_name = "N", default_value = "10000", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=1_000_000_000))]
    tickets: u64,

    /// Which faults [default: kill,pause,end; with `--members` and `--postgres` also the four of members and the network;
    /// with `--postgres` also promote]
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    faults: Vec<FaultKind>,

    /// What faults and load are drawn from: the same seed makes the same plan
    #[arg(long, value_name = "N", default_value = "1", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=u64::MAX))]
    seed: u64,

    /// Where the counter is kept, as `server --db` takes it; it must be new [default: a temporary file]
    #[arg(long, value_name = "DB", conflicts_with = "folder")]
    db: Option<String>,

    /// Where the temporary folder is made; `--faults fill` fills the file system that it is on
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// How long a client waits for one answer before it tries again
    #[arg(
        short = 't',
        long,
        value_name = "TIME",
        default_value = "2s",
        allow_hyphen_values = true
    )]
    #[arg(value_parser = duration::parse)]
    timeout: Duration,

    /// Keep all that the clients saw, for `loadgen check`; a file of that name is replaced
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Draw all of it as one HTML page, with the faults shaded; a file of that name is replaced
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// Write the result to this file too, as one JSON object; a file of that name is replaced
    #[arg(short = 'o', long, value_name = "FILE.json")]
    output: Option<PathBuf>,

    /// Print the result as one JSON object on stdout, and words on stderr
    #[arg(long)]
    json: bool,

    /// What else each server is started with, as in `-- --durability buffered`
    #[arg(last = true, value_name = "SERVER FLAGS")]
    server_flags: Vec<OsString>,
}

const EXIT_CODES: &str = "\
Times are a number and a unit: 10ms, 0.1s, 1m.

Exit codes:
  0    valid: nothing acknowledged is lost, and nothing is sold twice
  1    a violation, or a ledger that is not sound
  2    wrong usage, or more than this machine allows
  3    unknown: what was seen proves nothing
  70   something failed, such as a server that does not start again
  130  interrupted";

/// Why the flags make no chaos.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgsError {
    /// A round in which no server can start.
    #[error("`--round` is too short for a server to start\nhint: `--round 100ms` is the shortest")]
    Round,
    /// A limit that no answer can meet.
    #[error("`--timeout` is nothing\nhint: leave it out, or give it as in `--timeout 2s`")]
    NoTime,
    /// Members that there are none of.
    #[error(
        "`--faults {0}` is done to members of an engine or their network, and there are none\n\
         hint: `--members 3`, or `--postgres`"
    )]
    NoMembers(String),
    /// No standby.
    #[error(
        "`--faults promote` makes a standby the primary, and there is none\nhint: `--postgres`"
    )]
    NoStandby,
    /// Nothing that knows the engine.
    #[error(
        "`{flag}` keeps the counter in {engine}, and this program was built without it\n\
         hint: `cargo build --release --features {feature}`"
    )]
    NotBuilt {
        /// What asks for it.
        flag: &'static str,
        /// Its name.
        engine: &'static str,
        /// What it is built with.
        feature: &'static str,
    },
    /// A file system that nobody has named.
    #[error(
        "`--faults fill` fills a whole file system, and `--folder` does not say which\n\
         hint: mount a small one, as in `mount -t tmpfs -o size=32m tmpfs /mnt/small`"
    )]
    NoFolder,
}

impl ChaosArgs {
    /// Checks what the flags say together.
    ///
    /// # Errors
    /// Flags that contradict each other.
    pub(crate) fn check(self) -> Result<ChaosConfig, ArgsError> {
        let kept = match self.db {
            Some(db) => Kept::At(db),
            None if self.postgres => Kept::Postgres,
            None if self.members > 0 => Kept::Etcd { members: self.members },
            None => Kept::File,
        };
        let has_members = kept.members() > 0;
        let round = self.round.unwrap_or(if has_members { ROUND_OF_MEMBERS } else { ROUND });
        if round < ROUND_MIN {
            return Err(ArgsError::Round);
        }
        if self.timeout.is_zero() {
            return Err(ArgsError::NoTime);
        }
        let (servers, members) = (&FaultKind::OF_SERVERS[..], &FaultKind::OF_MEMBERS[..]);
        let kinds = match &self.faults[..] {
            [] if kept == Kept::Postgres => [servers, members, &[FaultKind::Promote]].concat(),
            [] if has_members => [servers, members].concat(),
            [] => servers.to_vec(),
            kinds => kinds.to_vec(),
        };
        if matches!(kept, Kept::Etcd { .. }) && cfg!(not(feature = "etcd")) {
            let (flag, engine, feature) = ("--members", "etcd", "etcd");
            return Err(ArgsError::NotBuilt { flag, engine, feature });
        }
        if kept == Kept::Postgres && cfg!(not(feature = "postgres")) {
            let (flag, engine, feature) = ("--postgres", "PostgreSQL", "postgres");
            return Err(ArgsError::NotBuilt { flag, engine, feature });
        }
        if kinds.contains(&FaultKind::Promote) && kept != Kept::Postgres {
            return Err(ArgsError::NoStandby);
        }
        if let Some(kind) = kinds.iter().find(|kind| kind.needs_members() && !has_members) {
            let name = kind.to_possible_value().map(|kind| kind.get_name().to_owned());
            return Err(ArgsError::NoMembers(name.unwrap_or_default()));
        }
        if kinds.contains(&FaultKind::Fill) && self.folder.is_none() {
            return Err(ArgsError::NoFolder);
        }
        let workers = if self.mode == Mode::Task { 1 } else { self.workers.unwrap_or(8) };
        Ok(ChaosConfig {
            rounds: self.rounds,
            round,
            servers: self.servers,
            kept,
            clients: self.clients,
            workers: workers.min(self.clients),
            mode: self.mode,
            tickets: self.tickets,
            kinds,
            seed: self.seed,
            folder: self.folder,
            server_flags: self.server_flags,
            timeout: self.timeout,
            holds: Holds { refund: 0.2, seconds: 1, ..Holds::default() },
            history: self.history,
            report: self.report,
            output: self.output,
            json: self.json,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        chaos: ChaosArgs,
    }

    fn parsed(line: &str) -> Result<ChaosConfig, String> {
        let words = std::iter::once("chaos").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.chaos.check().map_err(|error| error.to_string())
    }

    #[test]
    fn wrong_flags_are_named() {
        for (line, flag) in [
            ("--rounds -1", "--rounds"),
            ("--round 1ms", "--round"),
            ("--round 5", "--round"),
            ("--servers 0", "--servers"),
            ("--clients 0", "--clients"),
            ("--workers 0", "--workers"),
            ("--tickets -1", "--tickets"),
            ("--faults nothing", "--faults"),
            ("--faults fill", "--folder"),
            ("--faults member-kill", "--members"),
            ("--faults server-cut", "--postgres"),
            ("--faults promote", "--postgres"),
            ("--postgres --members 3", "--members"),
            ("--postgres --db x", "--db"),
            ("--members 10", "--members"),
            ("--members 3 --db etcd://a:1/b", "--db"),
            ("--seed x", "--seed"),
            ("--timeout 0s", "--timeout"),
            ("--db etcd://a:1/b --folder x", "--folder"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(flag), "{line}: {error}");
        }
    }

    #[test]
    fn no_worker_is_without_a_client() {
        assert_eq!(parsed("-c 3").unwrap().workers, 3);
        assert_eq!(parsed("--mode task").unwrap().workers, 1);
    }
}
