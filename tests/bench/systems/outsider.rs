//! Somebody who takes the lock on `db.txt` again and again while the group commit sells.

use std::{
    fs::File,
    thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use e2e::Counter;
use hdrhistogram::Histogram;

use super::{Setting, ours};
use crate::load::{self, Load, nanoseconds};

/// How long it does something else between two turns.
const REST: Duration = Duration::from_millis(2);

/// Measures the waits for the lock, as in `flock db.txt true`.
pub(super) fn measure(setting: &Setting) -> anyhow::Result<Load> {
    let counter = ours::counter();
    let latency_ns = thread::scope(|scope| {
        let outsider = scope.spawn(|| take_turns(&counter, setting));
        ours::sell_from(&counter, setting, &[], 1)?;
        outsider.join().unwrap_or_else(|_| Err(anyhow!("the outsider panicked")))
    })?;
    let rate_rps = load::rate(latency_ns.len(), setting.plan.window);
    Ok(Load { rate_rps, latency_ns, ..Load::empty()? })
}

fn take_turns(counter: &Counter, setting: &Setting) -> anyhow::Result<Histogram<u64>> {
    let db = File::open(counter.path())?;
    let mut latency_ns = load::histogram()?;
    let begun = Instant::now();
    loop {
        let begun_for = begun.elapsed();
        if begun_for >= setting.length() {
            return Ok(latency_ns);
        }
        let asked = Instant::now();
        db.lock()?;
        let waited = asked.elapsed();
        db.unlock()?;
        if begun_for >= setting.plan.warm_up {
            latency_ns.record(nanoseconds(waited))?;
        }
        thread::sleep(REST);
    }
}
