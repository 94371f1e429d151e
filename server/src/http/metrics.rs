//! `GET /metrics`: what is counted, as OpenMetrics text.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, text},
    metrics::{
        MetricType,
        counter::Counter,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::Registry,
};

use crate::{
    counter::{Count, Meters},
    domain::Memory,
    http::request_times::AllRequestTimes,
};

/// The type of the text (OpenMetrics 1.0.0).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that is counted of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What goes by the field's own names, and not by the counter's.
    of_http: Registry,
    available: Gauge,
    held: Gauge,
    capacity: Gauge,
    sold: Counter,
    refunded: Counter,
    admitted: Counter,
    violations: Counter,
    lapsed: Counter,
    keys: Gauge,
    keys_forgotten: Counter,
    room_taken: RoomTaken,
    queue: Gauge,
    listeners: Gauge,
}

/// What is looked up when somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What is left, and sold; `None` where that cannot be read: then it stays what it was.
    pub count: Option<Count>,
    /// What is kept of the past.
    pub memory: Option<Memory>,
    /// How much of the room for the ledger is taken, from 0 to 1, where that is known.
    pub room_taken: Option<f64>,
    /// How many requests wait.
    pub waiting: usize,
    /// How many listen to the news.
    pub listeners: usize,
}

impl Metrics {
    /// Those of a counter with these `meters`, and of the requests to it.
    pub fn new(meters: &Meters, request_times: AllRequestTimes) -> Self {
        let mut of_http = Registry::default();
        of_http.register_collector(Box::new(request_times));
        let mut registry = Registry::with_prefix("tickets");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of the server", build);
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let counter = |registry: &mut Registry, name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let all = &mut registry;
        let available = gauge(all, "available", "Tickets left");
        let held = gauge(all, "held", "Tickets set aside and not yet bought");
        let capacity = gauge(all, "capacity", "Tickets left, held or sold");
        let sold = counter(all, "sold", "Ticket numbers given out");
        let refunded = counter(all, "refunded", "Tickets given back");
        let admitted = counter(all, "admitted", "Tickets used at the door");
        let help = "Looks at which the tickets left, held and sold were not all that there are";
        let violations = counter(all, "conservation_violations", help);
        let lapsed = counter(all, "holds_expired", "Holds that were over by their time");
        let keys = gauge(all, "keys", "Idempotency keys and ended holds that are remembered");
        let help = "Keys forgotten before their day was over, since there were too many";
        let keys_forgotten = counter(all, "keys_forgotten", help);
        let room_taken = RoomTaken::default();
        all.register_collector(Box::new(room_taken.clone()));
        let queue = gauge(all, "queue", "Requests that wait to be decided");
        let listeners = gauge(all, "live_listeners", "Clients of the live count");
        meters.register(&mut registry);
        Self {
            registry,
            of_http,
            available,
            held,
            capacity,
            sold,
            refunded,
            admitted,
            violations,
            lapsed,
            keys,
            keys_forgotten,
            room_taken,
            queue,
            listeners,
        }
    }

    /// The text, as of `now`.
    ///
    /// # Errors
    /// It has no text form.
    pub fn text(&self, now: Now) -> Result<String, fmt::Error> {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let set = |counter: &Counter, value| counter.inner().store(value, Ordering::Relaxed);
        if let Some(count) = now.count {
            self.available.set(whole(count.remaining));
            self.held.set(whole(count.held));
            self.capacity.set(whole(count.capacity));
            set(&self.sold, count.issued);
            set(&self.refunded, count.refunded);
            set(&self.admitted, count.admitted);
            self.violations.inc_by(u64::from(!count.is_conserved));
        }
        if let Some(memory) = now.memory {
            set(&self.lapsed, memory.lapsed);
            self.keys.set(whole(memory.names as u64));
            set(&self.keys_forgotten, memory.names_forgotten_early);
        }
        *self.room_taken.lock() = now.room_taken;
        self.queue.set(whole(now.waiting as u64));
        self.listeners.set(whole(now.listeners as u64));
        let mut text = String::new();
        text::encode_registry(&mut text, &self.of_http)?;
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// How much of the room for the ledger is taken; no sample where nobody knows.
#[derive(Clone, Debug, Default)]
struct RoomTaken(Arc<Mutex<Option<f64>>>);

impl RoomTaken {
    fn lock(&self) -> MutexGuard<'_, Option<f64>> {
        // It is written as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for RoomTaken {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(taken) = *self.lock() else { return Ok(()) };
        let help = "How much of the room for the ledger is taken, of 1";
        let metric =
            encoder.encode_descriptor("ledger_room_taken_ratio", help, None, MetricType::Gauge)?;
        ConstGauge::new(taken).encode(metric)
    }
}
