//! A shop that is open: its folder, its port, and the second process where it has one.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};

use axum::serve::ListenerExt;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpSocket},
    process::ChildStdout,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use super::{
    exhibit::{Exhibit, Opening},
    gallery::named,
    http::routes,
};
use crate::{
    exit_code,
    lifeline::{self, LifelineError, OwnedChild},
};

/// The hidden subcommand that [`serve_beside`] carries out.
const SUBCOMMAND: &str = "shop-process";

/// What the second process says once it is ready.
const READY: &str = "ready";

/// How long the second process may take to begin, and calls that are under way to end.
const START_LIMIT: Duration = Duration::from_secs(30);
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// How many connections may wait to be taken.
const BACKLOG: u32 = 1024;

/// Why a shop cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// Somebody else has the port, or nobody may have it.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Its folder or a file in it.
    #[error("cannot open the shop: {0}")]
    Open(io::Error),
    /// The second process.
    #[error("cannot start the shop's second process: {0}")]
    Second(io::Error),
}

/// A shop that is open; dropping it ends its second process.
pub(super) struct Service {
    address: SocketAddr,
    close: oneshot::Sender<()>,
    served: JoinHandle<()>,
    _second: Option<OwnedChild>,
    // IMPORTANT: below the process, which must be gone before its folder goes.
    folder: TempDir,
}

impl Service {
    /// Opens `exhibit`, or its twin, with so many tickets.
    ///
    /// # Errors
    /// It cannot listen at `listen`, or has no folder, or no second process.
    pub(super) async fn open(
        exhibit: &Exhibit,
        is_mended: bool,
        tickets: i64,
        listen: SocketAddr,
    ) -> Result<Self, ServiceError> {
        let folder = tempfile::Builder::new().prefix("loadgen-shop-").tempdir();
        let folder = folder.map_err(ServiceError::Open)?;
        let opening = Opening { tickets, is_mended, folder: folder.path().to_owned() };
        let shop = (exhibit.open)(&opening).map_err(ServiceError::Open)?;
        let failed = |source| ServiceError::Listen { address: listen, source };
        // IMPORTANT: a shop of two processes shares its address, and would share it with any other such shop too.
        let may_be_shared = listen.port() != 0 && exhibit.processes > 1;
        may_be_shared.then(|| std::net::TcpListener::bind(listen)).transpose().map_err(failed)?;
        let listener = self::listen(exhibit, listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let second = match exhibit.processes {
            2.. => Some(second(exhibit, &opening, address).await.map_err(ServiceError::Second)?),
            _ => None,
        };
        let (close, closing) = oneshot::channel();
        let router = routes(Arc::from(shop));
        let served = tokio::spawn(async move {
            let serving = axum::serve(listener.tap_io(at_once), router);
            let closing = async { drop(closing.await) };
            // What it cannot take is a connection, and whoever made it hears so.
            let _ = serving.with_graceful_shutdown(closing).await;
        });
        Ok(Self { address, close, served, _second: second, folder })
    }

    /// Where it is, as in `http://127.0.0.1:8080`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes it, and waits a while for calls that are under way; says what stays behind.
    ///
    /// # Errors
    /// Its folder cannot be removed.
    pub(super) async fn close(self) -> io::Result<()> {
        drop(self.close);
        // A call that takes longer loses its answer.
        let _ = timeout(CLOSE_LIMIT, self.served).await;
        drop(self._second);
        self.folder.close()
    }
}

/// Sends each answer as soon as it is there.
fn at_once(connection: &mut tokio::net::TcpStream) {
    // Without it, answers only come later.
    let _ = connection.set_nodelay(true);
}

/// A socket that the processes of `exhibit` share, where there are several: the kernel deals the connections
/// out between them.
fn listen(exhibit: &Exhibit, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(exhibit.processes > 1)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn second(
    exhibit: &Exhibit,
    opening: &Opening,
    address: SocketAddr,
) -> io::Result<OwnedChild> {
    let mut command = lifeline::own_command(SUBCOMMAND)?;
    command
        .args(["--name", exhibit.name, "--listen", &address.to_string()])
        .args(["--tickets", &opening.tickets.to_string()])
        .arg("--folder")
        .arg(&opening.folder)
        .args(opening.is_mended.then_some("--mended"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = OwnedChild::spawn(&mut command)?;
    let stdout = child.pipes().stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut said = BufReader::new(ChildStdout::from_std(stdout)?).lines();
    let said = timeout(START_LIMIT, said.next_line()).await??;
    match said.as_deref() {
        Some(READY) => Ok(child),
        _ => Err(io::Error::other("it ended before it was ready")),
    }
}

/// What the second process of a shop is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct SecondArgs {
    #[arg(long)]
    parent: u32,
    #[arg(long)]
    name: String,
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    tickets: i64,
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    mended: bool,
}

/// Why the second process does not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecondError {
    /// The process that started it is gone.
    #[error(transparent)]
    Parent(#[from] LifelineError),
    /// There is no such shop, or no socket, or no file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves a shop beside another process, in that one's folder and on its port, until it is killed.
///
/// # Errors
/// It cannot begin.
pub(crate) fn serve_beside(args: &SecondArgs) -> Result<ExitCode, SecondError> {
    lifeline::follow(args.parent)?;
    let exhibit = named(&args.name).ok_or(io::Error::from(io::ErrorKind::NotFound))?;
    let folder: &Path = &args.folder;
    let opening =
        Opening { tickets: args.tickets, is_mended: args.mended, folder: folder.to_owned() };
    let shop = (exhibit.open)(&opening)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = listen(exhibit, args.listen)?;
        println!("{READY}");
        axum::serve(listener.tap_io(at_once), routes(Arc::from(shop))).await
    })?;
    Ok(ExitCode::from(exit_code::VALID))
}
