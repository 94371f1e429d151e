//! The harness of the end-to-end tests: real files, real processes, real sockets, all on loopback.
//!
//! A test makes a [`Counter`], starts a [`Server`] or another [`Program`] on it, and asks through
//! HTTP, raw bytes, a [`Live`] stream or a [`Browser`].
//!
//! # Invariants
//! - A process that the harness started ends with its test, also when the test panics or is killed.
//! - Every wait is bounded, and says what it waited for when it gives up.
//! - Ports and folders are the test's own.

mod browser;
mod buyers;
mod campaign;
mod certificate;
mod counter;
mod crowd;
mod definite;
mod etcd;
mod file_limit;
mod front;
mod http;
mod left_out;
mod live;
mod lock;
mod nginx;
mod output;
mod packaged_proxy;
mod postgres;
mod process;
mod processes;
mod program;
mod proxy;
mod raw;
mod sales;
mod seed;
mod server;
mod shared;
mod stub;
mod tls_front;
mod wait;
mod wire;

pub use browser::Browser;
pub use buyers::Buyers;
pub use campaign::number_of;
pub use certificate::{Certificate, SERVER};
pub use counter::{Counter, Fingerprint};
pub use crowd::crowd;
pub use definite::{Definite, Told};
pub use etcd::Etcd;
pub use file_limit::file_limit_of_at_least;
pub use front::{Fate, Gate};
pub use http::{Answer, Client};
pub use left_out::left_out;
pub use live::{Event, Live};
pub use lock::OutsideLock;
pub use nginx::Nginx;
pub use packaged_proxy::{DOMAIN, Packaged, PackagedProxy, has_ipv6, packaged_text, substituted};
pub use postgres::Postgres;
pub use process::{Finished, Process};
pub use processes::{Mark, processes_in};
pub use program::Program;
pub use proxy::Proxy;
pub use raw::RawRequest;
pub use reqwest::{Method, blocking::RequestBuilder};
pub use rustix::process::Signal;
pub use sales::{buy_until_sold_out, tickets, tickets_of};
pub use seed::seeded;
pub use server::Server;
pub use shared::{Running, Shared};
pub use stub::{Stub, StubRequest, read_request};
pub use tls_front::TlsFront;
pub use wait::eventually;
pub use wire::Wire;
