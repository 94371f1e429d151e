//! What the program needs, after what the user typed was checked.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use ipnet::IpNet;

use crate::{
    counter::lesson::{Delays, Exclusion},
    db::Db,
    http::{
        access::host_name::HostName, app::Refunds, connections::event_loops::Limits,
        message::buyer_rule::BuyerRule,
    },
    log::LogFormat,
};

/// Everything a running server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the counter is kept.
    pub db: Db,
    /// Create a missing counter with this many tickets.
    pub init: Option<u64>,
    /// How sales are kept apart.
    pub locking: Locking,
    /// What an answer waits for.
    pub durability: Durability,
    /// How long a request waits for the lock before it is answered "not sold".
    pub lock_timeout: Duration,
    /// The most tickets that one order may have.
    pub max_per_order: u64,
    /// What the tickets are for, as the page says it.
    pub event: Option<String>,
    /// Whether an order says who buys.
    pub buyer: BuyerRule,
    /// For how many seconds tickets are held at most.
    pub hold_seconds_max: u64,
    /// Who may refund.
    pub refunds: Refunds,
    /// How many requests are known again at most.
    pub names_max: usize,
    /// The token of admin calls; without one they are refused.
    pub admin_token: Option<String>,
    /// Host names, beside the loopback ones, under which the server may be called.
    pub allowed_hosts: Vec<HostName>,
    /// How many changes one client may ask for in a second; without it as many as it likes.
    pub rate_limit: Option<NonZeroU32>,
    /// Proxies whose word for a client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// With what the server speaks TLS; without it HTTP in the clear.
    pub tls: Option<TlsFiles>,
    /// How many connections there may be, and how long an idle one is kept.
    pub limits: Limits,
    /// Whether each request gets a line in the log.
    pub access_log: bool,
    /// How the log is written.
    pub log_format: LogFormat,
    /// How many may listen to the news at once; fewer than there may be connections.
    pub live_max: usize,
    /// How many threads serve connections, at least 1.
    pub event_loops: usize,
}

/// Where the certificate of a server is, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates: the server's own, and those between it and an authority.
    pub certificate: PathBuf,
    /// The private key of the first of them.
    pub key: PathBuf,
}

/// How sales are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// The durable group commit: one lock, one write, one sync for all who wait.
    Group,
    /// The lesson's seller, one by one, under this lock and with these waits.
    Lesson(Exclusion, Delays),
}

/// What an answer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// The ledger is on the disk: an acknowledged sale survives a power cut.
    Synced,
    /// The ledger is with the kernel: an acknowledged sale survives a crash of
    /// the server, and not one of the machine.
    Buffered,
}
