//! What is compared with what, and what was asked of it.

use crate::{
    load::Load,
    rounds::{Ran, Run},
    spread::Spread,
};

/// Two systems and the figure in which they are compared; or one, and what is asked of it.
pub(crate) struct Pair {
    /// The system whose figure is divided.
    pub(crate) of: &'static str,
    /// The system that it is measured by; without one, by milliseconds.
    pub(crate) by: Option<&'static str>,
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
    /// The processor time of the server's process for an answer.
    Processor,
    /// The median latency.
    P50,
    /// The latency that one answer in 100 exceeds.
    P99,
    /// The latency that one answer in 1,000 exceeds.
    P999,
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

const PAIRS: [Pair; 30] = [
    Pair::rates("synced", "noop"),
    Pair::rates("synced", "noop-synced").at_least(0.93),
    Pair::new("synced", Some("noop"), Figure::Processor),
    Pair::new("synced", Some("noop-synced"), Figure::Processor).at_most(1.08),
    Pair::rates("synced-10", "noop-10"),
    Pair::rates("synced-10", "noop-synced-10"),
    Pair::rates("synced-1000", "noop-1000"),
    Pair::rates("synced-1000", "noop-synced-1000").at_least(0.95),
    Pair::rates("synced", "former"),
    Pair::new("synced", Some("former"), Figure::Processor),
    Pair::rates("synced-10", "former-10").at_least(1.1),
    Pair::rates("synced-1000", "former-1000"),
    Pair::new("synced", None, Figure::P99),
    Pair::new("synced", None, Figure::P999).at_most(10.0),
    Pair::new("single", Some("fdatasync"), Figure::P50).at_most(2.5),
    Pair::new("outsider", None, Figure::P99).at_most(5.0),
    Pair::rates("synced", "redis").at_least(1.4),
    Pair::rates("synced", "postgres").at_least(40.0),
    Pair::rates("synced", "sqlite").at_least(9.0),
    Pair::rates("synced", "single"),
    Pair::rates("on-etcd", "on-etcd-single").at_least(20.0),
    Pair::rates("on-etcd-three", "on-etcd").at_least(0.9),
    Pair::rates("on-postgres", "on-postgres-single").at_least(10.0),
    Pair::rates("on-postgres-three", "on-postgres").at_least(0.9),
    Pair::rates("synced", "on-etcd"),
    Pair::rates("two", "synced").at_least(0.8),
    Pair::rates("synced", "file"),
    Pair::rates("buffered", "noop"),
    Pair::rates("search", "search-noop").at_least(0.9),
    Pair::new("search", Some("search-noop"), Figure::Processor),
];

impl Pair {
    const fn new(of: &'static str, by: Option<&'static str>, figure: Figure) -> Pair {
        Pair { of, by, figure, asked: None }
    }

    const fn rates(of: &'static str, by: &'static str) -> Pair {
        Pair::new(of, Some(by), Figure::Rate)
    }

    const fn at_least(self, least: f64) -> Pair {
        Pair { asked: Some(Asked::AtLeast(least)), ..self }
    }

    const fn at_most(self, most: f64) -> Pair {
        Pair { asked: Some(Asked::AtMost(most)), ..self }
    }

    /// What is compared with what, in words.
    pub(crate) fn text(&self) -> String {
        self.by.map_or(format!("{}, ms", self.of), |by| format!("{} / {by}", self.of))
    }
}

/// The ratios of all pairs of which both have run.
pub(crate) fn ratios(ran: &Ran) -> Vec<Ratio> {
    let of_pair = |pair: &'static Pair| {
        let named = |name| ran.series.iter().find(|series| series.system.name == name);
        let figures = |name| -> Option<Vec<(f64, bool)>> {
            let figure = |run: &Run| Some((pair.figure.of(&run.load)?, run.is_calm()));
            named(name)?.runs.iter().map(figure).collect()
        };
        let mut rounds = figures(pair.of)?;
        if let Some(by) = pair.by {
            for ((ratio, is_calm), (by, by_is_calm)) in rounds.iter_mut().zip(figures(by)?) {
                *ratio /= by;
                *is_calm &= by_is_calm;
            }
        }
        Ratio::over(pair, &rounds)
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
    /// The figure of `load`, latencies in milliseconds; `None` where nobody could tell.
    fn of(self, load: &Load) -> Option<f64> {
        let latency_ms = |quantile| Some(load.latency_us(quantile) / 1000.0);
        match self {
            Figure::Rate => Some(load.rate_rps),
            Figure::Processor => load.server_us,
            Figure::P50 => latency_ms(0.5),
            Figure::P99 => latency_ms(0.99),
            Figure::P999 => latency_ms(0.999),
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Figure::Rate => "rate",
            Figure::Processor => "processor",
            Figure::P50 => "p50",
            Figure::P99 => "p99",
            Figure::P999 => "p99.9",
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

    const ASKED: Pair = Pair::rates("synced", "noop").at_least(0.8);

    #[test]
    fn pairs_name_systems_that_exist() {
        for name in PAIRS.iter().flat_map(|pair| [Some(pair.of), pair.by]).flatten() {
            assert!(systems::ALL.iter().any(|system| system.name == name), "{name}");
        }
    }

    #[test]
    fn disturbed_round_does_not_count_where_another_was_calm() {
        let ratio = Ratio::over(&ASKED, &[(0.1, false), (0.9, true)]).unwrap();
        assert_eq!((ratio.spread.median, ratio.calm_rounds), (0.9, 1));
        assert_eq!(ratio.is_met(), Some(true));
    }

    #[test]
    fn nothing_is_decided_where_no_round_was_calm() {
        let ratio = Ratio::over(&ASKED, &[(0.9, false), (1.1, false)]).unwrap();
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
