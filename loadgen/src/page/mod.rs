//! What the pages of the report, of the lessons and of the lab are made of: self-contained HTML and SVG.
//!
//! # Invariants
//! - Whatever comes in at run time is escaped, and can neither hide nor turn around what follows it.
//! - A page asks nobody for anything, and nothing runs in it but the script that it was given.
//! - It can be read without a script, and nothing is told by colour alone.

mod document;
mod figure;
mod markup;
mod scale;
mod table;

pub(crate) use document::{Reach, document, document_reaching};
pub(crate) use figure::{
    Figure, Sign, UNITS, Zoom, bar, key, legend, line, note, number, percent, sign, stretched,
};
pub(crate) use markup::{json, prose};
pub(crate) use scale::{CountScale, Tick, TimeScale};
pub(crate) use table::Table;
