//! What is compared with what, and what was asked of it.

use crate::{load::Load, rounds::Ran, spread::Spread};

/// Two systems and the figure in which they are compared.
pub(crate) struct Pair {
    /// The system whose figure is divided.
    pub(crate) of: &'static str,
    /// The system that it is measured by.
    pub(crate) by: &'static str,
    /// Which figure.
    pub(crate) figure: Figure,
    /// What the project asks of the median, if anything.
    pub(crate) asked: Option<Asked>,
}

/// A figure of a run.
#[derive(Clone, Copy)]
pub(crate) enum Figure {
    /// Answers a second.
    Rate,
    /// The median latency.
    P50,
}

/// A bound on a ratio.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// A pair with its ratio in each round.
pub(crate) struct Ratio {
    /// What was compared.
    pub(crate) pair: &'static Pair,
    /// The ratios, in the order of the rounds.
    pub(crate) rounds: Vec<f64>,
    /// Their median and range.
    pub(crate) spread: Spread,
}

const fn rates(of: &'static str, by: &'static str, asked: Option<Asked>) -> Pair {
    Pair { of, by, figure: Figure::Rate, asked }
}

const PAIRS: [Pair; 9] = [
    rates("synced", "noop", Some(Asked::AtLeast(0.8))),
    rates("buffered", "noop", None),
    rates("two", "synced", Some(Asked::AtLeast(0.8))),
    rates("synced", "file", None),
    rates("search", "search-noop", Some(Asked::AtLeast(0.9))),
    Pair { of: "single", by: "fdatasync", figure: Figure::P50, asked: Some(Asked::AtMost(3.0)) },
    rates("synced", "redis", Some(Asked::AtLeast(2.5))),
    rates("synced", "postgres", Some(Asked::AtLeast(15.0))),
    rates("synced", "sqlite", Some(Asked::AtLeast(15.0))),
];

/// The ratios of all pairs of which both have run.
pub(crate) fn ratios(ran: &Ran) -> Vec<Ratio> {
    let of_pair = |pair: &'static Pair| {
        let named = |name| ran.series.iter().find(|series| series.system.name == name);
        let (of, by) = (named(pair.of)?, named(pair.by)?);
        let rounds = of.runs.iter().zip(&by.runs);
        let rounds = rounds.map(|(of, by)| pair.figure.of(&of.load) / pair.figure.of(&by.load));
        let rounds = rounds.collect::<Vec<_>>();
        Some(Ratio { pair, spread: Spread::of(&rounds)?, rounds })
    };
    PAIRS.iter().filter_map(of_pair).collect()
}

impl Figure {
    /// The figure of `load`.
    fn of(self, load: &Load) -> f64 {
        match self {
            Figure::Rate => load.rate_rps,
            Figure::P50 => load.latency_us(0.5),
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Figure::Rate => "rate",
            Figure::P50 => "p50",
        }
    }
}

impl Asked {
    /// Whether `ratio` is as asked.
    pub(crate) fn is_met_by(self, ratio: f64) -> bool {
        match self {
            Asked::AtLeast(least) => ratio >= least,
            Asked::AtMost(most) => ratio <= most,
        }
    }

    /// As people write it.
    pub(crate) fn text(self) -> String {
        match self {
            Asked::AtLeast(least) => format!("≥ {least}"),
            Asked::AtMost(most) => format!("≤ {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems;

    #[test]
    fn pairs_name_systems_that_exist() {
        for Pair { of, by, .. } in &PAIRS {
            for name in [of, by] {
                assert!(systems::ALL.iter().any(|system| system.name == *name), "{name}");
            }
        }
    }

    #[test]
    fn bound_is_met_from_its_own_side() {
        assert!(Asked::AtLeast(0.8).is_met_by(0.8));
        assert!(!Asked::AtLeast(0.8).is_met_by(0.79));
        assert!(Asked::AtMost(3.0).is_met_by(3.0));
        assert!(!Asked::AtMost(3.0).is_met_by(3.1));
    }
}
