//! What a request costs the one who sends it: processor time of load generators, in turn.
//!
//! All of them put the same load on the handler that does nothing. What counts is the time that a
//! generator and its children took, user and system, over the requests that it sent, and of that the
//! ratios within a round. Ours has its history on, and judges it in that time.
//!
//! A purchase of several calls sends the same requests as `oha` does beside it, one body each; and it does what makes it
//! one: takes a value from each answer, puts it into the next request, and looks for cookies and redirects.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Parser;
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use e2e::{Finished, Program, Server};
use serde_json::{Value, json};

use crate::{
    machine::{Machine, Watch},
    spread::{Spread, cut},
};

/// The word that makes this program ask this question.
pub(crate) const WORD: &str = "cpu";

/// The hidden first arguments that make this program `loadgen`, and one of its workers.
pub(crate) const LOADGEN: &str = "loadgen-process";
pub(crate) const WORKER: &str = "worker-process";

/// How long wrk runs, which takes no number of requests.
const WRK_SECONDS: u32 = 5;

/// The script that makes wrk post.
const POSTING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/posting.lua");

/// How long a generator may take.
const LIMIT: Duration = Duration::from_secs(300);

/// How many times a second the kernel counts (`USER_HZ`).
const TICKS_HZ: f64 = 100.0;

/// How much processor time a request costs the one who sends it.
#[derive(Debug, Parser)]
#[command(name = "bench cpu")]
struct Cli {
    /// How often each generator has its turn.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// How many requests each sends: so many that the start of a hundred processes weighs little.
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(100..=100_000_000))]
    requests: u32,
    /// On how many connections.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Measure these generators only.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Print one JSON object on standard output, and the table on standard error.
    #[arg(long)]
    json: bool,
}

/// A load generator and how it is asked.
struct Generator {
    name: &'static str,
    what: &'static str,
    program: fn(&Cli, &str) -> Program,
    count: fn(&Cli, &Finished) -> Option<u64>,
}

/// How many calls a purchase of several has.
const CALLS: u32 = 4;

/// What each of them sends, in the size that it has there.
const BODY: &str = r#"{"after":"1","quantity":1}"#;

const GENERATORS: [Generator; 9] = [
    Generator {
        name: "task",
        what: "`loadgen run --mode task`, the default",
        program: |cli, url| ours(cli, url, &["--mode", "task"]),
        count: asked,
    },
    Generator {
        name: "no-history",
        what: "the same with `--no-history`",
        program: |cli, url| ours(cli, url, &["--mode", "task", "--no-history"]),
        count: asked,
    },
    Generator {
        name: "thread",
        what: "`--mode thread`, a thread a connection",
        program: |cli, url| ours(cli, url, &["--mode", "thread"]),
        count: asked,
    },
    Generator {
        name: "process",
        what: "`--mode process`, a process a connection",
        program: |cli, url| ours(cli, url, &["--mode", "process"]),
        count: asked,
    },
    Generator {
        name: "wrk",
        what: "`wrk -t1`, with a script that posts",
        program: wrk,
        count: told,
    },
    Generator { name: "oha", what: "`oha`", program: oha, count: asked },
    Generator {
        name: "flow",
        what: "`loadgen run --map`, purchases of four calls",
        program: flow,
        count: flow_calls,
    },
    Generator {
        name: "oha-body",
        what: "`oha` with the body that such a call has",
        program: |cli, url| oha(cli, url).args(["-d", BODY, "-T", "application/json"]),
        count: asked,
    },
    Generator { name: "hey", what: "`hey`", program: hey, count: asked },
];

/// What is compared, and how much it may be.
const PAIRS: [(&str, &str, f64); 5] = [
    ("task", "oha", 0.9),
    ("task", "wrk", 2.0),
    ("task", "hey", 1.0),
    ("process", "task", 2.0),
    ("flow", "oha-body", 1.0),
];

