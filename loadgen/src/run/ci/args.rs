//! The flags of runs for CI: typed by the user, checked once.

use std::{path::PathBuf, time::Duration};

use super::{pattern::Pattern, requirement::Requirement, reset::Reset};
use crate::{duration, flags};

/// What a run for CI is asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "For CI")]
pub(crate) struct CiArgs {
    /// End when every client has been told "sold out"; after 1m at the latest, where `-z` and `-n` say nothing
    #[arg(long)]
    pub(crate) until_sold_out: bool,

    /// Run so many times, each on fresh stock; the worst verdict is the run's
    #[arg(long, value_name = "N", default_value = "1", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=10_000))]
    rounds: u32,

    /// Put fresh stock on sale ahead of each round, by this command of the shell; where it fails, nothing more is
    /// bought (2)
    #[arg(long, value_name = "COMMAND")]
    reset: Option<String>,

    /// How long that may take
    #[arg(long, value_name = "TIME", default_value = "1m", requires = "reset")]
    #[arg(value_parser = duration::parse, allow_hyphen_values = true)]
    reset_timeout: Duration,

    /// How the clients come together, in each round in turn [default: all in turn where there are several rounds in
    /// a closed loop of one worker, else `steady`]
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    patterns: Vec<Pattern>,

    /// Call a run unknown (3) that did not try this
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    #[arg(conflicts_with = "no_history")]
    require: Vec<Requirement>,

    /// Write the result to this file as JUnit XML, a test case a round; a file of that name is replaced
    #[arg(long, value_name = "FILE.xml")]
    pub(crate) junit: Option<PathBuf>,
}

/// The same, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CiConfig {
    /// How many rounds; at least one.
    pub(crate) rounds: u32,
    /// What puts fresh stock on sale ahead of each.
    pub(crate) reset: Option<Reset>,
    /// How the clients come together, in each round in turn; at least one.
    pub(crate) patterns: Vec<Pattern>,
    /// What each round has to have tried.
    pub(crate) required: Vec<Requirement>,
    /// Where the result goes as JUnit XML.
    pub(crate) junit: Option<PathBuf>,
}

/// Why these flags make no run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CiError {
    /// Several rounds on one stock.
    #[error(
        "`--rounds {0}` needs fresh stock for each round\n\
         hint: say how it is put on sale, as in `--reset 'docker compose restart shop'`"
    )]
    NoReset(u32),
    /// A command of nothing.
    #[error(
        "`--reset` is no command\nhint: it is given to the shell, as in `--reset ./fresh-stock.sh`"
    )]
    EmptyReset,
    /// A command without time.
    #[error(
        "`--reset-timeout` is nothing\nhint: leave it out, or give it as in `--reset-timeout 2m`"
    )]
    NoResetTime,
    /// Clients that cannot keep together.
    #[error(
        "`--patterns {pattern}` needs {needs}, so that clients wait for each other\n\
         hint: `--patterns steady` does without"
    )]
    Apart {
        /// The pattern.
        pattern: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// An end that never comes.
    #[error("`--until-sold-out` needs somebody who buys\nhint: `--mix` has no `buy` and no `hold`")]
    NobodyBuys,
}

/// How the rest of the command line lets clients come together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Company {
    /// Why they cannot wait for each other, as what that would need; `None` where they can.
    pub(crate) apart: Option<&'static str>,
    /// Whether somebody buys, or puts aside.
    pub(crate) buys: bool,
}

impl CiArgs {
    /// Checks what the flags say together, and with the rest of the command line.
    ///
    /// # Errors
    /// They contradict each other.
    pub(crate) fn check(&self, company: Company) -> Result<CiConfig, CiError> {
        if self.rounds > 1 && self.reset.is_none() {
            return Err(CiError::NoReset(self.rounds));
        }
        if self.reset.as_ref().is_some_and(|command| command.trim().is_empty()) {
            return Err(CiError::EmptyReset);
        }
        if self.reset_timeout.is_zero() {
            return Err(CiError::NoResetTime);
        }
        if self.until_sold_out && !company.buys {
            return Err(CiError::NobodyBuys);
        }
        let together = self.patterns.iter().find(|pattern| **pattern != Pattern::Steady);
        if let (Some(pattern), Some(needs)) = (together, company.apart) {
            return Err(CiError::Apart { pattern: pattern.name(), needs });
        }
        let patterns = match self.patterns.as_slice() {
            [] if self.rounds > 1 && company.apart.is_none() => Pattern::ALL.to_vec(),
            [] => vec![Pattern::Steady],
            some => some.to_vec(),
        };
        let limit = self.reset_timeout;
        let reset = self.reset.clone().map(|command| Reset { command, limit });
        Ok(CiConfig {
            rounds: self.rounds,
            reset,
            patterns,
            required: self.require.clone(),
            junit: self.junit.clone(),
        })
    }
}

impl CiConfig {
    /// The pattern of round `round`, from 1.
    pub(crate) fn pattern(&self, round: u32) -> Pattern {
        let place = usize::try_from(round - 1).unwrap_or(0) % self.patterns.len();
        self.patterns[place]
    }

    /// Whether it is more than a plain run.
    pub(crate) fn has_rounds(&self) -> bool {
        self.rounds > 1 || self.reset.is_some()
    }
}

impl Default for CiConfig {
    fn default() -> Self {
        Self {
            rounds: 1,
            reset: None,
            patterns: vec![Pattern::Steady],
            required: Vec::new(),
            junit: None,
        }
    }
}
