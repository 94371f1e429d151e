//! A primary of PostgreSQL and its synchronous standby: Debian's `postgresql`, on loopback, in chaos's own folder.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{OpenOptionsExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tokio::time::{sleep, timeout};
use url::form_urlencoded::byte_serialize;

use super::error::MemberError;
use crate::{
    chaos::config::COUNTER,
    engines::{
        Addresses, Network, Sender, free_addresses,
        postgres::{ROLE, SETTINGS, USER, asking, copying, go_on, making, programs, running, stop},
    },
    lifeline::{OwnedChild, foreign_command},
    own_folder::OwnFolder,
};

/// How long a program of PostgreSQL may take, and a server until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is asked whether it answers.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// The database.
const DATABASE: &str = "tickets";

/// How many bytes of chance the password is made of.
const PASSWORD_BYTES: usize = 16;

/// Two servers, of which one is the primary.
pub(super) struct Postgres<'a> {
    folder: &'a OwnFolder,
    programs: PathBuf,
    password: String,
    members: [Member; 2],
    _addresses: Addresses,
    primary: usize,
    /// Where each server of the counter finds them.
    ways: Vec<Vec<SocketAddr>>,
}

struct Member {
    address: SocketAddr,
    /// Where the other finds it.
    advertised: SocketAddr,
    running: Option<OwnedChild>,
}

