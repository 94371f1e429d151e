//! The rounds: every system once, in the same order, again and again.

use std::{
    fmt::{self, Display, Formatter},
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{
    load::Load,
    machine::{self, Watch},
    systems::{Setting, System},
};

/// How many cores others may keep busy in a run that counts as calm.
pub(crate) const DISTURBED_CORES: f64 = 0.25;

/// What came of all rounds.
pub(crate) struct Ran {
    /// Each system that ran.
    pub(crate) series: Vec<Series>,
    /// The systems that cannot be measured here, and what each needs.
    pub(crate) skipped: Vec<(System, &'static str)>,
    /// How often each ran.
    pub(crate) rounds: usize,
}

/// One system's runs.
pub(crate) struct Series {
    /// The system.
    pub(crate) system: System,
    /// One run a round, in their order.
    pub(crate) runs: Vec<Run>,
}

/// One system in one round.
pub(crate) struct Run {
    /// What its clients saw.
    pub(crate) load: Load,
    /// How many cores others kept busy meanwhile.
    pub(crate) others_cores: f64,
}

/// Runs `systems` in turn, `rounds` times, each for up to `calm` until others do not disturb it.
///
/// # Errors
/// Of the first system that fails.
pub(crate) fn run(
    systems: Vec<System>,
    rounds: usize,
    calm: Duration,
    setting: &Setting,
) -> anyhow::Result<Ran> {
    let mut ran = Ran { series: Vec::new(), skipped: Vec::new(), rounds };
    for system in systems {
        match (system.missing)() {
            Some(missing) => {
                eprintln!("{}: skipped, it needs {missing}", system.name);
                ran.skipped.push((system, missing));
            }
            None => ran.series.push(Series { system, runs: Vec::new() }),
        }
    }
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for Series { system, runs } in &mut ran.series {
            let name = system.name;
            let run = calmest(system, setting, calm).with_context(|| format!("{name} failed"))?;
            eprintln!("  {name}: {run}");
            runs.push(run);
        }
    }
    Ok(ran)
}

/// Runs `system`, and again where others disturbed it, for as long as `calm`; gives the run that
/// was disturbed least.
fn calmest(system: &System, setting: &Setting, calm: Duration) -> anyhow::Result<Run> {
    let until = Instant::now() + calm;
    let mut calmest: Option<Run> = None;
    loop {
        while Instant::now() < until && machine::others_cores()? > DISTURBED_CORES {}
        let watch = Watch::begin()?;
        let load = system.measure(setting)?;
        let run = Run { load, others_cores: watch.end()? };
        let is_calm = run.is_calm();
        let best = calmest.take_if(|best| best.others_cores <= run.others_cores).unwrap_or(run);
        if is_calm || Instant::now() >= until {
            return Ok(best);
        }
        calmest = Some(best);
    }
}

impl Run {
    /// Whether others kept out of it.
    pub(crate) fn is_calm(&self) -> bool {
        self.others_cores <= DISTURBED_CORES
    }
}

impl Display for Run {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Run { load, others_cores } = self;
        let (p50, p99) = (load.latency_us(0.5), load.latency_us(0.99));
        write!(f, "{:.0}/s, p50 {p50:.0} µs, p99 {p99:.0} µs", load.rate_rps)?;
        write!(f, ", others kept {others_cores:.1} cores busy")
    }
}
