//! One HTTP/2 connection (RFC 9113): one request at a time, as over HTTP/1.1, each on a stream of its own.
//!
//! `h2` knows the frames. Nothing of it runs by itself: the connection goes on while a request is under way,
//! and is looked at before the next one. The head of an answer is written out in lines as HTTP/1.1 has them, for
//! all who look for a field in it.
//!
//! # Invariants
//! - A request is a failure that `did_not_happen` where nothing of it was written, or where the server says that
//!   it did not process it (RFC 9113, 8.7) and has not begun to answer. Behind the first byte all else is
//!   unknown.

use std::{
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use h2::{
    Reason,
    client::{self, Builder, ResponseFuture, SendRequest},
};
use http::{Request, Uri, header::CONTENT_LENGTH, response, uri::Scheme};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    failure::Failure,
    head::{BODY_MAX, HEAD_MAX, is_http2, is_tls},
    reply::Reply,
    stream::connect,
    tls::Tls,
};
use crate::history::monotonic_ns;

/// How many bytes of an answer a server may send ahead: more than are read of any, so that nothing has to be let in
/// meanwhile. What a connection lets in is told anew at the end of each answer, by `h2`.
const WINDOW: u32 = 2 * 1024 * 1024;

/// The longest list of header fields, in bytes as HTTP/2 counts them: more than a head has that is read, so that
/// too long a one is told by that.
const FIELDS_MAX: u32 = 64 * 1024;

/// The head of a frame, in bytes (RFC 9113, 4.1).
const FRAME_HEAD: usize = 9;

/// Fields that are about a connection of HTTP/1.1: none is sent (RFC 9113, 8.2.2).
const OF_CONNECTIONS: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

/// An open connection.
#[derive(Debug)]
pub(in crate::shop) struct Http2 {
    sender: SendRequest<Bytes>,
    connection: client::Connection<Watched, Bytes>,
    traffic: Arc<Mutex<Traffic>>,
    scheme: Scheme,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Http2 {
    /// Connects to `address`, over `tls` where that is asked for, and waits until the server has said that it
    /// speaks HTTP/2.
    pub(super) async fn open(address: &SocketAddr, tls: Option<&Tls>) -> Result<Self, Failure> {
        let stream = connect(address).await?;
        let (stream, scheme): (Box<dyn Duplex>, _) = match tls {
            Some(tls) => (Box::new(tls.open(stream).await?), Scheme::HTTPS),
            None => (Box::new(stream), Scheme::HTTP),
        };
        let traffic = Arc::<Mutex<Traffic>>::default();
        let watched = Watched { stream, traffic: Arc::clone(&traffic) };
        let begun = Builder::new()
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_header_list_size(FIELDS_MAX)
            .handshake(watched)
            .await;
        let (sender, mut connection) = begun.map_err(|error| unopened(Some(&error)))?;
        poll_fn(|context| {
            let polled = Pin::new(&mut connection).poll(context);
            match (traffic.lock().begins_as_http2(), polled) {
                (Some(begun), _) => Poll::Ready(begun),
                (None, Poll::Ready(ended)) => Poll::Ready(Err(unopened(ended.err().as_ref()))),
                (None, Poll::Pending) => Poll::Pending,
            }
        })
        .await?;
        Ok(Self { sender, connection, traffic, scheme, head: Vec::new(), body: Vec::new() })
    }

    /// Whether it can still be used, as far as is known: one that the server has closed, or wants to close,
    /// cannot.
    pub(super) fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        // What has come meanwhile is read here.
        Pin::new(&mut self.connection).poll(&mut context).is_pending()
            && takes_more(&mut self.sender)
    }

