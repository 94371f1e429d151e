//! Another shop: how its calls look and where its answers say what, as a TOML file tells it.
//!
//! `file` is the file as it is written, `place` a place in an answer, `reader` what reads answers
//! by both.

mod file;
mod place;
mod reader;

pub(super) use file::Call;
pub(crate) use file::{Map, MapError};
pub(super) use reader::Reader;
