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
    /// The ratio of each round, in their order.
    pub(crate) rounds: Vec<f64>,
    /// In how many rounds nobody disturbed either of the two.
    pub(crate) calm_rounds: usize,
    /// Median and range of the calm rounds, or of all where none was calm.
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
        let rounds = of.runs.iter().zip(&by.runs).map(|(of, by)| {
            (pair.figure.of(&of.load) / pair.figure.of(&by.load), of.is_calm() && by.is_calm())
        });
        Ratio::over(pair, &rounds.collect::<Vec<_>>())
    };
    PAIRS.iter().filter_map(of_pair).collect()
}

impl Ratio {
    /// The ratio of `pair` over `rounds`, each with whether it was calm; `None` without a round.
    fn over(pair: &'static Pair, rounds: &[(f64, bool)]) -> Option<Ratio> {
        let calm = rounds.iter().filter(|(_, is_calm)| *is_calm).map(|(ratio, _)| *ratio);
        let calm = calm.collect::<Vec<_>>();
        let rounds = rounds.iter().map(|(ratio, _)| *ratio).collect::<Vec<_>>();
        let spread = Spread::of(&calm).or_else(|| Spread::of(&rounds))?;
        Some(Ratio { pair, rounds, calm_rounds: calm.len(), spread })
    }

    /// Whether the median is as asked; `None` where nothing was asked, or no round was calm.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let asked = self.pair.asked.filter(|_| self.calm_rounds > 0)?;
        Some(asked.is_met_by(self.spread.median))
    }
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
    fn is_met_by(self, ratio: f64) -> bool {
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
    fn disturbed_round_does_not_count_where_another_was_calm() {
        let ratio = Ratio::over(&PAIRS[0], &[(0.1, false), (0.9, true)]).unwrap();
        assert_eq!((ratio.spread.median, ratio.calm_rounds), (0.9, 1));
        assert_eq!(ratio.is_met(), Some(true));
    }

    #[test]
    fn nothing_is_decided_where_no_round_was_calm() {
        let ratio = Ratio::over(&PAIRS[0], &[(0.9, false), (1.1, false)]).unwrap();
        assert_eq!((ratio.spread.median, ratio.calm_rounds), (1.0, 0));
        assert_eq!(ratio.is_met(), None);
    }

    #[test]
    fn bound_is_met_from_its_own_side() {
        assert!(Asked::AtLeast(0.8).is_met_by(0.8));
        assert!(!Asked::AtLeast(0.8).is_met_by(0.79));
        assert!(Asked::AtMost(3.0).is_met_by(3.0));
        assert!(!Asked::AtMost(3.0).is_met_by(3.1));
    }
}
