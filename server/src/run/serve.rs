//! A server from its first request to its last.

use std::{
    future::pending,
    mem,
    net::{SocketAddr, TcpListener},
};

use tokio::runtime;

use crate::{
    config::{Config, Locking},
    counter::{ReplyChannel, single_flight::SingleFlight},
    http::{
        app::App, connections::event_loops::EventLoops, guard::Guard, live::Live, service::Service,
    },
    ledger::file::layout::Layout,
    run::{
        RunError,
        counter::{Opened, locate},
        signals::Signals,
    },
};

/// Serves the counter of `config` on `listener` until the process is told to end.
///
/// # Errors
/// [`RunError`], before the first request was answered.
pub fn serve(config: &Config, listener: TcpListener) -> Result<(), RunError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(async { run(config, listener, &mut Signals::new()?).await });
    runtime.shutdown_background();
    served
}

/// Binds `address`.
///
/// # Errors
/// What the system says, for example that the port is taken.
pub fn bind(address: SocketAddr) -> Result<TcpListener, RunError> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| RunError::Listen { address, source })
}

async fn run(
    config: &Config,
    listener: TcpListener,
    signals: &mut Signals,
) -> Result<(), RunError> {
    let path = locate(config)?;
    if let Locking::Lesson(exclusion, _) = config.locking {
        let (locking, folder) = (exclusion.name(), Layout::around(&path).folder);
        if folder.exists() {
            return Err(RunError::LessonBesideLedger { locking, folder });
        }
        tracing::warn!("--locking {locking}: {}", exclusion.warning());
    }
    let (channels, deliveries): (Vec<_>, Vec<_>) =
        (0..=config.event_loops).map(ReplyChannel::new).unzip();
    let mut opened = tokio::select! {
        opened = Opened::open(config, &path, channels) => opened?,
        () = signals.next() => return Ok(()),
    };
    let live = Live::default();
    let guard = Guard::new(listener.local_addr()?, &config.allowed_hosts);
    let mut faces = mem::take(&mut opened.faces).into_iter().zip(deliveries);
    let mut next = || faces.next().expect("there is a face for each channel");
    let (own, own_delivery) = next();
    let event_loops = EventLoops::start(config.event_loops, |_| {
        let (counter, delivery) = next();
        let app = App {
            counter,
            seal: opened.seal.clone(),
            reading: SingleFlight::default(),
            live: live.clone(),
            max_per_order: config.max_per_order,
            admin_token: config.admin_token.clone(),
        };
        (Service::new(app, guard.clone()), Box::pin(delivery.run()))
    })?;
    let beside = async {
        tokio::join!(live.poll(&own), opened.watch(), own_delivery.run());
        // A lesson has neither replies nor late requests: what is served is finished all the same.
        pending().await
    };
    tokio::select! {
        served = serve_until(signals, listener, event_loops, || live.end()) => served?,
        () = beside => {}
    }
    opened.close();
    Ok(())
}

/// Serves until the first signal, then drains; a second signal ends the draining.
pub(super) async fn serve_until(
    signals: &mut Signals,
    listener: TcpListener,
    event_loops: EventLoops,
    on_drain: impl FnOnce(),
) -> Result<(), RunError> {
    let address = listener.local_addr()?;
    let accepting = event_loops.accept(listener);
    // Scripts and tests wait for exactly this line.
    eprintln!("listening on http://{address}");
    tokio::select! {
        ended = accepting => ended?,
        () = signals.next() => {}
    }
    on_drain();
    tokio::select! {
        () = event_loops.drain() => {}
        () = signals.next() => tracing::warn!("told a second time: not waiting any longer"),
    }
    Ok(())
}
