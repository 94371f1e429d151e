//! Servers whose syncs take longer, and whose other calls are as quick as ever.
//!
//! strace can do that too, but it makes all calls of a server slow, also those that it does not trace: a search took
//! twenty times as long, and what a test of many buyers measured was strace.

use std::{fs, path::PathBuf, sync::OnceLock};

use e2e::Program;

use crate::programs::server;

/// `server` whose syncs take so many milliseconds longer.
pub(crate) fn server_with_slow_syncs(ms: u32) -> Program {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let library = LIBRARY.get_or_init(library);
    server().env("LD_PRELOAD", library).env("SLOW_SYNC_MS", ms.to_string())
}

/// Builds the library that goes ahead of the system's, by the compiler that Rust links with.
fn library() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let library = folder.join("slow_syncs.so");
    let own = folder.join(format!("slow_syncs.{}.so", std::process::id()));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/slow_syncs.c");
    let built = Program::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&own).arg(source).run();
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    // Whoever runs these tests at the same time has it whole, or the one before.
    fs::rename(&own, &library).expect("it was built");
    library
}
