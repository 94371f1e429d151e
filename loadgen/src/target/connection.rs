//! One HTTP/1.1 connection, as cheap as it can be: a request is written as it stands, and the
//! answer is read into the same room again and again.
//!
//! No client library: `hyper` sets up a channel and two header maps for each request, which
//! costs more here than the system calls leave room for.

use std::net::SocketAddr;

use super::{
    failure::Failure,
    head::{self, BODY_MAX, Framing, Head},
    reply::Reply,
    stream::{Stream, Waiting},
};

/// The room for an answer at first, in bytes; it grows where that is too little.
const ROOM: usize = 4096;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    received: Vec<u8>,
    unchunked: Vec<u8>,
}

impl Connection {
    /// Connects to the first of `addresses` that answers.
    pub(super) async fn open(addresses: &[SocketAddr], waiting: Waiting) -> Result<Self, Failure> {
        let mut failure = Failure::Unreachable;
        for address in addresses {
            match Stream::connect(address, waiting).await {
                Ok(stream) => {
                    let received = Vec::with_capacity(ROOM);
                    return Ok(Self { stream, received, unchunked: Vec::new() });
                }
                Err(error) => failure = Failure::connecting(&error),
            }
        }
        Err(failure)
    }

    /// Whether it can still be used, as far as is known: an idle connection that the other side
    /// has closed, or has spoken on without being asked, cannot.
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_quiet()
    }

    /// Sends `request` and reads the answer, and says whether the connection takes another request;
    /// interim answers (1xx) are skipped.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<(Reply<'_>, bool), Failure> {
        let sent = self.stream.send(request).await;
        sent.map_err(|error| Failure::Send(error.kind()))?;
        self.received.clear();
        loop {
            let head = self.head().await?;
            if !matches!(head.status, 100..=199) {
                return self.body(head).await;
            }
            self.received.drain(..head.length);
        }
    }

    async fn head(&mut self) -> Result<Head, Failure> {
        loop {
            if !self.received.is_empty()
                && let Some(head) = head::parse(&self.received)?
            {
                return Ok(head);
            }
            if !self.read().await? {
                return Err(Failure::ClosedEarly);
            }
        }
    }

    async fn body(&mut self, head: Head) -> Result<(Reply<'_>, bool), Failure> {
        let mut is_open = true;
        let end = loop {
            let end = match head.framing {
                Framing::Length(length) => {
                    (self.received.len() >= head.length + length).then_some(head.length + length)
                }
                Framing::Chunked => {
                    let bytes = &self.received[head.length..];
                    head::unchunk(bytes, &mut self.unchunked)?.map(|length| head.length + length)
                }
                Framing::UntilClose => (!is_open).then_some(self.received.len()),
            };
            if let Some(end) = end {
                break end;
            }
            if !is_open {
                return Err(Failure::ClosedEarly);
            }
            if self.received.len() > head.length + 2 * BODY_MAX {
                return Err(Failure::TooLong(BODY_MAX));
            }
            is_open = self.read().await?;
        };
        let reply = Reply {
            status: head.status,
            head: &self.received[..head.length],
            body: match head.framing {
                Framing::Chunked => &self.unchunked,
                Framing::Length(_) | Framing::UntilClose => &self.received[head.length..end],
            },
        };
        // More than was asked for: whatever comes next would be the answer to nothing.
        Ok((reply, head.keeps_alive && self.received.len() == end))
    }

    /// Reads some more; false at the end.
    async fn read(&mut self) -> Result<bool, Failure> {
        if self.received.len() == self.received.capacity() {
            self.received.reserve(ROOM);
        }
        let read = self.stream.receive(&mut self.received).await;
        Ok(read.map_err(|error| Failure::reading(&error))? > 0)
    }
}
