//! The command line of the bench.

use std::{
    env,
    ffi::OsString,
    fs, iter,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Parser, builder::PossibleValuesParser};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    capacity::{self, allotments},
    cpu,
    load::Plan,
    machine::Machine,
    report::Report,
    rounds,
    systems::{self, Setting},
};

/// The hidden first argument that makes this program a server: `server`'s own command line.
pub(crate) const SERVER: &str = "server-process";

/// How long a system is under load before anything is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long each is measured for `bench capacity`.
const CAPACITY_WINDOW: Duration = Duration::from_secs(2);

/// The longest time that can be asked for.
const LENGTH_MAX: Duration = Duration::from_secs(600);

/// The shortest time in which there is something to count.
const WINDOW_MIN: Duration = Duration::from_millis(100);

/// Sells tickets on several systems in turn and prints how they compare.
///
/// `bench cpu` asks another question: what a request costs the one who sends it (`bench cpu --help`); `bench capacity`
/// a third: how far one counter scales on an engine (`bench capacity --help`); `bench allotments` a fourth: what servers
/// sell that draw from one (`bench allotments --help`).
///
/// Folders are made where temporary files go (`TMPDIR`); that has to be a real disk, or the
/// syncs cost nothing and the figures say nothing.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    /// How often each system has its turn.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// How long a system is measured each time, in seconds.
    #[arg(long, value_name = "S", default_value = "3", value_parser = window)]
    seconds: Duration,
    /// Where others use the machine: how long to wait for a calm run of each system, in seconds.
    #[arg(long, value_name = "S", default_value = "0", value_parser = seconds)]
    calm: Duration,
    /// How many clients ask at once, where the system's name does not say it.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// How many threads the clients share.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    client_threads: u16,
    /// Measure these systems only.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = names())]
    only: Vec<String>,
    /// Print one JSON object on standard output, and the tables on standard error.
    #[arg(long)]
    json: bool,
    /// The `server` to measure [default: the one that was built with the bench].
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Another `server` to compare it with, such as that of an older commit: the systems `former`.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// Runs the command line: `args` as typed, the program's name first.
pub(crate) fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter().peekable();
    let name = args.next().unwrap_or_default();
    if args.next_if(|first| first == SERVER).is_some() {
        return server::cli::main(iter::once("server".into()).chain(args));
    }
    if args.next_if(|first| first == cpu::LOADGEN).is_some() {
        return loadgen::cli::main(iter::once("loadgen".into()).chain(args));
    }
    if args.peek().is_some_and(|first| first == cpu::WORKER) {
        return loadgen::cli::main(iter::once("loadgen".into()).chain(args));
    }
    let words = [cpu::WORD, capacity::WORD, allotments::WORD];
    let word = args.next_if(|first| words.iter().any(|word| first == word));
    let args = iter::once(name).chain(args);
    let ran = match word {
        Some(word) if word == cpu::WORD => cpu::main(args),
        Some(word) if word == capacity::WORD => {
            let cli = capacity::Cli::parse_from(args);
            on_engine(|setting| capacity::run(&cli, setting))
        }
        Some(_) => {
            let cli = allotments::Cli::parse_from(args);
            on_engine(|setting| allotments::run(&cli, setting))
        }
        None => bench(Cli::parse_from(args)),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Asks a question that brings its own numbers of clients.
fn on_engine(ask: impl FnOnce(&Setting) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let itself = env::current_exe().context("cannot tell where this program is")?;
    let plan = Plan { connections: 1, threads: 1, warm_up: WARM_UP, window: CAPACITY_WINDOW };
    raise_file_limit();
    ask(&Setting { plan, server: (itself, Some(SERVER)), against: None })
}

fn bench(cli: Cli) -> anyhow::Result<()> {
    let itself = env::current_exe().context("cannot tell where this program is")?;
    let setting = Setting {
        plan: Plan {
            connections: cli.connections.into(),
            threads: cli.client_threads.into(),
            warm_up: WARM_UP,
            window: cli.seconds,
        },
        server: match cli.server {
            Some(server) => (whole(&server)?, None),
            None => (itself, Some(SERVER)),
        },
        against: cli.against.as_deref().map(whole).transpose()?,
    };
    raise_file_limit();
    let machine = Machine::look()?;
    eprintln!("{machine}");
    let wanted = systems::ALL.into_iter().filter(|system| match &cli.only[..] {
        [] => setting.against.is_some() || !system.is_former(),
        only => only.iter().any(|name| name == system.name),
    });
    let ran = rounds::run(wanted.collect(), cli.rounds.into(), cli.calm, &setting)?;
    let report = Report::new(&machine, &setting.plan, &ran);
    if cli.json {
        println!("{:#}", report.json());
        eprintln!("{report}");
    } else {
        println!("{report}");
    }
    Ok(())
}

/// The path of `program` from any folder.
fn whole(program: &Path) -> anyhow::Result<PathBuf> {
    fs::canonicalize(program).with_context(|| format!("no program `{}`", program.display()))
}

/// Lets this program, and the servers that it starts, have as many connections as they may.
fn raise_file_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // Where the system refuses, a run with too many connections says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(systems::ALL.map(|system| system.name))
}

/// A length of time from its seconds as typed, such as `0.5`; at most ten minutes.
fn seconds(typed: &str) -> Result<Duration, String> {
    let seconds = typed.parse::<f64>().map_err(|error| error.to_string())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(length) if length <= LENGTH_MAX => Ok(length),
        _ => Err(format!("expected 0 to {} seconds", LENGTH_MAX.as_secs())),
    }
}

/// As [`seconds`], and long enough to count something.
fn window(typed: &str) -> Result<Duration, String> {
    let length = seconds(typed)?;
    if length < WINDOW_MIN {
        return Err(format!("expected at least {} seconds", WINDOW_MIN.as_secs_f64()));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn window_is_bounded() {
        assert_eq!(window("0.5"), Ok(Duration::from_millis(500)));
        for typed in ["0", "-1", "601", "NaN", "inf", "x"] {
            assert!(window(typed).is_err(), "{typed}");
        }
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
    }
}
