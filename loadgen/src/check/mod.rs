//! The judge on histories that were recorded before.

mod args;
mod drawn;
mod judged;
mod report;
mod show;

pub(crate) use args::CheckArgs;
pub(crate) use report::{ReportArgs, draw};
pub(crate) use show::show;
