//! How far one hot counter scales.
//!
//! - `command`: measures an engine, fits the model, holds it against more measurements, and prints both.
//! - `allotments`: the same for servers that draw from a counter; `drawing`: a run of those.
//! - `model`: a simulation of turns, on one counter and with allotments; `order`: what is out of order. Pure.

pub(crate) mod allotments;
mod command;
mod drawing;
mod model;
mod order;

pub(crate) use command::{Cli, WORD, run};
