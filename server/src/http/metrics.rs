//! `GET /metrics`: what is counted, as OpenMetrics text.

use std::{fmt, sync::atomic::Ordering};

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, gauge::Gauge, info::Info},
    registry::Registry,
};

use crate::counter::{Count, Meters};

/// The type of the text (OpenMetrics 1.0.0).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that is counted of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    available: Gauge,
    capacity: Gauge,
    sold: Counter,
    queue: Gauge,
    listeners: Gauge,
}

/// What is looked up when somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What is left, and sold; `None` where that cannot be read: then it stays what it was.
    pub count: Option<Count>,
    /// How many requests wait.
    pub waiting: usize,
    /// How many listen to the news.
    pub listeners: usize,
}

impl Metrics {
    /// Those of a counter with these `meters`.
    pub fn new(meters: &Meters) -> Self {
        let mut registry = Registry::with_prefix("tickets");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of the server", build);
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let available = gauge(&mut registry, "available", "Tickets left");
        let capacity = gauge(&mut registry, "capacity", "Tickets left or sold");
        let sold = Counter::default();
        registry.register("sold", "Ticket numbers given out", sold.clone());
        let queue = gauge(&mut registry, "queue", "Requests that wait to be decided");
        let listeners = gauge(&mut registry, "live_listeners", "Clients of the live count");
        meters.register(&mut registry);
        Self { registry, available, capacity, sold, queue, listeners }
    }

    /// The text, as of `now`.
    ///
    /// # Errors
    /// It has no text form.
    pub fn text(&self, now: Now) -> Result<String, fmt::Error> {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        if let Some(Count { remaining, sold, .. }) = now.count {
            self.available.set(whole(remaining));
            self.capacity.set(whole(remaining.saturating_add(sold)));
            self.sold.inner().store(sold, Ordering::Relaxed);
        }
        self.queue.set(whole(now.waiting as u64));
        self.listeners.set(whole(now.listeners as u64));
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
