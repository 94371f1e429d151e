//! The show: a page on which to be the scheduler, until Ctrl-C.

use std::path::Path;

use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    lab::{
        args::LabArgs,
        error::LabError,
        http,
        model::setup::Play,
        replay::{read, replay},
    },
    own_folder::OwnFolder,
};

/// Serves the lab that `args` describe, or replays a schedule; returns the exit code.
///
/// # Errors
/// There is no lab; nothing is left behind all the same.
pub(crate) fn show(args: &LabArgs) -> Result<u8, LabError> {
    // Before anything is there to be cleaned up: an interrupt ends the reading as it ends any program's.
    let play = args.replay.as_deref().map(read).transpose()?;
    // It outlives whatever works in it.
    let folder = OwnFolder::make("loadgen-lab-", &std::env::temp_dir())
        .map_err(LabError::io("make a folder"))?;
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LabError::io("start"))?;
    let result = runtime.block_on(show_or_interrupt(args, play.as_ref(), folder.path()));
    // What still runs goes first: it holds workers.
    drop(runtime);
    drop(folder);
    result
}

async fn show_or_interrupt(
    args: &LabArgs,
    schedule: Option<&Play>,
    folder: &Path,
) -> Result<u8, LabError> {
    let failed = LabError::io("start");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(&failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(&failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(&failed)?;
    tokio::select! {
        biased;
        () = came(&mut interrupt) => Err(LabError::Interrupted),
        () = came(&mut terminate) => Err(LabError::Interrupted),
        () = came(&mut hangup) => Err(LabError::Interrupted),
        result = play(args, schedule, folder) => result,
    }
}

async fn came(signal: &mut Signal) {
    signal.recv().await;
}

async fn play(args: &LabArgs, schedule: Option<&Play>, folder: &Path) -> Result<u8, LabError> {
    match schedule {
        Some(schedule) => replay(schedule, args, folder).await,
        None => serve(args, folder).await,
    }
}

async fn serve(args: &LabArgs, folder: &Path) -> Result<u8, LabError> {
    let address = args.listen;
    let failed = |source| LabError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    http::serve(listener, folder).await
}
