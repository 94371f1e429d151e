//! The yardsticks: the same HTTP stack as the server's, and no counter.

use std::{net::TcpListener, path::Path};

use tokio::runtime;

use crate::{
    http::{
        connections::event_loops::{Chore, EventLoops},
        guard::Guard,
        service::Service,
        yardstick::{self, Yardstick},
    },
    run::{RunError, serve::serve_until, signals::Signals},
};

/// Serves a fixed answer on `listener` until the process is told to end.
///
/// # Errors
/// [`RunError`], before the first request was answered.
pub fn noop(listener: TcpListener, event_loops: usize) -> Result<(), RunError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        let guard = Guard::new(listener.local_addr()?, &[]);
        let service =
            |_| -> (_, Chore) { (Service::noop(guard.clone(), None), Box::pin(async {})) };
        let event_loops = EventLoops::start(event_loops, service)?;
        serve_until(&mut signals, listener, event_loops, || {}).await
    })
}

/// As [`noop`], and each answer waits for one write and one sync of a scratch file in the
/// current folder.
///
/// # Errors
/// [`RunError`], before the first request was answered; and of a write or a sync that failed.
pub fn noop_synced(listener: TcpListener, event_loops: usize) -> Result<(), RunError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        let guard = Guard::new(listener.local_addr()?, &[]);
        let Yardstick { event_loops: shares, failed } =
            yardstick::start(Path::new("."), event_loops).map_err(RunError::Scratch)?;
        let mut shares = shares.into_iter();
        let event_loops = EventLoops::start(event_loops, |_| {
            let (waiting, waking) = shares.next().expect("there is a share for each event loop");
            (Service::noop(guard.clone(), Some(waiting)), Box::pin(waking.run()))
        })?;
        tokio::select! {
            served = serve_until(&mut signals, listener, event_loops, || {}) => served,
            Ok(cause) = failed => Err(RunError::Scratch(cause)),
        }
    })
}
