//! One connection, from where it is dealt out to its end.

use std::{convert::Infallible, future::ready, net::IpAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::http::{
    connections::{
        activity::{Activity, Ticks},
        drain::{self, Drain},
        handshake::{Greeted, greet},
        linger::Lingering,
        open_connections::OpenConnections,
        tls::Tls,
    },
    service::Service,
};

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What the connections of one event loop share.
pub struct Place {
    /// What answers.
    pub service: Arc<Service>,
    /// What time it is.
    pub ticks: Ticks,
    /// What the connections are told.
    pub drain: Drain,
    /// Which there are.
    pub open: OpenConnections,
    /// How long an idle one is kept.
    pub keep_alive: Duration,
    /// How they are opened; `None` in the clear.
    pub tls: Option<Tls>,
}

/// Serves a client until it has what it wants; `place_taken` goes with the connection.
pub fn serve<T: Send + 'static>(
    stream: std::net::TcpStream,
    peer: IpAddr,
    place: &Place,
    place_taken: T,
) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!("lost a connection: {error}"),
    };
    let activity = Arc::new(Activity::new(&place.ticks));
    let listing = place.open.list(Arc::clone(&activity), peer);
    let (number, place_taken) = (listing.number(), (place_taken, listing));
    let service = Arc::clone(&place.service);
    let (wishes, keep_alive) = (place.drain.wishes(), place.keep_alive);
    let Some(tls) = &place.tls else {
        let stream = Lingering::new(stream, wishes.clone(), Arc::clone(&activity));
        let seen = Arc::clone(&activity);
        let answering = Arc::clone(&service);
        let answers = service_fn(move |request| answering.call(request, peer, &seen));
        // A client that has said all may end its side, and still waits for the answer.
        let connection = speak(keep_alive).half_close(true).serve_connection(stream, answers);
        let connection = drain::watch(wishes, connection);
        let task = tokio::spawn(async move {
            let _place_taken = place_taken;
            note(connection.await, &service, peer);
        });
        return place.open.serve_by(number, task.abort_handle());
    };
    let acceptor = tls.acceptor();
    let task = tokio::spawn(async move {
        let _place_taken = place_taken;
        let ended = match greet(stream, acceptor, wishes.clone(), &activity).await {
            // Whoever ends its side of TLS has left: browsers and tools do so when they hang up.
            Some(Greeted::Tls(stream)) => {
                let seen = Arc::clone(&activity);
                let answering = Arc::clone(&service);
                let answers = service_fn(move |request| answering.call(request, peer, &seen));
                let connection = speak(keep_alive).serve_connection(TokioIo::new(stream), answers);
                drain::watch(wishes, connection).await
            }
            Some(Greeted::Plain(stream)) => {
                let refusing = Arc::clone(&service);
                let answers = service_fn(move |request| {
                    ready(Ok::<_, Infallible>(refusing.refuse_plain(&request, peer)))
                });
                let mut speak = speak(keep_alive);
                let connection = speak.keep_alive(false).serve_connection(stream, answers);
                drain::watch(wishes, connection).await
            }
            None => Ok(()),
        };
        note(ended, &service, peer);
    });
    place.open.serve_by(number, task.abort_handle());
}

/// How HTTP is spoken.
fn speak(keep_alive: Duration) -> http1::Builder {
    let mut speak = http1::Builder::new();
    speak
        .timer(TokioTimer::new())
        .header_read_timeout(keep_alive)
        .max_buf_size(HEAD_BYTES_MAX)
        // A short answer is cheaper to copy behind its head than to hand over in two pieces.
        .writev(false);
    speak
}

fn note(ended: hyper::Result<()>, service: &Service, peer: IpAddr) {
    match ended {
        Err(error) if error.is_parse() => service.note_unreadable(&error, peer),
        Err(error) => tracing::debug!("a connection ended early: {error}"),
        Ok(()) => {}
    }
}
