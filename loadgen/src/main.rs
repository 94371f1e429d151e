//! The `loadgen` program: see [`loadgen::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    loadgen::cli::main(std::env::args_os())
}
