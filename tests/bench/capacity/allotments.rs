//! The command: allotments on real servers, held against the model.

use std::fs;

use anyhow::Context as _;
use clap::Parser;
use e2e::{Counter, Server};

use super::{
    command::{median, table},
    drawing::{self, ORDER_MAX, Shop, TOKEN},
    model::{self, Allotment, Draw, Engine, Sales},
};
use crate::{
    machine::Machine,
    spread::Spread,
    systems::{Kept, Setting, named},
};

/// The word that makes this program ask this question.
pub(crate) const WORD: &str = "allotments";

/// How many servers sell.
const SERVERS: usize = 3;

/// How many draws there are for all the tickets of a run, at the most.
const DRAWS_MAX: u64 = 600;

/// How many tickets there are where each server has a single client.
const SLOW_TICKETS: u64 = 1500 * SERVERS as u64;

/// Lets three servers with a counter each sell what a driver draws from a counter on an engine, and says how that
/// compares with the model of `bench capacity`.
///
/// The model is fitted to what the same three servers sell with all tickets from the start, with one client each and
/// with many: so what they cost each other on one machine is in it. It is told how long each draw took.
#[derive(Debug, Parser)]
#[command(name = "bench allotments")]
pub(crate) struct Cli {
    /// Where the counter for all is kept.
    #[arg(long, value_name = "ENGINE", default_value = "etcd", value_parser = ["file", "etcd", "postgres"])]
    engine: String,
    /// How often everything is measured.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// How many clients each server has.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,
    /// How many tickets are drawn at a time.
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_value = "10,100,300,1000")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=ORDER_MAX))]
    sizes: Vec<u64>,
    /// How many tickets there are at most; fewer where that would take more than 600 draws.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(300..=10_000_000))]
    tickets: u64,
}

/// How is drawn, whatever that takes.
#[derive(Clone, Copy, PartialEq)]
struct Rule {
    size: u64,
    shrinks: bool,
}

/// All runs by one rule, each with the same figures.
struct Series {
    rule: Rule,
    rounds: Vec<Vec<Figure>>,
}

/// A figure of a run, and what the model says of it.
struct Figure {
    name: &'static str,
    /// Digits behind the point.
    digits: usize,
    measured: f64,
    model: Option<f64>,
}

/// Runs the command line behind the word.
///
/// # Errors
/// A system cannot be measured here, or failed.
pub(crate) fn run(cli: &Cli, setting: &Setting) -> anyhow::Result<()> {
    eprintln!("{}", Machine::look()?);
    if let Some(missing) = Kept::missing(&cli.engine) {
        anyhow::bail!("{} cannot be measured here: it needs {missing}", cli.engine);
    }
    let clients = usize::from(cli.clients);
    let client_us = 1e6 / median(&named("noop")?, 1, setting, 1)?;
    let rules = cli
        .sizes
        .iter()
        .flat_map(|size| [false, true].map(|shrinks| Rule { size: *size, shrinks }));
    let mut all: Vec<Series> = rules.map(|rule| Series { rule, rounds: Vec::new() }).collect();
    let mut fits = Vec::new();
    for round in 1..=cli.rounds {
        eprintln!("round {round} of {}", cli.rounds);
        let apart = |clients, tickets| apart(setting, clients, tickets);
        let (one, many) = (apart(1, SLOW_TICKETS)?, apart(clients, cli.tickets)?);
        eprintln!(
            "  all tickets from the start: {one:.0}/s to one client each, {many:.0}/s to {clients}"
        );
        #[expect(clippy::cast_precision_loss, reason = "there are three")]
        let share = SERVERS as f64;
        let engine = Engine::fitted(one / share, (clients, many / share), client_us);
        fits.push((engine, many));
        let kept = Kept::start(&cli.engine);
        for (at, Series { rule, rounds }) in all.iter_mut().enumerate() {
            let tickets = cli.tickets.min(DRAWS_MAX * rule.size);
            let name = format!("for-all-{at}");
            let ran = draw(setting, &kept, &name, (clients, tickets), *rule)?;
            eprintln!("  {}: {:.0}/s", rule.text(), ran.rate_rps);
            rounds.push(compared(&engine, many, &ran, (clients, tickets), *rule));
        }
    }
    println!(
        "{SERVERS} servers with {clients} clients each, on a counter each in files; all tickets from the start: {:.0}/s",
        middle(&fits, |(_, many)| *many)?
    );
    println!(
        "the model of one of them, beside the others: {:.0} µs an append, {:.1} µs more for each sale; a client {client_us:.0} µs",
        middle(&fits, |(engine, _)| engine.turn_us)?,
        middle(&fits, |(engine, _)| engine.sale_us)?
    );
    println!("the counter from which they draw, one after the other: {}\n", cli.engine);
    println!("{}", report(&all));
    Ok(())
}

/// The median of a number of each of the `fits`.
fn middle(fits: &[(Engine, f64)], of: impl Fn(&(Engine, f64)) -> f64) -> anyhow::Result<f64> {
    let spread = Spread::of(&fits.iter().map(of).collect::<Vec<_>>());
    Ok(spread.context("nothing was measured")?.median)
}

