//! The programs under test, as Cargo built them.

use e2e::{Program, Server, eventually};

use crate::counter::Counter;

/// `server`, without arguments yet.
pub(crate) fn server() -> Program {
    Program::new(env!("CARGO_BIN_EXE_e2e-server"))
}

/// A server on `counter`, as a user starts it.
#[track_caller]
pub(crate) fn serve(counter: &Counter) -> Server {
    serve_with(counter, &[])
}

/// A server on `counter`, with these `arguments`, once it has read the ledger.
#[track_caller]
pub(crate) fn serve_with(counter: &Counter, arguments: &[&str]) -> Server {
    let program = server().args(counter.arguments()).args(arguments);
    let server = Server::start_without_counter(program);
    eventually("a server that is ready", || (server.get("/readyz").status == 200).then_some(()));
    server
}
