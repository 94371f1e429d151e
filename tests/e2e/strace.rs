//! Servers whose system calls fail, or kill them, by strace.

use e2e::Program;

use crate::programs::server;

/// `server` with `fault` injected, as in `fdatasync:error=EIO:when=4`; strace counts the calls of
/// each thread by themselves.
pub(crate) fn server_with(fault: &str) -> Program {
    let call = fault.split(':').next().unwrap_or_default();
    // The tracer is the grandchild, so the process that the harness knows is the server.
    let strace = Program::new("strace").args(["-D", "-f", "-qq", "-o", "/dev/null"]);
    let strace = strace.arg("-e").arg(format!("trace={call}"));
    strace.arg("-e").arg(format!("inject={fault}")).arg(server().path())
}
