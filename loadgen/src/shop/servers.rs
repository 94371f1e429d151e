//! Servers that this program starts for itself: its own executable with a hidden subcommand, which
//! runs the server's main. The only place that uses the crate `server`.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::{ExitCode, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::ChildStderr,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::{
    duration,
    lifeline::{self, LifelineError, OwnedChild},
    setup::{Delays, Locking},
};

/// The hidden subcommand that [`serve`] carries out.
const SUBCOMMAND: &str = "server-process";

/// What a server prints before its address when it is ready.
const LISTENING: &str = "listening on ";

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How many of a server's last lines an error shows.
const LAST_WORDS: usize = 10;

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct ServerPlan {
    /// Where the counter is kept, as `--db` takes it.
    pub(crate) db: OsString,
    /// Where it listens; on port 0 it picks a free one.
    pub(crate) listen: SocketAddr,
    /// Whether whoever has a receipt may give it back.
    pub(crate) refunds_by_buyer: bool,
    /// Tickets that a missing counter is created with.
    pub(crate) tickets: u64,
    /// What keeps two purchases apart.
    pub(crate) locking: Locking,
    /// The waits of a purchase that goes one by one.
    pub(crate) delays: Delays,
    /// How long a purchase may wait for the lock.
    pub(crate) lock_timeout: Duration,
    /// What else it is started with.
    pub(crate) flags: Vec<OsString>,
}

/// Why a server does not start or stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// The process cannot be started.
    #[error("cannot start a server: {0}")]
    Spawn(#[from] io::Error),
    /// Its counter cannot be removed.
    #[error("{0}")]
    Remove(io::Error),
    /// It ended, or said nothing for too long.
    #[error("a server {how} before it was ready, its last words:\n{}", words.join("\n"))]
    NotReady {
        /// `ended` or `was silent`.
        how: &'static str,
        /// Its last lines.
        words: Vec<String>,
    },
    /// It had to be killed.
    #[error("a server did not end within {STOP_LIMIT:?} of SIGTERM and was killed")]
    Killed,
    /// It ended with an error.
    #[error("a server ended with {status}, its last words:\n{}", words.join("\n"))]
    Failed {
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its last lines.
        words: Vec<String>,
    },
}

/// A server process; dropping it kills the process.
#[derive(Debug)]
pub(crate) struct SpawnedServer {
    child: OwnedChild,
    url: String,
    last_words: JoinHandle<VecDeque<String>>,
}

impl ServerPlan {
    /// A free port of the loopback.
    pub(crate) const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
}

impl SpawnedServer {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// It cannot be started, ends early, or is not ready within 30 s.
    pub(crate) async fn start(plan: &ServerPlan) -> Result<Self, ServerError> {
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command
            .arg("--")
            .args(arguments(plan))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = OwnedChild::spawn(&mut command)?;
        let stderr = child
            .pipes()
            .stderr
            .take()
            .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let (found_url, url) = oneshot::channel();
        let last_words = tokio::spawn(listen(ChildStderr::from_std(stderr)?, found_url));
        let how = match timeout(START_LIMIT, url).await {
            Ok(Ok(url)) => {
                return Ok(Self { child, url, last_words });
            }
            Ok(Err(_)) => "ended",
            Err(_) => "was silent",
        };
        drop(child);
        Err(ServerError::NotReady { how, words: last_words.await.unwrap_or_default().into() })
    }

    /// Its base, as in `http://127.0.0.1:8080`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it where it stands, or lets it go on.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn set_paused(&self, is_paused: bool) -> Result<(), ServerError> {
        Ok(self.child.set_paused(is_paused)?)
    }

    /// Asks it to end with SIGTERM and waits until it has.
    ///
    /// # Errors
    /// It ended with an error, or not within 30 s: then it was killed.
    pub(crate) async fn stop(mut self) -> Result<(), ServerError> {
        self.child.ask_to_end()?;
        // Its end of the pipe closes when it ends.
        let Ok(words) = timeout(STOP_LIMIT, &mut self.last_words).await else {
            return Err(ServerError::Killed);
        };
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(ServerError::Failed { status, words: words.unwrap_or_default().into() })
    }
}

/// Reads all that the counter at `db` has kept, and gives whether that is sound, and what was said of it.
///
/// # Errors
/// It cannot be started, or cannot read it.
pub(crate) async fn verify(db: &OsStr) -> Result<(bool, String), ServerError> {
    let mut command = lifeline::own_command(SUBCOMMAND)?;
    command.args(["--", "verify", "--db"]).arg(db);
    // This thread waits in it, and so outlives it.
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.map_err(io::Error::other)??;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = String::from_utf8_lossy(&output.stderr);
    if said.is_empty() && !output.status.success() {
        let words = words.lines().map(str::to_owned).collect();
        return Err(ServerError::Failed { status: output.status, words });
    }
    said.push_str(&words);
    Ok((output.status.success(), said))
}

/// Removes the counter at `db`, in etcd or PostgreSQL, and all that was sold from it; none is no error.
///
/// # Errors
/// Why it may be there still.
pub(crate) async fn remove(db: &OsStr) -> Result<(), ServerError> {
    let db: server::db::Db = db
        .to_string_lossy()
        .parse()
        .map_err(|error| ServerError::Remove(io::Error::other(error)))?;
    // It has an event loop of its own, for which there is no room on this thread.
    let removed = tokio::task::spawn_blocking(move || {
        server::run::remove(&db).map_err(|error| io::Error::other(error.to_string()))
    });
    removed.await.map_err(io::Error::other)?.map_err(ServerError::Remove)
}

/// Runs a server in this process: what the hidden subcommand does.
///
/// # Errors
/// The process that started this one is gone.
pub(crate) fn serve(parent: u32, args: Vec<OsString>) -> Result<ExitCode, LifelineError> {
    lifeline::follow(parent)?;
    let program = OsString::from("server");
    Ok(server::cli::main(std::iter::once(program).chain(args)))
}

fn arguments(plan: &ServerPlan) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--db".into(), plan.db.clone()];
    let mut option = |name: &str, value: String| args.extend([name.into(), value.into()]);
    option("--init", plan.tickets.to_string());
    option("--listen", plan.listen.to_string());
    option("--locking", plan.locking.name().to_owned());
    option("--lock-timeout", duration::format(plan.lock_timeout));
    if plan.refunds_by_buyer {
        option("--refunds", "buyer".to_owned());
    }
    // The group commit has no steps between which it could wait.
    if plan.locking != Locking::Group {
        option("--check-delay", duration::format(plan.delays.check));
        option("--write-delay", duration::format(plan.delays.write));
    }
    args.extend(plan.flags.iter().cloned());
    args
}

/// Reads what a server says until it ends: hands on its address, keeps its last lines.
async fn listen(stderr: ChildStderr, found_url: oneshot::Sender<String>) -> VecDeque<String> {
    let mut found_url = Some(found_url);
    let mut last_words = VecDeque::new();
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(url) = line.strip_prefix(LISTENING)
            && let Some(found_url) = found_url.take()
        {
            // Nobody waits any more where the start has failed.
            let _ = found_url.send(url.trim().to_owned());
            continue;
        }
        if last_words.len() == LAST_WORDS {
            last_words.pop_front();
        }
        last_words.push_back(line);
    }
    last_words
}
