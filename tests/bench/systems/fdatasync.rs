//! The raw yardstick: what the disk takes to make a small write durable.

use std::{fs::File, os::unix::fs::FileExt as _, time::Instant};

use super::Setting;
use crate::load::{self, Load, nanoseconds};

/// The length of the file, in bytes.
const FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How much is written before each sync, in bytes, in turn.
const WRITE_BYTES: [usize; 4] = [64, 128, 256, 512];

/// Overwrites a zero-filled file from its start, and measures the syncs alone.
pub(super) fn measure(setting: &Setting) -> anyhow::Result<Load> {
    let folder = tempfile::tempdir()?;
    let file = File::create_new(folder.path().join("zeros"))?;
    file.write_all_at(&vec![0; usize::try_from(FILE_BYTES)?], 0)?;
    file.sync_all()?;
    let mut latency_ns = load::histogram()?;
    let begun = Instant::now();
    let mut offset = 0;
    for length in WRITE_BYTES.into_iter().cycle() {
        let begun_for = begun.elapsed();
        if begun_for >= setting.length() {
            break;
        }
        file.write_all_at(&vec![b'x'; length], offset)?;
        let written = Instant::now();
        file.sync_data()?;
        if begun_for >= setting.plan.warm_up {
            latency_ns.record(nanoseconds(written.elapsed()))?;
        }
        let end = offset + length as u64;
        offset = if end + 512 > FILE_BYTES { 0 } else { end };
    }
    let rate_rps = load::rate(latency_ns.len(), setting.plan.window);
    Ok(Load { rate_rps, latency_ns, ..Load::empty()? })
}
