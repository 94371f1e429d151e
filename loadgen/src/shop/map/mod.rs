//! Another shop: how its calls look and where its answers say what, as a TOML file tells it.

mod file;
mod members;
mod place;
mod reader;

pub(crate) use file::{MapError, read_map};
pub(super) use members::Call;
pub(crate) use members::Map;
pub(super) use reader::MapReader;
