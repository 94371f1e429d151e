//! Why a run has no result, or not all of it.

use std::io;

use super::{ci::ResetError, preparation::PreparationError};
use crate::{
    exit_code,
    kept_file::KeepError,
    report::Part,
    words::counted,
    worker::{FleetError, TooFewFiles},
};

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// More clients than open files.
    #[error(transparent)]
    TooFewFiles(#[from] TooFewFiles),
    /// It cannot begin.
    #[error(transparent)]
    Preparation(#[from] PreparationError),
    /// There is no fresh stock.
    #[error(transparent)]
    Reset(#[from] ResetError),
    /// The same, and nobody has said so.
    #[error(
        "{part}: it was to begin on fresh stock, and {} left: nothing was bought in it\n\
         hint: `--reset` has to put as many on sale as there are to be, each time: it is `{command}`{}",
        counted(*left, ("is", "are")),
        if *may_be_late {
            "; or the shop told a count of before it: say `--initial`, or `counts = \"exact\"` where it \
             never does"
        } else {
            ""
        }
    )]
    NotFresh {
        /// What was to begin.
        part: Part,
        /// How many are left.
        left: i64,
        /// Whether that may be a count of before.
        may_be_late: bool,
        /// What was to put them on sale.
        command: String,
    },
    /// The same of a shop that does not say what it has left.
    #[error(
        "{part}: it was to begin on fresh stock, and nothing was sold in it: {} it was told \
         sold out, so it is not judged\nhint: `--reset` has to put tickets on sale, each time: it is `{command}`",
        counted(*refused, ("time", "times"))
    )]
    NothingFresh {
        /// What was to begin.
        part: Part,
        /// How often somebody was told "sold out".
        refused: u64,
        /// What was to put them on sale.
        command: String,
    },
    /// A file that was asked for cannot be had.
    #[error("`{flag}`: {source}")]
    Keep {
        /// The flag that asked for it.
        flag: &'static str,
        /// Why not.
        source: KeepError,
    },
    /// The result cannot be told to a CI.
    #[error("`--junit`: {0}")]
    Junit(quick_junit::SerializeError),
    /// No workers.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// No event loop, no signals.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
}

impl RunError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::TooFewFiles(_)
            | Self::Preparation(_)
            | Self::Reset(_)
            | Self::NotFresh { .. }
            | Self::NothingFresh { .. } => exit_code::USAGE,
            Self::Keep { source, .. } => source.exit_code(),
            Self::Fleet(_) | Self::Start(_) | Self::Write(_) | Self::Junit(_) => {
                exit_code::INTERNAL
            }
        }
    }
}