    /// Sends `request`, which is written as HTTP/1.1 has it, reads the answer, and says whether the connection
    /// takes another request; interim answers (1xx) are skipped.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<(Reply<'_>, bool), Failure> {
        let Self { sender, connection, traffic, scheme, head, body } = self;
        let (request, content) = translated(request, scheme)?;
        traffic.lock().has_written = false;
        let is_whole = content.is_empty();
        let (response, mut rest) =
            sender.send_request(request, is_whole).map_err(|error| unsent(&error))?;
        if !is_whole {
            rest.send_data(content, true).map_err(|error| unsent(&error))?;
        }
        let received = carried(connection, receive(response, head, body)).await;
        let Traffic { has_written, read_ns, .. } = *traffic.lock();
        let status = received.map_err(|failure| {
            let is_known = has_written || failure.did_not_happen();
            if is_known { failure } else { Failure::Send(io::ErrorKind::BrokenPipe) }
        })?;
        let reply = Reply { status, received_ns: read_ns, head, body };
        Ok((reply, takes_more(sender)))
    }
}

/// What `answer` comes to, which `connection` has to bring.
async fn carried(
    connection: &mut client::Connection<Watched, Bytes>,
    answer: impl Future<Output = Result<u16, Failure>>,
) -> Result<u16, Failure> {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        // IMPORTANT: the connection first: it reads what the answer is made of, and how that ends.
        let ended = Pin::new(&mut *connection).poll(context);
        match (answer.as_mut().poll(context), ended) {
            (Poll::Ready(received), _) => Poll::Ready(received),
            (Poll::Pending, Poll::Ready(Ok(()))) => Poll::Ready(Err(Failure::ClosedEarly)),
            (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(cut(&error))),
            (Poll::Pending, Poll::Pending) => Poll::Pending,
        }
    })
    .await
}

/// Whether another request may be sent: no more where the server is about to close the connection.
fn takes_more(sender: &mut SendRequest<Bytes>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(sender.poll_ready(&mut context), Poll::Ready(Ok(())))
}

/// Reads an answer into `head` and `body`, and gives its status.
async fn receive(
    response: ResponseFuture,
    head: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Result<u16, Failure> {
    let response = response.await.map_err(|error| unanswered(&error))?;
    let (parts, mut content) = response.into_parts();
    write_head(&parts, head);
    if head.len() > HEAD_MAX {
        return Err(Failure::TooLong(HEAD_MAX));
    }
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > BODY_MAX)
    {
        return Err(Failure::TooLong(BODY_MAX));
    }
    body.clear();
    while let Some(piece) = content.data().await {
        let piece = piece.map_err(|error| cut(&error))?;
        if body.len() + piece.len() > BODY_MAX {
            return Err(Failure::TooLong(BODY_MAX));
        }
        body.extend_from_slice(&piece);
    }
    Ok(parts.status.as_u16())
}

fn write_head(parts: &response::Parts, head: &mut Vec<u8>) {
    head.clear();
    head.extend_from_slice(format!("HTTP/2 {}\r\n", parts.status.as_str()).as_bytes());
    for (name, value) in &parts.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
}

/// The request that is written in `bytes` as HTTP/1.1 has it, and its body.
fn translated(bytes: &[u8], scheme: &Scheme) -> Result<(Request<()>, Bytes), Failure> {
    const END: &[u8] = b"\r\n\r\n";
    let end = bytes.windows(END.len()).position(|bytes| bytes == END).unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]);
    let request =
        request_of(&head, scheme).map_err(|error| Failure::Unsendable(error.to_string()))?;
    let content = bytes.get(end + END.len()..).unwrap_or_default();
    Ok((request, Bytes::copy_from_slice(content)))
}

fn request_of(head: &str, scheme: &Scheme) -> Result<Request<()>, http::Error> {
    let mut lines = head.split("\r\n");
    let mut call = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (call.next().unwrap_or_default(), call.next().unwrap_or_default());
    let mut request = Request::builder().method(method).version(http::Version::HTTP_2);
    let mut authority = "";
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case("host") {
            authority = value;
        } else if !OF_CONNECTIONS.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            request = request.header(name, value);
        }
    }
    let uri = Uri::builder().scheme(scheme.clone()).authority(authority).path_and_query(path);
    request.uri(uri.build()?).body(())
}

/// What it means that a connection ended before the server has said that it speaks HTTP/2.
fn unopened(error: Option<&h2::Error>) -> Failure {
    match error.and_then(h2::Error::get_io) {
        Some(error) if error.kind() == io::ErrorKind::InvalidData => {
            Failure::Handshake(error.to_string())
        }
        _ => Failure::NoHttp2("it closes the connection"),
    }
}

