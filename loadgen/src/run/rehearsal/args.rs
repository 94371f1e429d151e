//! The rehearsal's flags.

use std::{path::PathBuf, time::Duration};

use crate::{duration, run::typed};

/// Rehearse a map: make its calls one by one, and show what each answers and what stands where.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct TryArgs {
    /// Where the shop is, as in `http://127.0.0.1:8080`
    pub(super) url: String,

    /// How it is spoken to
    #[arg(long, value_name = "FILE.toml")]
    pub(super) map: PathBuf,

    /// Buy once, in earnest
    #[arg(long)]
    pub(super) buy: bool,

    /// Send this header field with every request; `${env:NAME}` in it is a variable of the environment
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = typed::field)]
    pub(super) fields: Vec<typed::Field>,

    /// Trust any certificate of a shop at `https://`
    #[arg(short = 'k', long)]
    pub(super) insecure: bool,

    /// How long an answer may take
    #[arg(short = 't', long, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = duration::parse, allow_hyphen_values = true)]
    pub(super) timeout: Duration,

    /// Write what was seen to this file too, as one JSON object; a file of that name is replaced
    #[arg(short = 'o', long, value_name = "FILE.json")]
    pub(super) output: Option<PathBuf>,

    /// Print what was seen as one JSON object on stdout
    #[arg(long)]
    pub(super) json: bool,
}

const EXIT_CODES: &str = "\
Without --buy nothing is bought: what comes ahead of all purchases (`[[before]]`) and the search are tried.
Secrets (`${env:…}`, columns of buyers, what was taken from answers) are shown by their names.

Exit codes:
  0    a run with this map could be judged, as far as was tried
  2    it could not, or nobody answers";
