//! Another shop: how its calls look and where its answers say what, as a TOML file tells it.

mod text;
mod place;
mod members;
mod request;
mod rules;
mod lines;
mod buyers;
mod script;
mod reader;
mod file;

pub(crate) use file::{Map, MapError, read_map};
pub(super) use place::{Looked, Texts, field_values};
pub(crate) use reader::Finding;
pub(super) use reader::{MapReader, unread};
pub(super) use request::{Filled, Request};
pub(super) use script::{Call, Script, Source};
pub(super) use text::{Meaning, Nameless, plain};
