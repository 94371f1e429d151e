//! The bench: what a durable sale costs here, beside a handler that does nothing and beside peers.
//!
//! Every system does the same work, "take one ticket off one hot counter and keep a receipt of it",
//! asked by the same closed loop over loopback. The systems run in turn, A B C … A B C …, and
//! what counts are the ratios within a round: figures of one machine at one moment say little.
//!
//! # Invariants
//! - `Conservation`: after each run the counter has lost as many tickets as clients were sold.
//! - Any other answer than the sale that was asked for ends the bench with an error.
//! - Ports and folders are the bench's own; what it starts ends with it, and every run is bounded.

mod capacity;
mod cli;
mod cpu;
mod load;
mod machine;
mod protocol;
mod question;
mod ratio;
mod report;
mod rounds;
mod spread;
mod systems;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}
