//! A server of PostgreSQL: where its programs are, their command lines, its settings, and its processes.
//!
//! It is many of these. The one that started the others leaves them at work where it alone is stopped, and for a moment
//! where it is killed.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, kill_process};

/// Where Debian has its versions; it puts none of them on the `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user who runs it where root may not.
pub const USER: &str = "postgres";

/// The role that owns everything.
pub const ROLE: &str = "postgres";

/// What is set for every server: small, as safe as it comes, and with all that it leaves when it is killed in its folder.
pub const SETTINGS: &str = "\
    listen_addresses = '127.0.0.1'\n\
    shared_buffers = '16MB'\n\
    max_connections = 60\n\
    wal_keep_size = '256MB'\n\
    max_wal_size = '1GB'\n\
    dynamic_shared_memory_type = 'mmap'\n";

/// Where the programs of its newest version are; `None` where it is not installed.
pub fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?;
    let versions = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    versions.filter(|programs| programs.join("postgres").exists()).max()
}

/// The arguments with which `initdb` makes one in `data`, whose role has the password in the file `password`.
pub fn making(data: &Path, password: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["--no-sync", "--username", ROLE, "--auth", "scram-sha-256"].map(OsString::from).into();
    arguments.extend(["--pwfile".into(), password.into(), "--pgdata".into(), data.into()]);
    arguments
}

/// The arguments with which `pg_basebackup` makes a standby in `data` that follows whoever is at this `port`.
pub fn copying(port: u16, data: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["--host", "127.0.0.1", "--username", ROLE, "--no-sync", "-R", "--checkpoint", "fast"]
            .map(OsString::from)
            .into();
    arguments.extend(["--port".into(), port.to_string().into(), "--pgdata".into(), data.into()]);
    arguments
}

/// The arguments with which `postgres` runs on `data` and listens at `port`.
pub fn running(data: &Path, port: u16) -> Vec<OsString> {
    vec!["-D".into(), data.into(), "-p".into(), port.to_string().into()]
}

/// The arguments with which `psql` prints what `sql` gives in `database`: rows of fields between bars.
pub fn asking(port: u16, database: &str, sql: &str) -> Vec<OsString> {
    let port = port.to_string();
    ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "-v", "ON_ERROR_STOP=1"]
        .into_iter()
        .chain(["--host", "127.0.0.1", "--username", ROLE, "--port", &port])
        .chain(["--dbname", database, "--command", sql])
        .map(OsString::from)
        .collect()
}

/// Stops all processes of the server whose `first` process this is, and gives which they are, itself before all.
///
/// Whoever is stopped hears of nothing, and so not of the end of who started it. So `tell` hears, ahead of every one that
/// is stopped, of that and of all before it.
///
/// # Errors
/// It has ended, or `tell` fails: what was stopped by then stays so.
pub fn stop(first: Pid, mut tell: impl FnMut(&[Pid]) -> io::Result<()>) -> io::Result<Vec<Pid>> {
    let mut all = vec![first];
    tell(&all)?;
    kill_process(first, Signal::STOP)?;
    loop {
        let others = children(first)?;
        let others: Vec<_> = others.into_iter().filter(|pid| !all.contains(pid)).collect();
        // One that was being started as the first stopped is there the next time.
        if others.is_empty() {
            return Ok(all);
        }
        all.extend(&others);
        tell(&all)?;
        for pid in others {
            // It fails only for one that has ended meanwhile.
            let _ = kill_process(pid, Signal::STOP);
        }
    }
}

/// Lets them all go on.
///
/// # Errors
/// It has ended.
pub fn go_on(first: Pid) -> io::Result<()> {
    for pid in children(first)? {
        let _ = kill_process(pid, Signal::CONT);
    }
    Ok(kill_process(first, Signal::CONT)?)
}

fn children(of: Pid) -> io::Result<Vec<Pid>> {
    let of = of.as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children"))?;
    let pid = |word: &str| word.parse().ok().and_then(Pid::from_raw);
    Ok(children.split_whitespace().filter_map(pid).collect())
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, process::Stdio};

    use super::*;

    /// Whoever stands by has to kill them where this program ends between two of them.
    #[test]
    fn who_is_stopped_is_told_ahead_of_it() {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "sleep 600 & sleep 600 & echo; wait"]).stdout(Stdio::piped());
        let mut first = command.spawn().unwrap();
        let mut both_are_there = [0];
        first.stdout.take().unwrap().read_exact(&mut both_are_there).unwrap();
        let (mut heard, mut unheard_of) = (Vec::<Pid>::new(), Vec::<Pid>::new());
        let all = stop(Pid::from_child(&first), |all| {
            let new = all.iter().filter(|pid| !heard.contains(*pid));
            unheard_of.extend(new.filter(|pid| is_stopped(**pid)));
            heard = all.to_vec();
            Ok(())
        });
        let all = all.unwrap();
        all.iter().for_each(|pid| kill_process(*pid, Signal::KILL).unwrap());
        first.wait().unwrap();
        assert_eq!((all.len(), &all), (3, &heard));
        assert_eq!(unheard_of, [], "they were stopped, and nobody knew of it");
    }

    fn is_stopped(pid: Pid) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
        stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" T"))
    }
}
