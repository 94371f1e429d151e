//! The gallery's flags: typed by the user, checked once.

use std::{net::SocketAddr, path::PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser};

use super::gallery::EXHIBITS;
use crate::flags;

/// Shops with a bug that real systems had, and the judge's record on them.
///
/// Without `--prove` the shops are listed. With it the judge is let loose on each of them: on the bug until it
/// shows, and on its mended twin as often as `--rounds` says.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = PROOF_EXIT_CODES)]
pub(crate) struct ShopsArgs {
    /// Let the judge loose on each bug and on each twin
    #[arg(long)]
    pub(super) prove: bool,

    /// How often at most a bug is tried, and how often each twin
    #[arg(long, value_name = "N", default_value = "20", requires = "prove")]
    #[arg(value_parser = flags::whole::<u32>(1..=10_000), allow_hyphen_values = true)]
    pub(super) rounds: u32,

    /// Only these shops, as in check-outside-lock,stale-replica
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "prove")]
    #[arg(value_parser = names(), hide_possible_values = true)]
    pub(super) only: Vec<String>,

    /// Decides what the clients do in each round, as far as the clock does not
    #[arg(long, value_name = "N", default_value_t = 1, requires = "prove")]
    #[arg(allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=u64::MAX))]
    pub(super) seed: u64,

    /// Write the result to this file too, as one JSON object; a file of that name is replaced
    #[arg(short = 'o', long, value_name = "FILE.json")]
    pub(super) output: Option<PathBuf>,

    /// Print the result as one JSON object on stdout, and words on stderr
    #[arg(long)]
    pub(super) json: bool,
}

const PROOF_EXIT_CODES: &str = "\
Exit codes:
  0    every bug was seen or is explained, and every twin was valid in all rounds
  1    a bug was not seen, or a twin was accused
  2    wrong usage
  3    unknown: a round of a twin proves nothing
  70   something failed, such as a shop that does not open
  130  interrupted";

/// Serve one shop of the gallery, to try any tool on.
///
/// It speaks the calls of `server`, sells one ticket at a time, and ends with Ctrl-C.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ShopArgs {
    /// Which shop; `loadgen shops` lists them
    #[arg(value_parser = names(), hide_possible_values = true)]
    pub(super) name: String,

    /// Where to listen; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    #[arg(value_parser = flags::address)]
    pub(super) listen: SocketAddr,

    /// How many tickets it has [default: as many as the judge's rounds begin with]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<i64>(0..=1_000_000_000))]
    pub(super) tickets: Option<i64>,

    /// Serve its twin, which has not got the bug
    #[arg(long)]
    pub(super) mended: bool,
}

fn names() -> PossibleValuesParser {
    let names = EXHIBITS.iter().map(|exhibit| PossibleValue::new(exhibit.name).help(exhibit.bug));
    names.collect::<Vec<_>>().into()
}