/// What it means that a request was not taken.
fn unsent(error: &h2::Error) -> Failure {
    match error.get_io() {
        Some(error) => Failure::Send(error.kind()),
        None if error.is_remote() && error.is_go_away() => GOING_AWAY,
        None => Failure::Unsendable(error.to_string()),
    }
}

const GOING_AWAY: Failure = Failure::NotProcessed("it is about to close the connection (GOAWAY)");

/// What it means that there is not even the head of an answer.
fn unanswered(error: &h2::Error) -> Failure {
    if error.is_remote() && error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM) {
        return Failure::NotProcessed("it refused the stream (REFUSED_STREAM)");
    }
    // What such a frame says it has processed goes on, and ends otherwise.
    if error.is_remote() && error.is_go_away() {
        return GOING_AWAY;
    }
    cut(error)
}

/// What it means that an answer is not whole.
fn cut(error: &h2::Error) -> Failure {
    if let Some(error) = error.get_io() {
        return match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedEarly,
            // It has lost its cause on the way, but not the words for it.
            io::ErrorKind::InvalidData => Failure::BrokenTls(error.to_string()),
            _ => Failure::reading(error),
        };
    }
    match error.reason() {
        Some(reason) if error.is_remote() => Failure::BrokenOff(format!("{reason:?}")),
        _ => Failure::BrokenHttp2(error.to_string()),
    }
}

/// A stream of bytes in both directions.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug> Duplex for T {}

/// A stream whose traffic is known to others.
#[derive(Debug)]
struct Watched {
    stream: Box<dyn Duplex>,
    traffic: Arc<Mutex<Traffic>>,
}

/// What has gone over a stream.
#[derive(Debug, Default)]
struct Traffic {
    /// The first that the server has said.
    first: Vec<u8>,
    /// When something was read the last time, in nanoseconds of the run's clock.
    read_ns: u64,
    /// Whether anything was written since somebody has asked.
    has_written: bool,
}

impl Traffic {
    /// Whether the server begins as HTTP/2 wants it; `None` while that cannot be told.
    fn begins_as_http2(&self) -> Option<Result<(), Failure>> {
        let otherwise = match &self.first[..] {
            first if is_http2(first) => return Some(Ok(())),
            first if first.starts_with(b"HTTP/") => "it answers in HTTP/1.1",
            first if is_tls(first) => "it speaks TLS, which `https://` asks for",
            first if first.len() < FRAME_HEAD => return None,
            _ => "it answers in something else",
        };
        Some(Err(Failure::NoHttp2(otherwise)))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = room.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, room);
        let came = &room.filled()[before..];
        if !came.is_empty() {
            let mut traffic = self.traffic.lock();
            traffic.read_ns = monotonic_ns();
            let missing = FRAME_HEAD - traffic.first.len();
            traffic.first.extend(came.iter().take(missing));
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.traffic.lock().has_written = true;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_its_host_as_authority_and_no_field_of_its_connection() {
        let text = "PUT /a?b=%20 HTTP/1.1\r\nHost: shop.example:8443\r\nConnection: close\r\nTE: gzip\r\n\
                    keep-alive: 5\r\nProxy-Connection: x\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\n\
                    X-Id: a: b\r\nContent-Length: 2\r\n\r\n{}";
        let (request, content) = translated(text.as_bytes(), &Scheme::HTTPS).unwrap();
        assert_eq!(request.uri(), "https://shop.example:8443/a?b=%20");
        assert_eq!((request.method().as_str(), &content[..]), ("PUT", &b"{}"[..]));
        let fields = request.headers().iter();
        let fields: Vec<_> =
            fields.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(fields, [("x-id", &b"a: b"[..]), ("content-length", b"2")]);
        let failure = translated(b"GET /<a> HTTP/1.1\r\nHost: h\r\n\r\n", &Scheme::HTTP);
        assert!(failure.unwrap_err().to_string().contains("cannot be sent over HTTP/2"));
    }
}
