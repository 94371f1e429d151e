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
    /// of the rate, and together they are one at the whole rate. Where their number is given, they
    /// fall anywhere on their stretch of the line, which is the same process with that number.
    Poisson,
}

/// The places of one client's operations on the line of all operations, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Places {
    arrivals: Arrivals,
    clients: f64,
    next: f64,
    stretch: Option<Stretch>,
    random: Random,
}

/// A stretch of the line on which a given number of places lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// Where it begins.
    pub(super) from: f64,
    /// Where it ends.
    pub(super) to: f64,
    /// How many of the places are this client's.
    pub(super) places: u64,
}

impl Places {
    /// Those of `client` of so many `clients`; a given number of them on `stretch`.
    pub(super) fn new(
        arrivals: Arrivals,
        (client, clients): (u32, u32),
        stretch: Option<Stretch>,
        random: Random,
    ) -> Self {
        let next = f64::from(client);
        let mut places = Self { arrivals, clients: f64::from(clients), next, stretch, random };
        if arrivals == Arrivals::Poisson {
            places.next = places.behind(0.0);
        }
        places
    }

    /// The place of this client's next operation.
    pub(super) fn next(&mut self) -> f64 {
        let place = self.next;
        self.next = match self.arrivals {
            Arrivals::Constant => place + self.clients,
            Arrivals::Poisson => self.behind(place),
        };
        place
    }

    /// The place of a Poisson process that comes behind `place`.
    fn behind(&mut self, place: f64) -> f64 {
        let share = self.random.share();
        // An exponential gap with the mean that this client's share of the rate has.
        let free = place - (1.0 - share).ln() * self.clients;
        match &mut self.stretch {
            Some(stretch) if free >= stretch.from => {
                // The first of so many that fall anywhere between here and the end.
                let place = place.max(stretch.from);
                let room = stretch.to - place;
                // Drawn anew: the share above has decided that it is behind the beginning.
                let share = self.random.share();
                #[expect(clippy::cast_precision_loss, reason = "no run counts to 2^53")]
                let many = stretch.places as f64;
                stretch.places = stretch.places.saturating_sub(1);
                // Behind the last of them there is none.
                if many < 1.0 { f64::INFINITY } else { stretch.to - room * share.powf(1.0 / many) }
            }
            _ => free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(arrivals: Arrivals, clients: u32, each: usize) -> Vec<f64> {
        let mut all: Vec<f64> = (0..clients)
            .flat_map(|client| {
                let random = Random::new(5, u64::from(client));
                let mut places = Places::new(arrivals, (client, clients), None, random);
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
    fn a_given_number_of_poisson_arrivals_falls_on_its_stretch_and_nowhere_thins_out() {
        const CLIENTS: u32 = 10;
        let (mut before, mut tenths) = (0, [0_u32; 10]);
        for client in 0..CLIENTS {
            let stretch = Stretch { from: 500.0, to: 20_500.0, places: 2000 };
            let random = Random::new(5, u64::from(client));
            let mut places =
                Places::new(Arrivals::Poisson, (client, CLIENTS), Some(stretch), random);
            let all: Vec<f64> = std::iter::from_fn(|| Some(places.next()))
                .take_while(|place| place.is_finite())
                .collect();
            assert!(all.is_sorted() && *all.last().unwrap() <= 20_500.0);
            before += all.iter().filter(|place| **place < 500.0).count();
            assert_eq!(all.iter().filter(|place| **place >= 500.0).count(), 2000);
            for place in all.iter().filter(|place| **place >= 500.0) {
                let tenth = (1..10).filter(|tenth| *place >= 500.0 + 2000.0 * f64::from(*tenth));
                tenths[tenth.count()] += 1;
            }
        }
        assert!((400..600).contains(&before), "{before}");
        // Each has 2,000 but for some 42.
        assert!(tenths.iter().all(|tenth| (1790..2210).contains(tenth)), "{tenths:?}");
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
