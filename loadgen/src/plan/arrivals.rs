//! Where on the line of all operations those of one client lie.

use serde::{Deserialize, Serialize};

use super::random::Random;

/// How operations follow each other at a given rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Arrivals {
    /// Evenly.
    #[default]
    Constant,
    /// As independent buyers come: a Poisson process. Each client has one of its own at its share
    /// of the rate, and together they are one at the whole rate.
    Poisson,
}

/// The places of one client's operations on the line of all operations, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Places {
    arrivals: Arrivals,
    clients: f64,
    next: f64,
    random: Random,
}

impl Places {
    pub(super) fn new(arrivals: Arrivals, client: u32, clients: u32, random: Random) -> Self {
        let mut places = Self { arrivals, clients: f64::from(clients), next: 0.0, random };
        match arrivals {
            Arrivals::Constant => places.next = f64::from(client),
            Arrivals::Poisson => places.next = places.gap(),
        }
        places
    }

    /// The place of this client's next operation.
    pub(super) fn next(&mut self) -> f64 {
        let place = self.next;
        self.next += match self.arrivals {
            Arrivals::Constant => self.clients,
            Arrivals::Poisson => self.gap(),
        };
        place
    }

    /// An exponential gap with the mean that this client's share of the rate has.
    fn gap(&mut self) -> f64 {
        -(1.0 - self.random.share()).ln() * self.clients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(arrivals: Arrivals, clients: u32, each: usize) -> Vec<f64> {
        let mut all: Vec<f64> = (0..clients)
            .flat_map(|client| {
                let random = Random::new(5, u64::from(client));
                let mut places = Places::new(arrivals, client, clients, random);
                std::iter::repeat_with(move || places.next()).take(each)
            })
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    #[test]
    fn constant_arrivals_fill_every_place_once() {
        let all = places(Arrivals::Constant, 7, 10);
        assert_eq!(all, (0..70).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_an_exponential() {
        let all = places(Arrivals::Poisson, 10, 2000);
        let gaps: Vec<f64> = all[..15_000].windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / 14_999.0;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 14_999.0;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
        // An exponential's standard deviation is its mean; even gaps would have none.
        assert!((variance.sqrt() - mean).abs() < 0.06, "{variance}");
    }
}