fn ours(cli: &Cli, url: &str, arguments: &[&str]) -> Program {
    let itself = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("bench"));
    Program::new(itself)
        .args([LOADGEN, "run", url, "--no-tui"])
        .args(["-c", &cli.connections.to_string(), "-n", &cli.requests.to_string()])
        .args(arguments)
}

/// A shop whose purchases take four calls, each of which sends on what the one before has given.
fn flow(cli: &Cli, url: &str) -> Program {
    let itself = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("bench"));
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/flow.toml");
    Program::new(itself)
        .args([LOADGEN, "run", url, "--no-tui", "--map", map, "--initial", "1000000000"])
        .args(["-c", &cli.connections.to_string(), "-n", &(cli.requests / CALLS).to_string()])
}

fn flow_calls(cli: &Cli, _: &Finished) -> Option<u64> {
    Some(u64::from(cli.requests / CALLS * CALLS))
}

fn oha(cli: &Cli, url: &str) -> Program {
    Program::new("oha")
        .args(["-c", &cli.connections.to_string(), "-n", &cli.requests.to_string()])
        .args(["-m", "POST", "--no-tui", &format!("{url}/buy")])
}

fn hey(cli: &Cli, url: &str) -> Program {
    Program::new("hey")
        .args(["-c", &cli.connections.to_string(), "-n", &cli.requests.to_string()])
        .args(["-m", "POST", &format!("{url}/buy")])
}

fn wrk(cli: &Cli, url: &str) -> Program {
    Program::new("wrk")
        .args(["-t1", "-c", &cli.connections.to_string(), "-d", &format!("{WRK_SECONDS}s")])
        .args(["-s", POSTING, &format!("{url}/buy")])
}

fn asked(cli: &Cli, _: &Finished) -> Option<u64> {
    Some(cli.requests.into())
}

