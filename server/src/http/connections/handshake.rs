//! The handshake of a connection over TLS: on the event loop, in time, and not for ever.

use std::{io, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::http::connections::{activity::Activity, drain::Wish, linger::Lingering};

/// How long a handshake may take from the first byte to the last.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first byte of a TLS record with a handshake in it (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// A connection whose client has said what it speaks.
pub enum Greeted {
    /// TLS.
    Tls(Box<TlsStream<TokioIo<Lingering>>>),
    /// Anything else, such as HTTP in the clear.
    Plain(Lingering),
}

/// Greets the client of `stream`; gives nothing where it is gone or too slow, or the server ends.
pub async fn greet(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    mut wishes: watch::Receiver<Wish>,
    activity: &Arc<Activity>,
) -> Option<Greeted> {
    let heard = wishes.clone();
    tokio::select! {
        greeted = timeout(HANDSHAKE_TIMEOUT, shake(stream, acceptor, heard, activity)) => match greeted {
            Ok(Ok(greeted)) => {
                activity.settle();
                Some(greeted)
            }
            Ok(Err(error)) => {
                tracing::debug!("a handshake failed: {error}");
                None
            }
            Err(_) => None,
        },
        _ = wishes.wait_for(|wish| *wish == Wish::End) => None,
    }
}

async fn shake(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    wishes: watch::Receiver<Wish>,
    activity: &Arc<Activity>,
) -> io::Result<Greeted> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let stream = Lingering::new(stream, wishes, Arc::clone(activity));
    if first != [HANDSHAKE_RECORD] {
        return Ok(Greeted::Plain(stream));
    }
    let opened = acceptor.accept(TokioIo::new(stream)).await?;
    Ok(Greeted::Tls(Box::new(opened)))
}
