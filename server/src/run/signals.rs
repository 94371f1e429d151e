//! The wish of the system, or of the person at the terminal, that the server ends.

use std::{io, process, thread};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// Exit code: ended by a second signal, as a shell tells of `SIGINT`.
const EXIT_INTERRUPTED: i32 = 130;

/// Over once `SIGINT` or `SIGTERM` has come; the next one ends the process, whatever hangs.
///
/// A thread of its own hears them, so that nothing that the server waits for is in the way. What
/// was acknowledged is on the disk by then, as it is where a server is killed.
///
/// # Errors
/// Where the system has no room for the thread, or does not let it listen.
pub fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let (on_first, first) = oneshot::channel();
    let listen = async move {
        next(&mut interrupt, &mut terminate).await;
        tracing::info!("draining; a second signal ends it");
        // Nobody receives it where the server is ending already.
        let _ = on_first.send(());
        next(&mut interrupt, &mut terminate).await;
        tracing::warn!("told a second time: not waiting any longer");
        process::exit(EXIT_INTERRUPTED);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(listen))?;
    Ok(async {
        // The thread ends with the process.
        let _ = first.await;
    })
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