/// As in "96663 requests in 5.01s".
fn told(_: &Cli, finished: &Finished) -> Option<u64> {
    let line = finished.stdout.lines().find(|line| line.contains(" requests in "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What came of one generator: microseconds a request, one number a round.
struct Series {
    generator: &'static Generator,
    us: Vec<f64>,
}

/// Runs the command line behind the word: `args` with the program's name first.
pub(crate) fn main(args: impl IntoIterator<Item = std::ffi::OsString>) -> anyhow::Result<()> {
    let cli = Cli::parse_from(args);
    let machine = Machine::look()?;
    eprintln!("{machine}");
    let mut all: Vec<Series> = wanted(&cli)?;
    let itself = std::env::current_exe().context("cannot tell where this program is")?;
    let server = Program::new(itself).args([crate::cli::SERVER, "noop"]);
    let server = Server::start_without_counter(server);
    for round in 1..=cli.rounds {
        eprintln!("round {round} of {}", cli.rounds);
        for Series { generator, us } in &mut all {
            let watch = Watch::begin()?;
            let cost = cost_us(&cli, generator, server.url())?;
            let others = watch.end()?;
            eprintln!("  {}: {cost:.1} µs, others kept {others:.1} cores busy", generator.name);
            us.push(cost);
        }
    }
    print(&cli, &machine, &all);
    Ok(())
}

fn wanted(cli: &Cli) -> anyhow::Result<Vec<Series>> {
    for name in &cli.only {
        ensure!(GENERATORS.iter().any(|one| one.name == name), "there is no generator `{name}`");
    }
    let is_wanted =
        |one: &&Generator| cli.only.is_empty() || cli.only.iter().any(|name| name == one.name);
    let mut all = Vec::new();
    for generator in GENERATORS.iter().filter(is_wanted) {
        if is_missing(generator.name) {
            eprintln!("{}: skipped, it is not installed", generator.name);
            continue;
        }
        all.push(Series { generator, us: Vec::new() });
    }
    Ok(all)
}

/// Whether a foreign program is not on the `PATH`.
fn is_missing(name: &str) -> bool {
    ["wrk", "oha", "hey"].contains(&program_of(name))
        && !Program::new("sh")
            .args(["-c", &format!("command -v {}", program_of(name))])
            .run()
            .stdout
            .contains(program_of(name))
}

/// A generator has its program's name, and behind a dash what else sets it apart.
fn program_of(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

fn cost_us(cli: &Cli, generator: &Generator, url: &str) -> anyhow::Result<f64> {
    let before = children_seconds()?;
    let finished = (generator.program)(cli, url).within(LIMIT).run();
    let seconds = children_seconds()? - before;
    let count = (generator.count)(cli, &finished).filter(|count| *count > 0);
    let count = count.with_context(|| format!("{} sent nothing: {finished:?}", generator.name))?;
    // Ours finds a violation, since that handler sells one ticket again and again; 2 is no run.
    ensure!(matches!(finished.code, Some(0 | 1 | 3)), "{} failed: {finished:?}", generator.name);
    #[expect(clippy::cast_precision_loss, reason = "no bench counts to 2^53")]
    let count = count as f64;
    Ok(seconds * 1e6 / count)
}

/// The processor time of all children that have ended, in seconds (`man 5 proc`).
fn children_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("no process")?;
    // The name, in brackets, may hold anything; cutime is the 14th field behind it.
    let times = fields.split_whitespace().skip(13).take(2);
    Ok(times.map(str::parse).collect::<Result<Vec<f64>, _>>()?.iter().sum::<f64>() / TICKS_HZ)
}

fn print(cli: &Cli, machine: &Machine, all: &[Series]) {
    let of = |name: &str| all.iter().find(|series| series.generator.name == name);
    let ratios: Vec<(&str, &str, f64, Spread)> = PAIRS
        .iter()
        .filter_map(|(one, other, most)| {
            let rounds = of(one)?.us.iter().zip(&of(other)?.us).map(|(one, other)| one / other);
            Some((*one, *other, *most, Spread::of(&rounds.collect::<Vec<_>>())?))
        })
        .collect();
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "generator",
        "µs a request",
        "range",
        "what it is",
    ]);
    for Series { generator, us } in all {
        let Some(Spread { median, min, max }) = Spread::of(us) else { continue };
        table.add_row([
            generator.name.to_owned(),
            format!("{median:.1}"),
            format!("{min:.1}..{max:.1}"),
            generator.what.to_owned(),
        ]);
    }
    let mut text = format!("{table}\n\n");
    for (one, other, most, Spread { median, min, max }) in &ratios {
        text.push_str(&format!(
            "{one}/{other}: {median:.2} ({min:.2}..{max:.2}), at most {most:.1} asked\n"
        ));
    }
    if cli.json {
        println!("{:#}", as_json(cli, machine, all, &ratios));
        eprint!("{text}");
    } else {
        print!("{text}");
    }
}

fn as_json(
    cli: &Cli,
    machine: &Machine,
    all: &[Series],
    ratios: &[(&str, &str, f64, Spread)],
) -> Value {
    let generators = all.iter().map(|Series { generator, us }| {
        let rounds: Vec<f64> = us.iter().copied().map(cut).collect();
        json!({ "name": generator.name, "us_a_request": Spread::of(us).map(|us| us.json()), "rounds": rounds })
    });
    let ratios = ratios.iter().map(|(one, other, most, spread)| {
        json!({ "of": one, "by": other, "at_most": most, "ratio": spread.json() })
    });
    json!({
        "machine": machine.json(),
        "requests": cli.requests,
        "connections": cli.connections,
        "generators": generators.collect::<Vec<_>>(),
        "ratios": ratios.collect::<Vec<_>>(),
    })
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
    fn pairs_name_generators_that_exist() {
        for name in PAIRS.iter().flat_map(|(one, other, _)| [one, other]) {
            assert!(GENERATORS.iter().any(|generator| generator.name == *name), "{name}");
        }
    }
}
