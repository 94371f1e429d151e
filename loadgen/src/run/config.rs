//! A run as it is to be carried out: everything is checked.

use std::{path::PathBuf, time::Duration};

use super::{
    ci::{CiConfig, Pattern},
    threshold::Threshold,
};
use crate::{
    lead::HistoryPlace,
    plan::{Plan, Profile},
    setup::Mode,
    shop::{Location, Map, Secret, Trust},
};

/// What a run is made of.
#[derive(Clone, Debug)]
pub(crate) struct RunConfig {
    /// The URL as it was typed.
    pub(crate) url: String,
    /// The same, taken apart.
    pub(crate) location: Location,
    /// What all clients do together.
    pub(crate) plan: Plan,
    /// What was asked for in an open loop, without the warm-up.
    pub(crate) profile: Option<Profile>,
    /// What is not counted at the beginning.
    pub(crate) warm_up: Duration,
    /// How long it goes on after that, where that was said.
    pub(crate) length: Option<Duration>,
    /// What a worker is.
    pub(crate) mode: Mode,
    /// How many workers share the clients.
    pub(crate) workers: u32,
    /// How long a client waits for an answer.
    pub(crate) timeout: Duration,
    /// Whether what got no final answer is sent again.
    pub(crate) retries: bool,
    /// Whom a connection over TLS trusts.
    pub(crate) trust: Trust,
    /// Whether a connection is used for more than one request.
    pub(crate) keeps_alive: bool,
    /// Header fields that every request has beside its own.
    pub(crate) fields: Vec<(String, String)>,
    /// What refunds are allowed by.
    pub(crate) admin_token: Option<Secret>,
    /// What the operator puts on sale meanwhile, in the order of time.
    pub(crate) restocks: Vec<Restock>,
    /// How the shop is spoken to where it is another one.
    pub(crate) map: Option<Map>,
    /// How many tickets there are at the start, where the shop need not be asked.
    pub(crate) initial: Option<u64>,
    /// Where the operations go.
    pub(crate) history: HistoryPlace,
    /// How many operations are recorded at most.
    pub(crate) history_limit: u64,
    /// How the clients come together, in this round.
    pub(crate) pattern: Pattern,
    /// Rounds on fresh stock, and what each has to have tried.
    pub(crate) ci: CiConfig,
    /// What is to be kept.
    pub(crate) thresholds: Vec<Threshold>,
    /// Where the page goes.
    pub(crate) report: Option<PathBuf>,
    /// Whether latencies are told in detail.
    pub(crate) latency: bool,
    /// Where the result goes as JSON, beside what is printed.
    pub(crate) output: Option<PathBuf>,
    /// Whether the result is wanted as JSON.
    pub(crate) json: bool,
    /// Whether a terminal is drawn on.
    pub(crate) tui: bool,
}

/// Tickets that are put on sale in the middle of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restock {
    /// How long after the start.
    pub(crate) after: Duration,
    /// How many.
    pub(crate) quantity: u64,
}

impl RunConfig {
    /// How many operations were asked for after the warm-up, and in which time; `None` in a closed
    /// loop.
    pub(super) fn asked(&self) -> Option<(f64, Duration)> {
        let profile = self.profile.as_ref()?;
        let Some(requests) = self.plan.requests else {
            let length = self.length.unwrap_or_default();
            return Some((profile.count_before(length), length));
        };
        #[expect(clippy::cast_precision_loss, reason = "no run counts to 2^53")]
        let requests = requests as f64;
        let end = profile.due_ns(requests).map(Duration::from_nanos);
        let end = [end, self.length].into_iter().flatten().min().unwrap_or_default();
        Some((requests.min(profile.count_before(end)), end))
    }

    /// The same a second, on average.
    pub(super) fn asked_rps(&self) -> Option<f64> {
        let (asked, length) = self.asked()?;
        Some(asked / length.as_secs_f64().max(f64::MIN_POSITIVE))
    }
}
