//! What the system, or the person at the terminal, asks of the server: to end, or to read its certificate again.

use std::{
    io::{self, IsTerminal as _},
    process, thread,
};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::{
    config::TlsFiles,
    http::connections::tls::Tls,
    log,
    run::{TlsError, certificate::read_certificate},
};

/// Exit code: ended by a second signal, as a shell tells of `SIGINT`.
const EXIT_INTERRUPTED: i32 = 130;

/// Over once `SIGINT` or `SIGTERM` has come; the next one ends the process, whatever hangs.
///
/// A thread of its own hears them, so that nothing that the server waits for is in the way. What
/// was acknowledged is on the disk by then, as it is where a server is killed.
///
/// # Errors
/// Where the system has no room for the thread, or does not let it listen.
pub fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let (on_first, first) = oneshot::channel();
    let listen = async move {
        next(&mut interrupt, &mut terminate).await;
        tracing::info!("draining; a second signal ends it");
        // Nobody receives it where the server is ending already.
        let _ = on_first.send(());
        next(&mut interrupt, &mut terminate).await;
        tracing::warn!("told a second time: not waiting any longer");
        log::settle();
        process::exit(EXIT_INTERRUPTED);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(listen))?;
    Ok(async {
        // The thread ends with the process.
        let _ = first.await;
    })
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// `SIGHUP`, from where this is made on.
pub(super) struct Hangups(Signal);

impl Hangups {
    /// Listens for it, inside a runtime.
    ///
    /// # Errors
    /// Where the system does not let it listen.
    pub(super) fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Does what the signal asks for; over where that is the end.
    ///
    /// With `tls` the certificate is read again; one that cannot be used is refused, and the old one
    /// stays. Without, the signal says that the terminal is gone, which ends a server that was started
    /// from one; else nothing is there to be read again.
    pub(super) async fn heed(mut self, tls: Option<(&TlsFiles, &Tls)>) {
        let has_terminal = io::stderr().is_terminal();
        while self.0.recv().await.is_some() {
            match tls {
                Some((files, tls)) => match reload(files, tls) {
                    Ok(()) => tracing::info!("read the certificate again (SIGHUP)"),
                    Err(error) => {
                        tracing::error!(
                            "the old certificate stays, the new one is refused: {error}"
                        );
                    }
                },
                None if has_terminal => {
                    tracing::info!("draining: the terminal is gone (SIGHUP)");
                    return;
                }
                None => tracing::info!("nothing to read again (SIGHUP): there is no `--tls-cert`"),
            }
        }
    }
}

fn reload(files: &TlsFiles, tls: &Tls) -> Result<(), TlsError> {
    read_certificate(files).map(|config| tls.replace(config))
}
