//! The documents: their commands work, their links lead somewhere, their maps are of real shops.

mod commands;
mod fences;
mod links;
mod maps;
mod outputs;
mod script;
mod workflow;
