//! The judge's own record: how soon it convicts each bug of the gallery, and that it accuses no twin.
//!
//! `round`: one shop, one load, one verdict; `rounds`: all of them, several at a time; `record`: what came of one
//! shop; `table`: how that is told.

mod round;

mod record;

mod rounds;
mod table;

mod show;

pub(super) use show::prove;
