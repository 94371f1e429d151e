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
        counter::{ConstCounter, Counter},
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
    violations: Counter,
    known: Known,
    queue: Gauge,
    listeners: Gauge,
    log_lines_dropped: Counter,
    lines_dropped: fn() -> u64,
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
    /// Those of a counter with these `meters`, of the requests to it, and of the log, so many `lines_dropped` of it.
    pub fn new(
        meters: &Meters,
        request_times: AllRequestTimes,
        lines_dropped: fn() -> u64,
    ) -> Self {
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
        let help = "Looks at which the tickets left, held and sold were not all that there are";
        let violations = counter(all, "conservation_violations", help);
        let known = Known::default();
        all.register_collector(Box::new(known.clone()));
        let queue = gauge(all, "queue", "Requests that wait to be decided");
        let listeners = gauge(all, "live_listeners", "Clients of the live count");
        let help = "Lines of the log that were lost: nobody read it, or it could not be written";
        let log_lines_dropped = counter(all, "log_lines_dropped", help);
        meters.register(&mut registry);
        Self {
            registry,
            of_http,
            violations,
            known,
            queue,
            listeners,
            log_lines_dropped,
            lines_dropped,
        }
    }

    /// The text, as of `now`.
    ///
    /// # Errors
    /// It has no text form.
    pub fn text(&self, now: Now) -> Result<String, fmt::Error> {
        self.violations.inc_by(u64::from(now.count.is_some_and(|count| !count.is_conserved)));
        self.known.learn(&now);
        self.queue.set(whole(now.waiting as u64));
        self.listeners.set(whole(now.listeners as u64));
        self.log_lines_dropped.inner().store((self.lines_dropped)(), Ordering::Relaxed);
        let mut text = String::new();
        text::encode_registry(&mut text, &self.of_http)?;
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What was looked up; no sample of what nobody knows, as of a counter that could not be read yet.
#[derive(Clone, Debug, Default)]
struct Known(Arc<Mutex<LookedUp>>);

#[derive(Clone, Copy, Debug, Default)]
struct LookedUp {
    count: Option<Count>,
    memory: Option<Memory>,
    room_taken: Option<f64>,
}

impl Known {
    fn learn(&self, now: &Now) {
        let mut known = self.lock();
        *known = LookedUp {
            count: now.count.or(known.count),
            memory: now.memory.or(known.memory),
            room_taken: now.room_taken,
        };
    }

    fn lock(&self) -> MutexGuard<'_, LookedUp> {
        // It is written as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Known {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let LookedUp { count, memory, room_taken } = *self.lock();
        let mut gauge = |name: &str, help: &str, value: u64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(whole(value)).encode(metric)
        };
        if let Some(count) = count {
            gauge("available", "Tickets left", count.remaining)?;
            gauge("held", "Tickets set aside and not yet bought", count.held)?;
            gauge("capacity", "Tickets left, held or sold", count.capacity)?;
        }
        if let Some(memory) = memory {
            let help = "Idempotency keys and ended holds that are remembered";
            gauge("keys", help, memory.names as u64)?;
        }
        let mut counter = |name: &str, help: &str, value: u64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)
        };
        if let Some(count) = count {
            counter("sold", "Ticket numbers given out", count.issued)?;
            counter("refunded", "Tickets given back", count.refunded)?;
            counter("admitted", "Tickets used at the door", count.admitted)?;
        }
        if let Some(memory) = memory {
            counter("holds_expired", "Holds that were over by their time", memory.lapsed)?;
            let help = "Keys forgotten before their day was over, since there were too many";
            counter("keys_forgotten", help, memory.names_forgotten_early)?;
        }
        let Some(taken) = room_taken else { return Ok(()) };
        let help = "How much of the room for the ledger is taken, of 1";
        let metric =
            encoder.encode_descriptor("ledger_room_taken_ratio", help, None, MetricType::Gauge)?;
        ConstGauge::new(taken).encode(metric)
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