impl<'a> Postgres<'a> {
    /// Makes both and starts them, which so many servers reach by way of `network`.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub(super) async fn start(
        folder: &'a OwnFolder,
        network: &Network,
        servers: usize,
    ) -> Result<Self, MemberError> {
        let (flag, what) = ("--postgres", "a server of PostgreSQL");
        let none = MemberError::NotInstalled { flag, what, package: "postgresql" };
        let programs = programs().ok_or(none)?;
        let addresses = free_addresses(2)?;
        let member = |at: usize| -> io::Result<Member> {
            let address = addresses[at];
            let advertised = network.link(Sender::Member(1 - at), at, address)?;
            Ok(Member { address, advertised, running: None })
        };
        let way = |server| {
            let to = |at: usize| network.link(Sender::Server(server), at, addresses[at]);
            [0, 1].into_iter().map(to).collect::<Result<Vec<_>, _>>()
        };
        let members = [member(0)?, member(1)?];
        let ways = (0..servers).map(way).collect::<Result<_, _>>()?;
        let password = password()?;
        let _addresses = addresses;
        let mut postgres =
            Self { folder, programs, password, members, _addresses, primary: 0, ways };
        postgres.make().await?;
        Ok(postgres)
    }

    async fn make(&mut self) -> Result<(), MemberError> {
        // PostgreSQL's own user has to get there, and sees nothing else of it.
        fs::set_permissions(self.folder.path(), fs::Permissions::from_mode(0o711))?;
        for member in 0..self.members.len() {
            self.own_folder(member)?;
        }
        // For servers of the counter, and for whoever makes the first one.
        self.write_secret("pgpass", &format!("*:*:*:*:{}\n", self.password))?;
        let secret = self.write_secret("password", &self.password)?;
        own(&secret)?;
        let data = self.data(0);
        self.run("initdb", making(&data, &secret)).await?;
        let settings = format!("{SETTINGS}unix_socket_directories = ''\n");
        fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))?
            .write_all(settings.as_bytes())?;
        self.start_again(0).await?;
        self.sql(0, "postgres", &format!("CREATE DATABASE {DATABASE}")).await?;
        // Ahead of the copy, which has it for the day on which it is the primary.
        self.sql(0, DATABASE, "ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
        self.make_standby(1).await?;
        self.sql(0, DATABASE, "SELECT pg_reload_conf()").await?;
        self.wait_for_standby().await
    }

    /// Makes a standby at `member`, which is gone, of whoever is the primary.
    async fn make_standby(&mut self, member: usize) -> Result<(), MemberError> {
        let port = self.members[self.primary].advertised.port();
        self.run("pg_basebackup", copying(port, &self.data(member))).await?;
        self.start_again(member).await
    }

    /// Waits until commits wait for the standby.
    async fn wait_for_standby(&self) -> Result<(), MemberError> {
        let begun = Instant::now();
        let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while self.sql(self.primary, DATABASE, state).await?.trim() != "1" {
            pause(begun, "a standby that follows").await?;
        }
        Ok(())
    }

    /// Where the counter is, for `server` or for whoever is never cut off.
    pub(super) fn db(&self, server: Option<usize>) -> OsString {
        let addresses: Vec<_> = match server {
            Some(server) => self.ways[server].iter().map(ToString::to_string).collect(),
            None => self.members.iter().map(|member| member.address.to_string()).collect(),
        };
        let mut db =
            OsString::from(format!("postgres://{ROLE}@{}/{DATABASE}", addresses.join(",")));
        let file = self.folder.path().join("pgpass");
        let file: String = byte_serialize(file.as_os_str().as_bytes()).collect();
        db.push(format!("?counter={COUNTER}&passfile={file}"));
        db
    }

    /// Starts `member`, which is gone, and waits until it answers.
    ///
    /// # Errors
    /// It does not.
    pub(super) async fn start_again(&mut self, member: usize) -> Result<(), MemberError> {
        let port = self.members[member].address.port();
        let mut command = self.program("postgres", running(&self.data(member), port));
        let log = fs::File::create(self.folder.path().join(format!("log{member}")))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.members[member].running = Some(OwnedChild::spawn(&mut command)?);
        let begun = Instant::now();
        let port = port.to_string();
        let is_ready = ["--host", "127.0.0.1", "--quiet", "--port", &port].map(OsString::from);
        while self.run("pg_isready", is_ready.to_vec()).await.is_err() {
            let has_ended = match &mut self.members[member].running {
                Some(running) => running.pipes().try_wait()?.is_some(),
                None => true,
            };
            if has_ended {
                let log = self.folder.path().join(format!("log{member}"));
                let words = fs::read_to_string(log).unwrap_or_default();
                return Err(MemberError::Failed { program: "postgres".to_owned(), words });
            }
            pause(begun, "a server of PostgreSQL that answers").await?;
        }
        Ok(())
    }

    /// Kills `member`, all of its processes, and waits for their end.
    ///
    /// # Errors
    /// They go on.
    pub(super) async fn kill(&mut self, member: usize) -> Result<(), MemberError> {
        let Some(running) = self.members[member].running.take() else { return Ok(()) };
        let all = stop(running.pid()?, |all| self.folder.kill_too(all))?;
        for pid in &all {
            // It fails only for one that has ended already.
            let _ = kill_process(*pid, Signal::KILL);
        }
        drop(running);
        let begun = Instant::now();
        while all.iter().any(|pid| is_running(*pid)) {
            pause(begun, "the end of a server of PostgreSQL").await?;
        }
        self.folder.kill_too(&[])?;
        Ok(())
    }

    /// Stops `member` where it stands, all of its processes, or lets it go on.
    ///
    /// # Errors
    /// The kernel refuses: it has ended by itself.
    pub(super) fn set_paused(&self, member: usize, is_paused: bool) -> Result<(), MemberError> {
        let Some(running) = &self.members[member].running else { return Ok(()) };
        if is_paused {
            // Only the first is killed with this program, and those that are stopped hear of nothing.
            stop(running.pid()?, |all| self.folder.kill_too(all))?;
            return Ok(());
        }
        go_on(running.pid()?)?;
        self.folder.kill_too(&[])?;
        Ok(())
    }

    /// Kills the primary, makes the standby the primary, and another standby in the other's place; gives which that is.
    ///
    /// # Errors
    /// One of them does not do what it is told.
    pub(super) async fn promote(&mut self) -> Result<usize, MemberError> {
        let (killed, promoted) = (self.primary, 1 - self.primary);
        // IMPORTANT: ahead of the promotion: there must never be two to which servers could talk.
        self.kill(killed).await?;
        let data = self.data(promoted).into_os_string();
        self.run("pg_ctl", vec!["promote".into(), "-D".into(), data]).await?;
        self.primary = promoted;
        self.free_memory(killed);
        fs::remove_dir_all(self.place(killed))?;
        self.own_folder(killed)?;
        self.make_standby(killed).await?;
        Ok(killed)
    }

    fn place(&self, member: usize) -> PathBuf {
        self.folder.path().join(format!("p{member}"))
    }

    fn data(&self, member: usize) -> PathBuf {
        self.place(member).join("data")
    }

    /// Makes the folder of `member`, which belongs to the user who runs PostgreSQL.
    fn own_folder(&self, member: usize) -> io::Result<()> {
        fs::create_dir(self.place(member))?;
        own(&self.place(member))
    }

    /// Gives back the memory that `member` shared with itself: one that was killed cannot, and only one that is started
    /// on the same data would.
    fn free_memory(&self, member: usize) {
        // The seventh line has its key and its number (PostgreSQL, `utils/pidfile.h`).
        let file = fs::read_to_string(self.data(member).join("postmaster.pid")).unwrap_or_default();
        let number = file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        if let Some(number) = number {
            // A few bytes stay where that is refused.
            let _ =
                Command::new("ipcrm").args(["--shmem-id", number]).stderr(Stdio::null()).status();
        }
    }

    fn write_secret(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.path().join(name);
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }

    async fn sql(&self, member: usize, database: &str, sql: &str) -> Result<String, MemberError> {
        let port = self.members[member].address.port();
        self.run("psql", asking(port, database, sql)).await
    }

    /// A program of PostgreSQL's, as a user that it likes: not root.
    fn program(&self, name: &str, arguments: Vec<OsString>) -> Command {
        let other_user = ["--reuid", USER, "--regid", USER, "--init-groups"];
        let privileges: &[_] = if geteuid().is_root() { &other_user } else { &[] };
        let mut command = foreign_command(privileges, self.programs.join(name));
        // Of the one who runs this it would read certificates that it may not.
        command.env("HOME", "/nonexistent").env("PGPASSWORD", &self.password).current_dir("/");
        command.args(arguments);
        command
    }

    /// Runs one to its end, and gives what it said.
    async fn run(&self, name: &str, arguments: Vec<OsString>) -> Result<String, MemberError> {
        let mut command = tokio::process::Command::from(self.program(name, arguments));
        let output = command.kill_on_drop(true).stdin(Stdio::null()).output();
        let late = MemberError::Late { what: "a program of PostgreSQL", limit: PATIENCE };
        let output = timeout(PATIENCE, output).await.map_err(|_| late)??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if !output.status.success() {
            let words = [text(&output.stdout), text(&output.stderr)].concat();
            return Err(MemberError::Failed { program: name.to_owned(), words });
        }
        Ok(text(&output.stdout))
    }
}

