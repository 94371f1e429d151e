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
    tls::Tls,
};

/// The room for an answer at first, in bytes; it grows where that is too little.
const ROOM: usize = 4096;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    received: Vec<u8>,
    unchunked: Vec<u8>,
    last_head: Vec<u8>,
    /// What that one says.
    last: Option<Head>,
}

impl Connection {
    /// Connects to the first of `addresses` that answers, over `tls` where that is asked for.
    pub(super) async fn open(
        addresses: &[SocketAddr],
        waiting: Waiting,
        tls: Option<&Tls>,
    ) -> Result<Self, Failure> {
        let mut failure = Failure::Unreachable;
        for address in addresses {
            match Stream::connect(address, waiting, tls).await {
                Ok(stream) => {
                    let received = Vec::with_capacity(ROOM);
                    let (unchunked, last_head) = (Vec::new(), Vec::new());
                    return Ok(Self { stream, received, unchunked, last_head, last: None });
                }
                Err(refused) => failure = refused,
            }
        }
        Err(failure)
    }

    /// Whether it can still be used at `now_ns`, as far as is known: an idle connection that the other
    /// side has closed, or has spoken on without being asked, cannot.
    pub(super) fn is_open(&mut self, now_ns: u64) -> bool {
        self.stream.is_quiet(now_ns)
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
                && let Some(head) = self.parse()?
            {
                return Ok(head);
            }
            if !self.read().await? {
                return Err(Failure::ClosedEarly);
            }
        }
    }

    /// Reads the head; most often it is the one of the answer before, byte for byte.
    fn parse(&mut self) -> Result<Option<Head>, Failure> {
        if self.last.is_some() && self.received.starts_with(&self.last_head) {
            return Ok(self.last);
        }
        let head = head::parse(&self.received)?;
        if let Some(head) = head {
            self.last_head.clear();
            self.last_head.extend_from_slice(&self.received[..head.length]);
            self.last = Some(head);
        }
        Ok(head)
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
            received_ns: self.stream.read_ns(),
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

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
        time::Duration,
    };

    use super::*;

    /// So long that the system hardly puts two pieces together.
    const APART: Duration = Duration::from_millis(5);

    /// What each request is answered with, in pieces that are sent apart.
    const ANSWERS: [&[&str]; 7] = [
        &["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "c"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ndd"],
        &["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 2\r\n\r\nee"],
        &["HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nff"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: y\r\n\r\ngg"],
    ];

    #[tokio::test]
    async fn an_answer_is_read_by_its_own_head_and_not_by_the_one_before() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.set_nodelay(true).unwrap();
            for pieces in ANSWERS {
                stream.read_exact(&mut [0]).unwrap();
                for piece in pieces {
                    stream.write_all(piece.as_bytes()).unwrap();
                    thread::sleep(APART);
                }
            }
        });
        let mut connection = Connection::open(&[address], Waiting::Shared, None).await.unwrap();
        for (pieces, expected) in ANSWERS.iter().zip(["a", "b", "c", "dd", "ee", "ff", "gg"]) {
            let (reply, keeps_alive) = connection.exchange(b"?").await.unwrap();
            let whole = pieces.concat();
            assert_eq!([reply.head, reply.body].concat(), whole.as_bytes());
            assert_eq!(reply.body, expected.as_bytes());
            assert_eq!(reply.status, if whole.contains("409") { 409 } else { 200 });
            assert!(keeps_alive);
        }
        server.join().unwrap();
    }
}
