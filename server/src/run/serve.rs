//! A server from its first request to its last.

use std::{
    future::pending,
    mem,
    net::{SocketAddr, TcpListener},
    pin::{Pin, pin},
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{runtime, sync::oneshot, time::sleep};

use crate::{
    config::{Config, Locking},
    counter::{ReplyChannel, single_flight::SingleFlight},
    http::{
        app::App,
        connections::event_loops::{DRAIN_TIMEOUT, EventLoops},
        guard::Guard,
        live::Live,
        metrics::Metrics,
        service::Service,
    },
    ledger::file::layout::Layout,
    run::{
        RunError,
        counter::{Opened, locate},
    },
};

/// How many may wait to be accepted: a crowd comes at once.
const BACKLOG: i32 = 4096;

/// How long before the end of the drain those who still wait are told that it is over.
const LAST_WORD: Duration = Duration::from_millis(500);

/// Serves the counter of `config` on `listener` until `shutdown` is over, and what was begun is finished.
///
/// # Errors
/// [`RunError`], before the first request was answered.
pub fn serve(
    config: &Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(run(config, listener, pin!(shutdown)));
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
        // Once more, with room for more than the standard library asks for (listen(2)).
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| RunError::Listen { address, source })
}

async fn run(
    config: &Config,
    listener: TcpListener,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
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
        () = &mut shutdown => return Ok(()),
    };
    let live = Live::new(config.live_max);
    let metrics = Arc::new(Metrics::new(&opened.meters));
    let guard = Guard::new(listener.local_addr()?, &config.allowed_hosts);
    let mut faces = mem::take(&mut opened.faces).into_iter().zip(deliveries);
    let mut next = || faces.next().expect("there is a face for each channel");
    let (own, own_delivery) = next();
    let event_loops = EventLoops::start(config.event_loops, config.limits, |_| {
        let (counter, delivery) = next();
        let app = App {
            counter,
            seal: opened.seal.clone(),
            reading: SingleFlight::default(),
            live: live.clone(),
            metrics: Arc::clone(&metrics),
            max_per_order: config.max_per_order,
            hold_seconds_max: config.hold_seconds_max,
            refunds: config.refunds,
            description: OnceLock::new(),
            admin_token: config.admin_token.clone(),
        };
        let service = Service::new(app, guard.clone(), config.limits.keep_alive);
        (service, Box::pin(delivery.run()))
    })?;
    let (on_drain, draining) = oneshot::channel();
    let last_call = async {
        if draining.await.is_ok() {
            sleep(DRAIN_TIMEOUT.saturating_sub(LAST_WORD)).await;
            opened.turn_away();
        }
    };
    eprintln!("{}: {}", path.display(), opened.greeting);
    let beside = async {
        tokio::join!(live.poll(&own), opened.watch(), own_delivery.run(), last_call);
        // A lesson has neither replies nor late requests: what is served is finished all the same.
        pending::<()>().await;
    };
    tokio::select! {
        served = serve_until(shutdown, listener, event_loops, || {
            live.end();
            // Whoever receives it lives as long as this.
            let _ = on_drain.send(());
        }) => served?,
        () = beside => {}
    }
    opened.close();
    Ok(())
}

/// Serves until `shutdown` is over, then drains.
pub(super) async fn serve_until(
    shutdown: impl Future<Output = ()>,
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
        () = shutdown => {}
    }
    on_drain();
    event_loops.drain().await;
    Ok(())
}