impl Drop for Postgres<'_> {
    fn drop(&mut self) {
        for member in 0..self.members.len() {
            if let Some(mut running) = self.members[member].running.take() {
                // Where nobody stands by any more they are killed all the same.
                let tell = |all: &[Pid]| self.folder.kill_too(all).or(Ok(()));
                let all = running.pid().and_then(|first| stop(first, tell)).unwrap_or_default();
                for pid in &all {
                    // It fails only for one that has ended already.
                    let _ = kill_process(*pid, Signal::KILL);
                }
                // An error means that it is gone already.
                let _ = running.kill();
                let begun = Instant::now();
                while all.iter().any(|pid| is_running(*pid)) && begun.elapsed() < PATIENCE {
                    std::thread::sleep(ASK_AGAIN);
                }
                // Others may have their numbers by the time at which the folder goes. An error means what it did above.
                let _ = self.folder.kill_too(&[]);
            }
            self.free_memory(member);
        }
    }
}

/// Whether there is such a process, and it has not ended.
fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    // The state follows the name, which may have anything in it.
    stat.is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

/// Gives `path` to the user who runs PostgreSQL.
fn own(path: &Path) -> io::Result<()> {
    if geteuid().is_root() {
        let of = format!("{USER}:");
        let given = Command::new("chown").args([OsStr::new(&of), path.as_os_str()]).status()?;
        if !given.success() {
            return Err(io::Error::other(format!("there is no user `{USER}`")));
        }
    }
    Ok(())
}

fn password() -> io::Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Rests for a moment, unless `what` was waited for for too long.
async fn pause(begun: Instant, what: &'static str) -> Result<(), MemberError> {
    if begun.elapsed() > PATIENCE {
        return Err(MemberError::Late { what, limit: PATIENCE });
    }
    sleep(ASK_AGAIN).await;
    Ok(())
}
