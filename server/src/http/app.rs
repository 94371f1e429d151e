//! What the handlers of one event loop share.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use axum::{body::Bytes, extract::Request};

use crate::{
    counter::{Counter, Refusal, single_flight::SingleFlight},
    domain::Identity,
    http::{
        live::Listeners,
        message::{buyer_rule::BuyerRule, problem::Problem, token::Seal, wire::Shown},
        metrics::Metrics,
    },
};

/// Who may refund a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Refunds {
    /// Whoever has the token of admin calls.
    Admin,
    /// Whoever has the receipt.
    Buyer,
}

/// The counter, its news, and the limits.
pub struct App {
    /// What is sold from.
    pub counter: Counter,
    /// Makes and opens the receipts, once the counter has said from what.
    pub seal: OnceLock<Seal>,
    /// Where those wait who ask what is left; `None` where a quick look does not tell.
    pub reading: SingleFlight<Option<Shown>>,
    /// Who hears the news of the count.
    pub listeners: Listeners,
    /// What is counted, for whoever watches.
    pub metrics: Arc<Metrics>,
    /// The most tickets in one order.
    pub max_per_order: u64,
    /// What the tickets are for, as the page says it.
    pub event: Option<String>,
    /// Whether an order says who buys.
    pub buyer: BuyerRule,
    /// Whether browsers reach the server itself over TLS.
    pub is_tls: bool,
    /// Where the keys of the page's own form come from.
    pub random: fn() -> io::Result<[u8; 32]>,
    /// For how many seconds tickets are held at most.
    pub hold_seconds_max: u64,
    /// Who may refund.
    pub refunds: Refunds,
    /// What `GET /openapi.json` answers, once somebody has asked.
    pub description: OnceLock<Bytes>,
    /// The token of admin calls.
    pub admin_token: Option<String>,
}

impl App {
    /// What makes and opens tokens; `None` where the counter gives none, or has not been reached yet.
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.get().or_else(|| {
            let Identity { key, epochs } = self.counter.identity()?;
            Some(self.seal.get_or_init(|| Seal::new(&key, &epochs)))
        })
    }

    /// What opens tokens; where the counter gives none, what there is then is not there either.
    ///
    /// # Errors
    /// `without` of what is there; why the counter has not been reached yet; or that another life of its ledger has
    /// begun since, whose tokens this server does not know.
    pub fn opener(&self, without: impl FnOnce() -> Problem) -> Result<&Seal, Problem> {
        let seal = self.seal().filter(|seal| self.counter.epoch() == seal.epoch());
        seal.ok_or_else(|| match self.counter.gives_tokens() {
            // Who has a token has asked before: what they asked for may have been done.
            true => Problem::of_repeatable(self.counter.obstacle().unwrap_or_else(unreached), true),
            false => without(),
        })
    }
}

fn unreached() -> Refusal {
    Refusal::NotSold("the ledger has not been reached yet".into())
}

/// A call as its handler sees it.
pub struct Asked {
    /// What answers it.
    pub app: Arc<App>,
    /// The call.
    pub request: Request,
    /// What stands for the part of the path in braces.
    pub part: String,
}
