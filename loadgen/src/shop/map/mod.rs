//! Another shop: how its calls look and where its answers say what, as a TOML file tells it.

mod buyers;
mod change;
mod charset;
mod count;
mod file;
mod finding;
mod kinds;
mod lines;
mod members;
mod place;
mod reader;
mod request;
mod rules;
mod sale;
mod script;
mod spelling;
mod text;

pub(super) use charset::text_of;
pub(crate) use file::{Map, MapError, read_map};
pub(crate) use finding::Finding;
pub(super) use finding::Misread;
pub(super) use place::{Looked, Place, Texts, field_values};
pub(super) use reader::{MapReader, status_to, unread};
pub(super) use request::{Filled, Request};
pub(super) use script::{Call, QUANTITY, SECONDS, Script, Source, Take};
pub(super) use text::{Meaning, Nameless, plain};
