//! Requests byte by byte, for what no HTTP client would send, and for the moment of sending.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{http::Answer, wait::PATIENCE};

/// A request that was sent, its answer not read yet.
pub struct RawRequest {
    stream: TcpStream,
}

impl RawRequest {
    /// Sends `request` to `address` as it stands.
    ///
    /// Ask for `Connection: close` in it, or the wait for the answer is the server's keep-alive.
    ///
    /// # Panics
    /// When nobody listens.
    #[track_caller]
    pub fn send(address: &str, request: impl AsRef<[u8]>) -> RawRequest {
        let mut stream = TcpStream::connect(address).expect("the server accepts connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout can be set");
        stream.write_all(request.as_ref()).expect("the request can be sent");
        RawRequest { stream }
    }

    /// Sends `request` to `address`, as much as is taken of it, ends the sending half, and reads the answer;
    /// `None` where the connection was closed without one.
    ///
    /// # Panics
    /// When nobody listens, or what comes is no HTTP/1.
    #[track_caller]
    pub fn exchange(address: &str, request: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(address).expect("the server accepts connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout can be set");
        // Who refuses a request early may close ahead of its end.
        let _ = stream.write_all(request).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut received = Vec::new();
        let read = stream.read_to_end(&mut received);
        let answer = parse(&received);
        let text = String::from_utf8_lossy(&received);
        assert!(answer.is_some() || text.is_empty(), "no HTTP answer ({read:?}) but `{text}`");
        answer
    }

    /// Sends `POST /buy` without a body to `address`.
    ///
    /// # Panics
    /// When nobody listens.
    #[track_caller]
    pub fn buy(address: &str) -> RawRequest {
        let head = format!("POST /buy HTTP/1.1\r\nHost: {address}\r\n");
        RawRequest::send(address, head + "Content-Length: 0\r\nConnection: close\r\n\r\n")
    }

    /// Sends more, once the answer has begun to arrive.
    ///
    /// # Errors
    /// When the server takes no more, as one does that has closed the connection.
    pub fn send_more(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.peek(&mut [0])?;
        self.stream.write_all(bytes)
    }

    /// Says that nothing more will be sent, and goes on reading: a half-close, as `nc -N` does it.
    ///
    /// # Panics
    /// When the connection is gone.
    #[must_use]
    #[track_caller]
    pub fn half_closed(self) -> RawRequest {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
        self
    }

    /// Waits until `expected` was received.
    ///
    /// # Panics
    /// When the server closes first, or something else comes within two minutes.
    #[track_caller]
    pub fn wait_for(&mut self, expected: &str) {
        let mut received = Vec::new();
        while !received.ends_with(expected.as_bytes()) {
            let mut byte = [0];
            let read = self.stream.read(&mut byte);
            let text = String::from_utf8_lossy(&received);
            assert!(matches!(read, Ok(1)), "no `{expected}` ({read:?}) but `{text}`");
            received.extend(byte);
        }
    }

    /// Waits until the server ends the connection, whatever it sends before.
    ///
    /// # Panics
    /// When it does not within two minutes of silence.
    #[track_caller]
    pub fn wait_for_the_end(mut self) {
        let read = io::copy(&mut self.stream, &mut io::sink());
        let is_late = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        assert!(!read.as_ref().is_err_and(is_late), "the connection goes on");
    }

    /// Reads the answer, until the server closes.
    ///
    /// # Panics
    /// When there is none within two minutes, or it is no HTTP/1.
    #[track_caller]
    pub fn answer(mut self) -> Answer {
        let mut received = Vec::new();
        // A server that ends in the middle resets the connection, maybe after its answer.
        let read = self.stream.read_to_end(&mut received);
        parse(&received).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(&received);
            panic!("no HTTP answer ({read:?}) but `{text}`")
        })
    }
}

/// The answer in what was `received`, where it is one.
pub(crate) fn parse(received: &[u8]) -> Option<Answer> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?;
    let (version, status) = line.split_once(' ')?;
    let status =
        status.get(..3).filter(|_| ["HTTP/1.0", "HTTP/1.1", "HTTP/2"].contains(&version))?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            HeaderValue::from_str(value.trim()).ok()?,
        );
    }
    let body = received[end + 4..].to_vec();
    Some(Answer { status: status.parse().ok()?, headers, body })
}
