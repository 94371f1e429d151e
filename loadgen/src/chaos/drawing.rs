//! The page of chaos.

use super::{
    config::ChaosConfig,
    outcome::heading,
    run::{Chaos, LedgerSaid},
};
use crate::{
    report::{Page, Shade, command_line, page, recorded_run},
    words::grouped,
};

/// The page of what the chaos of `config` came to, with the faults shaded.
pub(super) fn drawn(config: &ChaosConfig, chaos: &Chaos) -> Page {
    let mut run = recorded_run(&chaos.judged);
    run.label = "chaos".to_owned();
    run.clocks = Some(&chaos.led.tally.clocks);
    run.shades = (chaos.injected.iter())
        .map(|fault| Shade {
            from_ns: fault.from_ns,
            to_ns: fault.to_ns,
            text: fault.kind.told(fault.target + 1),
        })
        .collect();
    run.facts.extend([
        ("Faults", grouped(chaos.injected.len())),
        ("Seed", config.seed.to_string()),
        ("Counter", chaos.db.clone()),
        ("Command line", command_line()),
    ]);
    if let LedgerSaid::Read(_, said) = &chaos.ledger {
        run.facts.extend(said.lines().map(|line| ("Ledger", line.to_owned())));
    }
    page(&format!("Chaos: {}", heading(config)), &[run])
}
