//! The programs under test, as Cargo built them.

use e2e::{Counter, Program, Server};

/// `server`, without arguments yet.
pub(crate) fn server() -> Program {
    Program::new(env!("CARGO_BIN_EXE_e2e-server"))
}

/// `loadgen`, without arguments yet.
pub(crate) fn loadgen() -> Program {
    Program::new(env!("CARGO_BIN_EXE_e2e-loadgen"))
}

/// A server on `counter`, as a user starts it.
#[track_caller]
pub(crate) fn serve(counter: &Counter) -> Server {
    serve_with(counter, &[])
}

/// A server on `counter`, with these `arguments`.
#[track_caller]
pub(crate) fn serve_with(counter: &Counter, arguments: &[&str]) -> Server {
    Server::start(server().args(arguments), counter)
}
