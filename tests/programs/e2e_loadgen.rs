//! `loadgen`, built for the end-to-end tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadgen::cli::main(std::env::args_os())
}
