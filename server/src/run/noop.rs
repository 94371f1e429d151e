//! The yardsticks: the same HTTP stack as the server's, and no counter.

use std::{net::TcpListener, path::Path};

use tokio::runtime;

use crate::{
    http::{
        access::guard::Guard,
        connections::event_loops::{Chore, EventLoops, Limits},
        service::Service,
        yardstick::{self, Yardstick},
    },
    run::{RunError, serve::serve_until},
};

/// Serves a fixed answer on `listener` until `shutdown` is over.
///
/// # Errors
/// [`RunError`], before the first request was answered.
pub fn noop(
    limits: Limits,
    event_loops: usize,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let guard = Guard::new(listener.local_addr()?, &[]);
        let service = |_| -> (_, Chore) {
            (Service::noop(guard.clone(), limits.keep_alive, None), Box::pin(async {}))
        };
        let event_loops = EventLoops::start(event_loops, limits, None, service)?;
        serve_until(shutdown, listener, event_loops, || {}).await
    })
}

/// As [`noop`], and each answer waits for one write and one sync of a scratch file in the
/// current folder.
///
/// # Errors
/// [`RunError`], before the first request was answered; and of a write or a sync that failed.
pub fn noop_synced(
    limits: Limits,
    event_loops: usize,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let guard = Guard::new(listener.local_addr()?, &[]);
        let Yardstick { event_loops: shares, failed } =
            yardstick::start(Path::new("."), event_loops).map_err(RunError::Scratch)?;
        let mut shares = shares.into_iter();
        let event_loops = EventLoops::start(event_loops, limits, None, |_| {
            let (waiting, waking) = shares.next().expect("there is a share for each event loop");
            (Service::noop(guard.clone(), limits.keep_alive, Some(waiting)), Box::pin(waking.run()))
        })?;
        tokio::select! {
            served = serve_until(shutdown, listener, event_loops, || {}) => served,
            Ok(cause) = failed => Err(RunError::Scratch(cause)),
        }
    })
}