fn report(all: &[Series]) -> comfy_table::Table {
    let mut table = table(&["drawn at a time", "", "measured", "by the model", "measured / model"]);
    for Series { rule, rounds } in all {
        for (at, Figure { name, digits, .. }) in rounds[0].iter().enumerate() {
            let spread = |of: &dyn Fn(&Figure) -> Option<f64>| {
                let each: Option<Vec<f64>> =
                    rounds.iter().map(|figures| of(&figures[at])).collect();
                each.and_then(|each| Spread::of(&each))
            };
            // Of what a model says is nothing there is no share.
            let share = |Figure { measured, model, .. }: &Figure| {
                model.filter(|model| *model > 0.0).map(|model| measured / model)
            };
            let text = |spread: Option<Spread>, digits: usize| {
                let range = |Spread { median, min, max }| match rounds.len() {
                    1 => format!("{median:.digits$}"),
                    _ => format!("{median:.digits$} ({min:.digits$} to {max:.digits$})"),
                };
                spread.map(range).unwrap_or_default()
            };
            table.add_row([
                rule.text(),
                (*name).to_owned(),
                text(spread(&|figure| Some(figure.measured)), *digits),
                text(spread(&|figure| figure.model), *digits),
                text(spread(&share), 2),
            ]);
        }
    }
    table
}

impl Rule {
    fn text(self) -> String {
        let Self { size, shrinks } = self;
        format!("{size}{}", if shrinks { ", shrinking" } else { "" })
    }
}

/// Sales a second of servers that have all their tickets from the start.
fn apart(setting: &Setting, clients: usize, tickets: u64) -> anyhow::Result<f64> {
    let servers = SellingServers::start(setting, tickets / SERVERS as u64)?;
    let tickets = tickets / SERVERS as u64 * SERVERS as u64;
    let shop = Shop { servers: servers.addresses()?, clients, tickets, draws: None };
    Ok(drawing::run(&shop)?.rate_rps)
}

/// Sells by a `rule` from the counter `name`, which is made.
fn draw(
    setting: &Setting,
    kept: &Kept,
    name: &str,
    (clients, tickets): (usize, u64),
    rule: Rule,
) -> anyhow::Result<drawing::Run> {
    let servers = SellingServers::start(setting, 0)?;
    let token = servers.token();
    let counter =
        kept.program(setting, name).args(&token).args(["--max-per-order", &ORDER_MAX.to_string()]);
    let counter = Server::start_without_counter(counter.args(["--init", &tickets.to_string()]));
    let Rule { size, shrinks } = rule;
    let draws = Some((counter.address().parse()?, Allotment { size, shrinks }));
    drawing::run(&Shop { servers: servers.addresses()?, clients, tickets, draws })
}

/// What was measured, beside what a model of the same says, where it sells `apart` with all tickets from the start.
fn compared(
    engine: &Engine,
    apart: f64,
    ran: &drawing::Run,
    (clients, tickets): (usize, u64),
    Rule { size, shrinks }: Rule,
) -> Vec<Figure> {
    let (allotment, draws) = (Some(Allotment { size, shrinks }), &ran.draws);
    let shop = model::Shop { servers: SERVERS, clients, tickets, allotment, draws };
    let said: Sales = engine.sell(shop);
    let each = |of: fn(&Draw) -> f64| Spread::of(&draws.iter().map(of).collect::<Vec<_>>());
    let median_ms = |of| each(of).map_or(0.0, |spread| spread.median / 1e3);
    let figure = |name, digits, measured, model| Figure { name, digits, measured, model };
    #[expect(clippy::cast_precision_loss, reason = "nobody sells 2^53 tickets here")]
    let number = |number: u64| number as f64;
    vec![
        figure("sales/s", 0, ran.rate_rps, Some(said.rate_rps)),
        figure(
            "to all tickets from the start",
            2,
            ran.rate_rps / apart,
            Some(said.rate_rps / apart),
        ),
        figure(
            "sold behind a higher number, %",
            1,
            100.0 * ran.order.late,
            Some(100.0 * said.order.late),
        ),
        figure(
            "places away, at most",
            0,
            number(ran.order.furthest),
            Some(number(said.order.furthest)),
        ),
        figure(
            "left at the first \"sold out\"",
            0,
            number(ran.stranded),
            Some(number(said.stranded)),
        ),
        figure("a draw, ms", 2, median_ms(|draw| draw.counter_us), None),
        figure("until it is on sale, ms", 2, median_ms(|draw| draw.shelf_us), None),
        figure("bringing back what is left, ms", 0, ran.return_ms, None),
    ]
}

/// Servers with a counter each, in a folder each, for clients.
struct SellingServers {
    running: Vec<Server>,
    // Behind them, for they write there.
    counters: Vec<Counter>,
}

impl SellingServers {
    /// Starts them with so many `tickets` each.
    fn start(setting: &Setting, tickets: u64) -> anyhow::Result<Self> {
        let mut servers = Self { running: Vec::new(), counters: Vec::new() };
        for _ in 0..SERVERS {
            let counter = Counter::missing();
            fs::write(counter.folder().join("token"), format!("{TOKEN}\n"))?;
            servers.counters.push(counter);
            let program = setting.server().args(servers.token());
            let program = program.args(["--max-per-order", &ORDER_MAX.to_string()]);
            let program = program.args(["--init", &tickets.to_string()]);
            let counter = &servers.counters[servers.running.len()];
            servers.running.push(Server::start(program, counter));
        }
        Ok(servers)
    }

    /// The flag that says who the operator is.
    fn token(&self) -> [String; 2] {
        let file = self.counters[0].folder().join("token");
        ["--admin-token-file".to_owned(), file.display().to_string()]
    }

    fn addresses(&self) -> anyhow::Result<Vec<std::net::SocketAddr>> {
        let address = |server: &Server| server.address().parse();
        self.running.iter().map(address).collect::<Result<_, _>>().context("no address")
    }
}
