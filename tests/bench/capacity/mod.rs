//! How far one hot counter scales.
//!
//! - `command`: measures an engine, fits the model, holds it against more measurements, and prints both.
//! - `model`: a simulation of turns, on one counter and with allotments. Pure.

mod command;
mod model;

pub(crate) use command::{Cli, WORD, run};
