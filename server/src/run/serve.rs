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
    config::Config,
    counter::{ReplyChannel, single_flight::SingleFlight},
    http::{
        access::{guard::Guard, proxies::Proxies, rate_limit::RateLimit},
        access_log::AccessLog,
        app::App,
        connections::{
            event_loops::{DRAIN_TIMEOUT, EventLoops},
            tls::Tls,
        },
        live::{Listeners, Live},
        metrics::Metrics,
        request_id::RequestIds,
        request_times::{AllRequestTimes, RequestTimes},
        routes,
        service::Service,
    },
    log::{self, LogFormat},
    run::{
        RunError, certificate::read_certificate, counter::Opened, machine::random, signals::Hangups,
    },
};

/// How many may wait to be accepted: a crowd comes at once.
const BACKLOG: i32 = 4096;

/// How much of an answer the kernel takes of what a client does not take, in bytes (it doubles that for
/// its own books): what is beyond waits with the server, which gives the client up.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How long what was sent may stay unacknowledged, or without room at the client, in milliseconds: so long
/// is a connection kept whose client vanished without a word (RFC 5482).
const USER_TIMEOUT_MS: u32 = 30_000;

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
        // Connections have of their listener what was set there (tcp(7), socket(7)).
        rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES)?;
        rustix::net::sockopt::set_tcp_user_timeout(&listener, USER_TIMEOUT_MS)?;
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
    let hangups = Hangups::listen()?;
    let tls = config.tls.as_ref().map(read_certificate).transpose()?.map(Tls::new);
    let mut shutdown = pin!(async {
        tokio::select! {
            () = &mut shutdown => {}
            () = hangups.heed(config.tls.as_ref().zip(tls.as_ref())) => {}
        }
    });
    let (channels, deliveries): (Vec<_>, Vec<_>) =
        (0..=config.event_loops).map(ReplyChannel::new).unzip();
    let mut opened = tokio::select! {
        opened = Opened::open(config, channels) => opened?,
        () = &mut shutdown => return Ok(()),
    };
    let live = Live::new(config.live_max);
    let routes = routes::patterns();
    let request_times: Vec<_> =
        (0..config.event_loops).map(|_| Arc::new(RequestTimes::of_routes(routes.len()))).collect();
    let all_request_times = AllRequestTimes { routes, times: request_times.clone() };
    let metrics = Arc::new(Metrics::new(&opened.meters, all_request_times, log::dropped));
    let mut request_times = request_times.into_iter();
    let guard = Guard::new(listener.local_addr()?, &config.allowed_hosts);
    let guard = if tls.is_some() { guard.over_tls() } else { guard };
    let rate_limit = config.rate_limit.map(|rate| Arc::new(RateLimit::new(rate)));
    let guard = guard.limiting(rate_limit, Proxies::new(&config.trusted_proxies));
    let mut faces = mem::take(&mut opened.faces).into_iter().zip(deliveries);
    let mut next = || faces.next().expect("there is a face for each channel");
    let (own, own_delivery) = next();
    let access_logs = if config.access_log { access_logs(config.event_loops)? } else { Vec::new() };
    let mut access_logs = access_logs.into_iter();
    let event_loops = EventLoops::start(config.event_loops, config.limits, tls.clone(), |_| {
        let (counter, delivery) = next();
        let listeners = Listeners::new(&live);
        let app = App {
            counter,
            seal: OnceLock::new(),
            reading: SingleFlight::default(),
            listeners: listeners.clone(),
            metrics: Arc::clone(&metrics),
            max_per_order: config.max_per_order,
            event: config.event.clone(),
            buyer: config.buyer,
            is_tls: tls.is_some(),
            random,
            hold_seconds_max: config.hold_seconds_max,
            refunds: config.refunds,
            description: OnceLock::new(),
            admin_token: config.admin_token.clone(),
        };
        let service = Service::new(app, guard.clone(), config.limits.keep_alive);
        let request_times = request_times.next().expect("there are times for each event loop");
        let service = service.timed_by(request_times);
        let service = match access_logs.next() {
            Some(access_log) => service.logging_to(access_log),
            None => service,
        };
        let chore = async move {
            tokio::join!(delivery.run(), listeners.tell());
        };
        (service, Box::pin(chore))
    })?;
    let (on_drain, draining) = oneshot::channel();
    let last_call = async {
        if draining.await.is_ok() {
            sleep(DRAIN_TIMEOUT.saturating_sub(LAST_WORD)).await;
            opened.turn_away();
        }
    };
    greet(config.log_format, &opened.greeting);
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

/// Says which counter is sold from.
fn greet(format: LogFormat, greeting: &str) {
    match format {
        LogFormat::Text => log::say(greeting),
        LogFormat::Json => tracing::info!("{greeting}"),
    }
}

/// An access log for each of `count` event loops; no two give a request the same name.
fn access_logs(count: usize) -> Result<Vec<AccessLog>, RunError> {
    let log = |_| {
        let seed = random()?.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Ok(AccessLog::new(RequestIds::new(seed)))
    };
    (0..count).map(log).collect()
}

/// Serves until `shutdown` is over, then drains.
pub(super) async fn serve_until(
    shutdown: impl Future<Output = ()>,
    listener: TcpListener,
    event_loops: EventLoops,
    on_drain: impl FnOnce(),
) -> Result<(), RunError> {
    let address = listener.local_addr()?;
    let scheme = event_loops.scheme();
    let accepting = event_loops.accept(listener);
    // Scripts and tests wait for exactly this line.
    log::say(format_args!("listening on {scheme}://{address}"));
    tokio::select! {
        ended = accepting => ended?,
        () = shutdown => {}
    }
    on_drain();
    event_loops.drain().await;
    Ok(())
}
