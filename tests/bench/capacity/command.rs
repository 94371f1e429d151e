//! The command: a model that is fitted to two measurements of an engine, and held against others.

use anyhow::Context as _;
use clap::Parser;
use comfy_table::{Table, presets::ASCII_MARKDOWN};

use super::model::{Allotment, Draw, Engine, Shop};
use crate::{
    machine::Machine,
    spread::Spread,
    systems::{Setting, System, named},
};

/// The word that makes this program ask this question.
pub(crate) const WORD: &str = "capacity";

/// How many clients each server has where that is not what is asked.
const CLIENTS: usize = 100;

/// What stands at the start where allotments are simulated.
const TICKETS: u64 = 300_000;

/// How many tickets a server draws at a time.
const SIZES: [u64; 5] = [1, 10, 100, 300, 1000];

/// How many servers draw.
const SERVERS: [usize; 3] = [3, 10, 30];

/// Measures a counter on an engine, and says by a model how far it scales, and what allotments bring and cost.
#[derive(Debug, Parser)]
#[command(name = "bench capacity")]
pub(crate) struct Cli {
    /// The engine.
    #[arg(long, value_name = "ENGINE", default_value = "etcd", value_parser = ["file", "etcd", "postgres"])]
    engine: String,
    /// How often everything is measured.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
}

/// What is measured of an engine: one server, several on one counter, and several on a counter each.
struct Measured {
    one: System,
    three: Option<System>,
    apart: Option<System>,
}

fn measured(engine: &str) -> anyhow::Result<Measured> {
    Ok(match engine {
        "file" => Measured { one: named("synced")?, three: None, apart: None },
        _ => Measured {
            one: named(&format!("on-{engine}"))?,
            three: Some(named(&format!("on-{engine}-three"))?),
            apart: Some(named(&format!("on-{engine}-apart"))?),
        },
    })
}

/// Runs the command line behind the word, with `setting` for each measurement.
///
/// # Errors
/// A system cannot be measured here, or failed.
pub(crate) fn run(cli: &Cli, setting: &Setting) -> anyhow::Result<()> {
    eprintln!("{}", Machine::look()?);
    let systems = measured(&cli.engine)?;
    if let Some(missing) = (systems.one.missing)() {
        anyhow::bail!("{} cannot be measured here: it needs {missing}", cli.engine);
    }
    let rounds = cli.rounds.into();
    let client = median(&named("noop")?, 1, setting, rounds)?;
    let rate = |system: &System, clients| median(system, clients, setting, rounds);
    let (one, many) = (rate(&systems.one, 1)?, rate(&systems.one, CLIENTS)?);
    let engine = Engine::fitted(one, (CLIENTS, many), 1e6 / client);
    println!(
        "{}: an append takes {:.0} µs and {:.1} µs more for each sale; a client {:.0} µs",
        cli.engine, engine.turn_us, engine.sale_us, engine.client_us
    );
    println!("fitted to 1 client ({one:.0}/s) and to {CLIENTS} ({many:.0}/s) of one server\n");
    let mut compared = table(&["", "measured, /s", "by the model, /s", "measured / model"]);
    let mut compare = |what: &str, measured: f64, model: f64| {
        let ratio = format!("{:.2}", measured / model);
        compared.add_row([what.to_owned(), format!("{measured:.0}"), format!("{model:.0}"), ratio]);
    };
    for clients in [10, 30, 300, 1000] {
        let what = format!("{clients} clients of one server");
        compare(&what, rate(&systems.one, clients)?, engine.rate_rps(1, clients));
    }
    if let Some(three) = &systems.three {
        let what = format!("three servers on one counter, {CLIENTS} clients each");
        compare(&what, rate(three, CLIENTS)?, engine.rate_rps(3, CLIENTS));
    }
    if let Some(apart) = &systems.apart {
        let what = format!("three servers on a counter each, {CLIENTS} clients each");
        compare(&what, rate(apart, CLIENTS)?, 3.0 * engine.rate_rps(1, CLIENTS));
    }
    println!("{compared}\n");
    println!(
        "Allotments, by the model: each server on a machine of its own, {CLIENTS} clients each.\n"
    );
    println!("{}", allotments(&engine));
    Ok(())
}

/// What allotments bring, and what they cost.
fn allotments(engine: &Engine) -> Table {
    let mut table = table(&[
        "servers",
        "drawn at a time",
        "sales/s",
        "of one server",
        "draws/s",
        "out of order",
        "by at most",
        "left elsewhere at the first \"sold out\"",
        "where draws shrink",
    ]);
    let one = engine.rate_rps(1, CLIENTS);
    for servers in SERVERS {
        for size in SIZES {
            let sell = |shrinks| {
                let append_us = engine.append_us(1);
                let draws = &[Draw { counter_us: append_us, shelf_us: append_us }];
                let allotment = Some(Allotment { size, shrinks });
                engine.sell(Shop { servers, clients: CLIENTS, tickets: TICKETS, allotment, draws })
            };
            let (fixed, shrinking) = (sell(false), sell(true));
            table.add_row([
                servers.to_string(),
                size.to_string(),
                format!("{:.0}", fixed.rate_rps),
                format!("{:.2}", fixed.rate_rps / one),
                format!("{:.0}", fixed.draws_rps),
                format!("{:.0} %", 100.0 * fixed.order.late),
                fixed.order.furthest.to_string(),
                fixed.stranded.to_string(),
                shrinking.stranded.to_string(),
            ]);
        }
    }
    table
}

/// An empty table.
pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(head);
    table
}

/// The median rate of `system` with so many clients of each server.
pub(super) fn median(
    system: &System,
    clients: usize,
    setting: &Setting,
    rounds: usize,
) -> anyhow::Result<f64> {
    let mut plan = setting.plan.clone();
    plan.connections = clients;
    let setting = Setting { plan, ..setting.clone() };
    let rate = |_| anyhow::Ok(system.measure(&setting)?.rate_rps);
    let rates = (0..rounds).map(rate).collect::<anyhow::Result<Vec<_>>>()?;
    let spread = Spread::of(&rates).context("nothing was measured")?;
    let (name, Spread { median, min, max }) = (system.name, spread);
    eprintln!("  {name}, {clients} clients: {median:.0}/s ({min:.0} to {max:.0})");
    Ok(median)
}
