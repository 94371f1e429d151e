//! The machine that the figures hold for, without its name.

use std::{
    env,
    fmt::{self, Display, Formatter},
    fs,
    os::unix::fs::MetadataExt as _,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::fs::{major, minor};
use serde_json::{Value, json};

/// How long to look at how busy others are.
const LOOK: Duration = Duration::from_millis(300);

/// How many times a second the kernel counts (`USER_HZ`).
const TICKS_HZ: f64 = 100.0;

/// File systems that keep nothing: a sync to them costs nothing.
const MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// What a reader needs to know about the machine.
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    file_system: String,
}

impl Machine {
    /// Looks at this machine, and at the file system of temporary files.
    ///
    /// # Errors
    /// When there is no `/proc`.
    pub(crate) fn look() -> anyhow::Result<Machine> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let model = processors.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == "model name").then(|| value.trim().to_owned())
        });
        let device = fs::metadata(env::temp_dir())?.dev();
        let device = format!("{}:{}", major(device), minor(device));
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        Ok(Machine {
            cores: thread::available_parallelism()?.get(),
            processor: model.unwrap_or_else(|| "unknown".to_owned()),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            file_system: file_system(&mounts, &device).unwrap_or("unknown").to_owned(),
        })
    }

    /// As a JSON object.
    pub(crate) fn json(&self) -> Value {
        json!({
            "cores": self.cores,
            "processor": self.processor,
            "kernel": self.kernel,
            "file_system": self.file_system,
        })
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, kernel, file_system } = self;
        write!(f, "{cores} cores ({processor}), Linux {kernel}, {file_system}")?;
        if MEMORY.contains(&file_system.as_str()) {
            write!(f, "\nwarning: that is memory and no disk; set TMPDIR to a folder on a disk")?;
        }
        Ok(())
    }
}

/// Tells how many cores others keep busy while the bench and its children are at work.
pub(crate) struct Watch {
    begun: Instant,
    busy_ticks: f64,
    own_ticks: f64,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// When there is no `/proc`.
    pub(crate) fn begin() -> anyhow::Result<Watch> {
        let (busy_ticks, own_ticks) = ticks()?;
        Ok(Watch { begun: Instant::now(), busy_ticks, own_ticks })
    }

    /// How many cores others kept busy, and the machine's host among them.
    ///
    /// Right only when all children of the bench have ended: then their time counts as its own.
    ///
    /// # Errors
    /// When there is no `/proc`.
    pub(crate) fn end(self) -> anyhow::Result<f64> {
        let (busy_ticks, own_ticks) = ticks()?;
        let others = (busy_ticks - self.busy_ticks) - (own_ticks - self.own_ticks);
        Ok((others / TICKS_HZ / self.begun.elapsed().as_secs_f64()).max(0.0))
    }
}

/// The processor time that the process `pid` has taken so far, user and system, in seconds.
///
/// # Errors
/// When it is gone.
pub(crate) fn processor_s(pid: u32) -> anyhow::Result<f64> {
    Ok(own_ticks(&fs::read_to_string(format!("/proc/{pid}/stat"))?)? / TICKS_HZ)
}

/// How many cores others keep busy right now.
///
/// # Errors
/// When there is no `/proc`.
pub(crate) fn others_cores() -> anyhow::Result<f64> {
    let watch = Watch::begin()?;
    thread::sleep(LOOK);
    watch.end()
}

/// The time that all cores were busy, and the time that this program and the children that it
/// waited for were, in ticks.
fn ticks() -> anyhow::Result<(f64, f64)> {
    let all = busy_ticks(&fs::read_to_string("/proc/stat")?)?;
    Ok((all, own_ticks(&fs::read_to_string("/proc/self/stat")?)?))
}

/// The time that all cores together have not been idle since the machine was started, in ticks.
fn busy_ticks(stat: &str) -> anyhow::Result<f64> {
    let all = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("no cores")?;
    let ticks = all.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    // user nice system idle iowait irq softirq steal; guests are in user already.
    let idle = ticks.iter().skip(3).take(2).sum::<f64>();
    Ok(ticks.iter().take(8).sum::<f64>() - idle)
}

/// The time of a process and of those children that it waited for, in ticks (`man 5 proc`).
fn own_ticks(stat: &str) -> anyhow::Result<f64> {
    // The name, in brackets, may hold anything; utime is the 12th field behind it.
    let (_, fields) = stat.rsplit_once(')').context("no process")?;
    let times = fields.split_whitespace().skip(11).take(4);
    Ok(times.map(str::parse).collect::<Result<Vec<f64>, _>>()?.iter().sum())
}

/// The type of the file system on `device`, by the table of mounts (`man 5 proc`).
fn file_system<'a>(mounts: &'a str, device: &str) -> Option<&'a str> {
    let mount = mounts.lines().find(|mount| mount.split(' ').nth(2) == Some(device))?;
    mount.split_once(" - ")?.1.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_system_is_found_by_its_device() {
        let mounts = "22 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n\
                      23 22 0:21 / /dev/shm rw - tmpfs tmpfs rw\n";
        assert_eq!(file_system(mounts, "254:0"), Some("ext4"));
        assert_eq!(file_system(mounts, "0:21"), Some("tmpfs"));
        assert_eq!(file_system(mounts, "8:1"), None);
    }

    #[test]
    fn idle_time_is_not_busy() {
        let stat = "cpu  10 1 5 1000 50 2 3 4 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_ticks(stat).unwrap(), 25.0);
    }

    #[test]
    fn time_of_children_is_own_time() {
        let stat = "42 (a) b) R 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0 1 0";
        assert_eq!(own_ticks(stat).unwrap(), 127.0);
    }
}
