//! The show: a page on which to be the scheduler, until Ctrl-C.

use std::net::TcpListener;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{args::LabArgs, error::LabError, folder::LabFolder, http, replay::replay};

/// Serves the lab that `args` describe, or replays a schedule; returns the exit code.
///
/// # Errors
/// There is no lab; nothing is left behind all the same.
pub(crate) fn show(args: &LabArgs) -> Result<u8, LabError> {
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LabError::io("start"))?;
    let result = runtime.block_on(show_or_interrupt(args));
    // What still runs goes first: it holds workers.
    drop(runtime);
    result
}

async fn show_or_interrupt(args: &LabArgs) -> Result<u8, LabError> {
    let failed = LabError::io("start");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(&failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(&failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(&failed)?;
    tokio::select! {
        biased;
        () = came(&mut interrupt) => Err(LabError::Interrupted),
        () = came(&mut terminate) => Err(LabError::Interrupted),
        () = came(&mut hangup) => Err(LabError::Interrupted),
        result = play(args) => result,
    }
}

async fn came(signal: &mut Signal) {
    signal.recv().await;
}

async fn play(args: &LabArgs) -> Result<u8, LabError> {
    match &args.replay {
        Some(path) => replay(path, args).await,
        None => serve(args).await,
    }
}

async fn serve(args: &LabArgs) -> Result<u8, LabError> {
    let address = args.listen;
    let failed = |source| LabError::Listen { address, source };
    // Before the folder: an address that cannot be had costs nothing.
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let folder = LabFolder::make().map_err(LabError::io("make a folder"))?;
    http::serve(listener, folder).await
}
