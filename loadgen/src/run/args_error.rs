//! What the flags of a run can say wrong together.

use std::path::PathBuf;

use super::ci::CiError;
use crate::shop::{LocationError, MapError};

/// Why the flags make no run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgsError {
    /// The URL leads nowhere.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The map makes no sense.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Rounds, or their end, that cannot be.
    #[error(transparent)]
    Ci(#[from] CiError),
    /// A mix that the map has no call for.
    #[error("`--mix` has searches, and the map of this shop has none\nhint: add `[search]` to it")]
    NoSearch,
    /// More ends than holds.
    #[error(
        "`--confirm-rate` and `--release-rate` are more than 1 together\n\
         hint: what is neither confirmed nor released lapses"
    )]
    ManyEnds,
    /// Something that the map does not say how to do.
    #[error(
        "`{flag}` needs `[{table}]`, and the map of this shop has none\nhint: add it{}",
        or_without(flag)
    )]
    NoCall {
        /// The flag that asks for it.
        flag: &'static str,
        /// The table.
        table: &'static str,
    },
    /// Holds of another number than the map asks for.
    #[error(
        "`--hold-quantity` needs `${{quantity}}` in `[hold]` of the map, or the shop puts aside as many as ever"
    )]
    NoQuantity,
    /// A flag that is of one product.
    #[error("{0} cannot be where the map has several products")]
    ManyProducts(&'static str),
    /// Products that nobody would buy.
    #[error(
        "`-c` and `-n` leave a client and two purchases to each product, and too few to `{0}`\nhint: more of both"
    )]
    FewClients(String),
    /// Holds of another length than the shop's.
    #[error("`--hold-seconds`: the map says how long this shop puts tickets aside, with `lasts`")]
    Lasts,
    /// A token that cannot be read.
    #[error("`--admin-token-file`: cannot use `{}`: {reason}", path.display())]
    AdminToken {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Retries that a shop cannot tell from new purchases.
    #[error(
        "`--retry` needs a key in each purchase, or one that is sent again is a second one, and \
         `--map {0}` has none\nhint: `${{key}}` must stand in the path, a header or the body of `[{1}]`"
    )]
    NoKey(String, &'static str),
    /// More workers than clients.
    #[error("`--workers {workers}` is more than `-c {clients}`: a worker has at least one client")]
    IdleWorkers {
        /// How many workers.
        workers: u32,
        /// How many clients.
        clients: u32,
    },
    /// A limit that no answer can meet.
    #[error("`--timeout` is nothing\nhint: leave it out, or give it as in `--timeout 30s`")]
    NoTime,
    /// A run of no length.
    #[error("`--duration` is nothing\nhint: give it as in `-z 10s`")]
    NoLength,
    /// A history that cannot be written and read back.
    #[error("`--history`: `{}` is no file that could be replaced", .0.display())]
    NoFile(PathBuf),
    /// Two flags that would write over each other's file.
    #[error("`{one}` and `{other}` name the same file, `{}`", path.display())]
    SameFile {
        /// One flag.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Stages of no length.
    #[error(
        "`--stages` ends at 0, where it begins\n\
         hint: let its last point be later, as in `0:0,10s:500`, or say a `--duration`"
    )]
    NoStageLength,
    /// Arrivals without a rate.
    #[error("`--arrivals poisson` needs a rate\nhint: say it with `-q` or `--stages`")]
    NoRate,
}

fn or_without(flag: &str) -> &'static str {
    match flag {
        "--confirm-rate" => ", or say `--confirm-rate 0`",
        "--release-rate" => ", or say `--release-rate 0`",
        _ => "",
    }
}
