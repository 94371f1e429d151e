//! The result as text, with colours in it: whoever prints it takes them out where they do not belong.
//!
//! Of a race: `heading` (what was raced), `table`, `sentences` (what happened, and why) and `proof`. Of
//! a run: `measured`; of several: `rounds`. Of a check, and below a run: `verdicts`, with `operations` in columns.

mod operations;
mod table;
mod verdicts;

mod heading;
mod measured;
mod products;
mod proof;
mod rounds;
mod sentences;

pub(crate) use heading::heading;
pub(crate) use measured::measured_text;
pub(crate) use products::products_table;
pub(crate) use proof::proof;
pub(crate) use rounds::rounds_table;
pub(crate) use sentences::{costs, sentences};
pub(crate) use table::{empty_table, race_table};
pub(crate) use verdicts::check_text;
