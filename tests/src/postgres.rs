//! PostgreSQL as Debian has it, in a folder and on a port of the test's own.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use loadgen::engines::{
    Addresses, free_addresses,
    postgres::{SETTINGS, USER, asking, copying, go_on, making, programs, running, stop},
};
use rustix::process::{Pid, Signal, geteuid};
use tempfile::TempDir;

use crate::{certificate::Certificate, process::Process, program::Program, wait::eventually};

/// The password of the role that owns everything.
const PASSWORD: &str = "box office";

/// How long the programs of PostgreSQL may take where the machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server of PostgreSQL, or one that was stopped.
pub struct Postgres {
    process: Option<Process>,
    folder: TempDir,
    address: Addresses,
}

impl Postgres {
    /// Makes a server with a database `tickets`, and starts it.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start() -> Postgres {
        Postgres::start_with("")
    }

    /// The same with more `settings`, lines of `postgresql.conf`.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_with(settings: &str) -> Postgres {
        Postgres::start_in(own_folder(TempDir::new().expect("a folder for PostgreSQL")), settings)
    }

    /// The same in `folder`, such as one on a small disk.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_in(folder: TempDir, settings: &str) -> Postgres {
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).expect("the test's own folder");
        let mut server = Postgres { process: None, folder, address: free_address() };
        let made = program("initdb").args(making(&server.data(), &password));
        let made = made.within(PATIENCE).run();
        assert_eq!(made.code, Some(0), "no cluster: {made:?}");
        let config = server.data().join("postgresql.conf");
        let text = fs::read_to_string(&config).expect("initdb made it");
        let sockets = server.folder.path().display();
        let own = format!("unix_socket_directories = '{sockets}'\n");
        fs::write(&config, [&text, SETTINGS, &own, settings].concat()).expect("its own file");
        server.restart();
        server.sql_at("postgres", "CREATE DATABASE tickets");
        server
    }

    /// Makes a standby that follows this server as it is by now, and starts it.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_standby(&self) -> Postgres {
        self.start_standby_through(self.port())
    }

    /// The same, which follows this one by way of another `port`.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_standby_through(&self, port: u16) -> Postgres {
        let folder = own_folder(TempDir::new().expect("a folder for a standby"));
        let mut standby = Postgres { process: None, folder, address: free_address() };
        let copied = program("pg_basebackup")
            .args(copying(port, &standby.data()))
            .env("PGPASSWORD", PASSWORD)
            .within(PATIENCE)
            .run();
        assert_eq!(copied.code, Some(0), "no standby: {copied:?}");
        standby.restart();
        standby
    }

    /// Lets commits wait for `standby` from now on.
    ///
    /// # Panics
    /// When it does not follow.
    #[track_caller]
    pub fn wait_for_standby(&self) {
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.sql("SELECT pg_reload_conf()");
        eventually("the standby to be synchronous", || {
            let state = self.sql("SELECT sync_state FROM pg_stat_replication");
            (state == "sync" || state == "quorum").then_some(())
        });
    }

    /// Lets nobody in any more but through TLS, with `certificate`.
    ///
    /// # Panics
    /// When it does not take it.
    #[track_caller]
    pub fn encrypt(&self, certificate: &Certificate) {
        for (from, to) in [(certificate.chain(), "server.crt"), (certificate.key(), "server.key")] {
            let to = self.data().join(to);
            fs::copy(from, &to).expect("the test's own folder");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("its own file");
            own(&to);
        }
        self.sql("ALTER SYSTEM SET ssl = on");
        let rules = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.data().join("pg_hba.conf"), rules).expect("its own file");
        self.sql("SELECT pg_reload_conf()");
        eventually("TLS", || {
            let is_on =
                self.psql("tickets", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
            is_on.stdout.contains('t').then_some(())
        });
    }

    /// Makes this standby the primary.
    ///
    /// # Panics
    /// When it does not become it.
    #[track_caller]
    pub fn promote(&self) {
        assert_eq!(self.sql("SELECT pg_promote()"), "t", "it is promoted");
    }

    /// Starts it again where it was stopped or killed.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn restart(&mut self) {
        self.process = None;
        let server = program("postgres").args(running(&self.data(), self.port()));
        let mut process = server.start();
        eventually("PostgreSQL to answer", || {
            if !process.is_running() {
                // Those that it had started end a moment after it, and are waited for.
                process = server.start();
            }
            let asked = self.psql("postgres", "SELECT 1");
            (asked.code == Some(0)).then_some(())
        });
        self.process = Some(process);
    }

    /// Stops all its processes (SIGSTOP).
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn pause(&self) {
        stop(self.first(), |_| Ok(())).expect("it runs");
    }

    /// Lets all its processes go on (SIGCONT).
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn go_on(&self) {
        go_on(self.first()).expect("it runs");
    }

    #[track_caller]
    fn first(&self) -> Pid {
        pid(self.process.as_ref().expect("it runs"))
    }

    /// Ends it without a chance to clean up (SIGKILL).
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn kill(&mut self) {
        let process = self.process.take().expect("it runs");
        process.signal(Signal::KILL);
        process.finish(PATIENCE);
    }

    /// Stops it as `pg_ctl stop -m fast` does (SIGINT).
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        process.signal(Signal::INT);
        process.finish(PATIENCE);
    }

    /// What `psql` prints for `sql` in the database `tickets`: rows of fields between bars.
    ///
    /// # Panics
    /// When that fails.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        self.sql_at("tickets", sql)
    }

    #[track_caller]
    fn sql_at(&self, database: &str, sql: &str) -> String {
        let asked = self.psql(database, sql);
        assert_eq!(asked.code, Some(0), "{sql}: {asked:?}");
        asked.stdout.trim_end().to_owned()
    }

    /// What PostgreSQL says against `sql`.
    ///
    /// # Panics
    /// When it says nothing against it.
    #[track_caller]
    pub fn refuses(&self, sql: &str) -> String {
        let asked = self.psql("tickets", sql);
        assert_ne!(asked.code, Some(0), "{sql}: it is not refused");
        asked.stderr
    }

    fn psql(&self, database: &str, sql: &str) -> crate::Finished {
        program("psql")
            .args(asking(self.port(), database, sql))
            .env("PGPASSWORD", PASSWORD)
            .env("PGCONNECT_TIMEOUT", "10")
            .within(PATIENCE)
            .run()
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address[0].port()
    }

    /// The address of the counter `name`, without the password.
    pub fn plain_address(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/tickets?counter={name}", self.port())
    }

    /// The password of the role that owns everything.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The address of the counter `name`, with the password.
    pub fn address(&self, name: &str) -> String {
        self.address_through(self.port(), name)
    }

    /// The same through another port of 127.0.0.1.
    pub fn address_through(&self, port: u16, name: &str) -> String {
        let password = PASSWORD.replace(' ', "%20");
        format!("postgres://postgres:{password}@127.0.0.1:{port}/tickets?counter={name}")
    }

    /// Where its data are.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An orderly end takes its processes and its shared memory with it.
        if let Some(process) = self.process.take().filter(Process::is_running) {
            go_on(pid(&process)).ok();
            process.signal(Signal::QUIT);
            process.ends_within(Duration::from_secs(10));
        }
    }
}

/// A program of PostgreSQL's, as a user that it likes: not root.
fn program(name: &str) -> Program {
    let folder = programs().expect("PostgreSQL is installed").join(name);
    // Of the one who runs the tests it would read certificates that it may not.
    let program = Program::new(folder).inside("/").env("HOME", "/nonexistent");
    if geteuid().is_root() { program.as_user(USER) } else { program }
}

/// A folder that belongs to the user who runs PostgreSQL.
fn own_folder(folder: TempDir) -> TempDir {
    own(folder.path());
    folder
}

/// Gives `path` to the user who runs PostgreSQL.
#[track_caller]
fn own(path: &Path) {
    if geteuid().is_root() {
        let given = Program::new("chown").arg(format!("{USER}:")).arg(path).run();
        assert_eq!(given.code, Some(0), "{given:?}");
    }
}

fn pid(process: &Process) -> Pid {
    let pid = i32::try_from(process.pid()).ok().and_then(Pid::from_raw);
    pid.expect("a process has an id")
}

/// PostgreSQL takes no port 0.
fn free_address() -> Addresses {
    free_addresses(1).expect("a free port")
}
