//! A server from its first request to its last.

use std::net::{SocketAddr, TcpListener};

use tokio::runtime;

use crate::{
    config::Config,
    counter::{ReplyChannel, ReplyDelivery, single_flight::SingleFlight},
    http::{
        app::App, connections::event_loops::EventLoops, guard::Guard, live::Live, service::Service,
        shop::Shop,
    },
    run::{
        RunError,
        counter::{Counter, locate},
        signals::Signals,
    },
};

/// Serves the counter of `config` on `listener` until the process is told to end.
///
/// # Errors
/// [`RunError`], before the first request was answered.
pub fn serve(config: &Config, listener: TcpListener) -> Result<(), RunError> {
    if let Some(warning) = config.locking.warning() {
        tracing::warn!("--locking {}: {warning}", config.locking.name());
    }
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
    let (channels, mut deliveries): (Vec<_>, Vec<_>) =
        (0..=config.event_loops).map(ReplyChannel::new).unzip();
    let counter = tokio::select! {
        opened = Counter::open(config, &path, &channels) => opened?,
        () = signals.next() => return Ok(()),
    };
    let shop = |index: usize| {
        let channel = channels[index].clone();
        Shop::new(counter.seller.clone(), channel, config.locking, &path)
    };
    let live = Live::default();
    let guard = Guard::new(listener.local_addr()?, &config.allowed_hosts);
    let own_delivery = deliveries.pop();
    let mut deliveries = deliveries.into_iter();
    let event_loops = EventLoops::start(config.event_loops, |index| {
        let app = App {
            shop: shop(index),
            reading: SingleFlight::default(),
            live: live.clone(),
            max_per_order: config.max_per_order,
            admin_token: config.admin_token.clone(),
        };
        let delivery = deliveries.next();
        (Service::new(app, guard.clone()), Box::pin(deliver(delivery)))
    })?;
    let own_shop = shop(config.event_loops);
    let beside = async {
        tokio::join!(live.poll(&own_shop), counter.watch(), deliver(own_delivery));
    };
    tokio::select! {
        served = serve_until(signals, listener, event_loops, || live.end()) => served?,
        () = beside => {}
    }
    counter.close();
    Ok(())
}

async fn deliver(delivery: Option<ReplyDelivery>) {
    if let Some(delivery) = delivery {
        delivery.run().await;
    }
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
