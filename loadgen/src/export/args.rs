//! The flags of an export.

use std::path::PathBuf;

use super::model::Model;
use crate::flags;

/// Write a history as other judges read it: Jepsen's operation maps as JSON.
///
/// Calls and answers by their times, `info` where nobody knows what became of a call. elle-cli
/// (<https://github.com/ligurio/elle-cli>) runs the checkers of Jepsen, Knossos and Elle on it.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(crate) struct ExportArgs {
    /// The files of the history
    #[arg(required = true, value_name = "HISTORY")]
    pub(super) histories: Vec<PathBuf>,

    /// In whose words
    #[arg(long, value_enum, default_value = "counter")]
    pub(super) model: Model,

    /// Which history, by its label or run, where the files hold several
    #[arg(long, value_name = "NAME")]
    pub(super) run: Option<String>,

    /// How many tickets there were at the start; holds against what the history says
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=u64::MAX))]
    pub(super) initial: Option<u64>,

    /// Where to write [default: stdout]; a file of that name is replaced
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

const NOTES: &str = "\
A second opinion:
  loadgen export race.ndjson --run group --model cas-register -o group.json
  java -jar elle-cli-standalone.jar --model cas-register group.json

What each model can tell, and find:
  counter       purchases and searches, unknown ones too: lost updates
  cas-register  all but unknown purchases: whether the counts are linearizable; thousands of
                operations are more than its judge can take
  rw-register   the same, of any size: cycles in the order of the sales

Exit codes:
  0    written
  2    wrong usage, a file that is no history, or what the model cannot tell
  3    written, but the history lacks something
  70   something failed";
