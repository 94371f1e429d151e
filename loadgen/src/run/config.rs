//! A run as it is to be carried out: everything is checked.

use std::{path::PathBuf, time::Duration};

use super::{
    ci::{CiConfig, Pattern},
    threshold::Threshold,
};
use crate::{
    history::Header,
    lead::HistoryPlace,
    plan::{Pace, Plan, Profile},
    report::Part,
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
    /// The variables in these, each with what is shown to nobody.
    pub(crate) secrets: Vec<(String, Secret)>,
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
    /// How many tickets a correct shop sells at most where the run begins as `header` says, where that is known.
    pub(super) fn sold_max(&self, header: &Header) -> Option<i128> {
        // What is refunded is sold again.
        let initial = header.initial.filter(|_| self.plan.holds.refund == 0.0)?;
        // What somebody has put aside may come back.
        let held = header.held.map_or(0, i128::from);
        let restocked = self.restocks.iter().map(|restock| i128::from(restock.quantity));
        Some(i128::from(initial) + held + restocked.sum::<i128>())
    }

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

    /// The product that is bought, where there are several.
    pub(super) fn product(&self) -> Option<String> {
        self.map.as_ref()?.product().map(str::to_owned)
    }

    /// This `round` of it, of one product.
    pub(super) fn part(&self, round: u32) -> Part {
        Part {
            round,
            product: self.product(),
            pattern: self.ci.pattern(round).name(),
            is_of_rounds: self.ci.has_rounds(),
        }
    }

    /// Whether there are several products.
    pub(super) fn has_products(&self) -> bool {
        self.map.as_ref().is_some_and(|map| !map.products().is_empty())
    }

    /// Whether there is more than one history.
    pub(super) fn has_parts(&self) -> bool {
        self.ci.has_rounds() || self.has_products()
    }

    /// A run for each product, which are carried out at once: this one, where there is nothing to choose from.
    pub(super) fn products(&self) -> Vec<Self> {
        let map = self.map.as_ref().filter(|map| !map.products().is_empty());
        let Some(map) = map else { return vec![self.clone()] };
        let weights: Vec<u64> =
            map.products().iter().map(|(_, weight)| u64::from(*weight)).collect();
        let clients = shares(u64::from(self.plan.clients), &weights);
        let workers = shares(u64::from(self.workers), &weights);
        let requests = self.plan.requests.map(|requests| shares(requests, &weights));
        let mut first = 0;
        let products = (0..weights.len()).map(|place| {
            let of_product = map.of_product(place, first);
            let mut config = self.clone();
            // As many as there are in all at most.
            config.plan.clients = u32::try_from(clients[place]).unwrap_or(u32::MAX);
            config.plan.requests = requests.as_ref().map(|requests| requests[place]);
            config.plan.seed = self.plan.seed.wrapping_add(place as u64);
            let share = share(weights[place], &weights);
            config.profile = self.profile.clone().map(|profile| profile.scaled(share));
            if let Pace::Open { profile, .. } = &mut config.plan.pace {
                *profile = profile.clone().scaled(share);
            }
            let workers = u32::try_from(workers[place]).unwrap_or(u32::MAX);
            config.workers = workers.clamp(1, config.plan.clients.max(1));
            config.initial = of_product.initial();
            // One more than there are buys first, alone.
            first += config.plan.clients + 1;
            config.map = Some(of_product);
            config
        });
        products.collect()
    }

    /// The same a second, on average.
    pub(super) fn asked_rps(&self) -> Option<f64> {
        let (asked, length) = self.asked()?;
        Some(asked / length.as_secs_f64().max(f64::MIN_POSITIVE))
    }
}

/// The share that `weight` is of these.
#[expect(clippy::cast_precision_loss, reason = "weights are a thousand at most")]
fn share(weight: u64, weights: &[u64]) -> f64 {
    weight as f64 / weights.iter().sum::<u64>().max(1) as f64
}

/// `whole` in parts of these weights, which are `whole` together.
pub(super) fn shares(whole: u64, weights: &[u64]) -> Vec<u64> {
    let all: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let up_to = |weight: u128| {
        let part = u128::from(whole) * weight / all.max(1);
        u64::try_from(part).unwrap_or(u64::MAX)
    };
    let mut sum = 0;
    let parts = weights.iter().map(|weight| {
        let before = up_to(sum);
        sum += u128::from(*weight);
        up_to(sum) - before
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_the_whole_together() {
        assert_eq!(shares(100, &[3, 1]), [75, 25]);
        assert_eq!(shares(10, &[1, 1, 1]), [3, 3, 4]);
        assert_eq!(shares(1, &[1, 1]), [0, 1]);
        assert_eq!(shares(7, &[5]), [7]);
    }
}
