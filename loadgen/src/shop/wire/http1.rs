//! One HTTP/1.1 connection, as cheap as it can be: a request is written as it stands, and the
//! answer is read into the same room again and again.
//!
//! No client library: `hyper` sets up a channel and two header maps for each request, which
//! costs more here than the system calls leave room for. A head that is the one before, byte for byte,
//! is not parsed again.

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
pub(in crate::shop) struct Http1 {
    stream: Stream,
    received: Vec<u8>,
    unchunked: Vec<u8>,
    last_head: Option<KnownHead>,
}

/// A head that was parsed.
#[derive(Debug)]
struct KnownHead {
    bytes: Vec<u8>,
    head: Head,
}

impl Http1 {
    /// Connects to `address`, over `tls` where that is asked for.
    pub(super) async fn open(
        address: &SocketAddr,
        waiting: Waiting,
        tls: Option<&Tls>,
    ) -> Result<Self, Failure> {
        let stream = Stream::connect(address, waiting, tls).await?;
        let received = Vec::with_capacity(ROOM);
        Ok(Self { stream, received, unchunked: Vec::new(), last_head: None })
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
        if let Some(KnownHead { bytes, head }) = &self.last_head
            && self.received.starts_with(bytes)
        {
            return Ok(Some(*head));
        }
        let head = head::parse(&mut self.received)?;
        if let Some(head) = head {
            let mut bytes = self.last_head.take().map(|last| last.bytes).unwrap_or_default();
            bytes.clear();
            bytes.extend_from_slice(&self.received[..head.length]);
            self.last_head = Some(KnownHead { bytes, head });
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
    use crate::history::monotonic_ns;

    /// So long that the system hardly puts two pieces together.
    const APART: Duration = Duration::from_millis(5);

    /// What each request is answered with, in pieces that are sent apart; the status and the body that
    /// this means.
    const ANSWERS: [(&[&str], u16, &str); 14] = [
        (&["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"], 200, "a"),
        (&["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"], 200, "b"),
        (&["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "c"], 200, "c"),
        (&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ndd"], 200, "dd"),
        (&["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 2\r\n\r\nee"], 200, "ee"),
        (&["HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nff"], 409, "ff"),
        (&[INTERIM, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ngg"], 200, "gg"),
        (&[INTERIM, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhh"], 200, "hh"),
        (&["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nii\r\n0\r\n\r\n"], 200, "ii"),
        (&["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nj\r\n0\r\n\r\n"], 200, "j"),
        (&["HTTP/1.1 200 OK\r\nx: a\r\n b\r\nContent-Length: 2\r\n\r\n\n "], 200, "\n "),
        (&["HTTP/1.1 200 OK\r\nx: a\r\n b\r\nContent-Length: 2\r\n\r\n\n\t"], 200, "\n\t"),
        (&["HTTP/1.1 204 No Content\r\n\r\n"], 204, ""),
        (&["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nk"], 200, "k"),
    ];

    const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";

    #[tokio::test]
    async fn an_answer_is_read_by_its_own_head_and_dated_by_its_last_byte() {
        for waiting in [Waiting::Shared, Waiting::Alone(APART)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = thread::spawn(move || {
                let mut stream = listener.accept().unwrap().0;
                stream.set_nodelay(true).unwrap();
                ANSWERS.map(|(pieces, ..)| {
                    stream.read_exact(&mut [0]).unwrap();
                    let mut last_ns = 0;
                    for piece in pieces {
                        last_ns = monotonic_ns();
                        stream.write_all(piece.as_bytes()).unwrap();
                        thread::sleep(APART);
                    }
                    last_ns
                })
            });
            let mut connection = Http1::open(&address, waiting, None).await.unwrap();
            let mut received_ns = Vec::new();
            for (pieces, status, body) in ANSWERS {
                let (reply, keeps_alive) = connection.exchange(b"?").await.unwrap();
                assert_eq!((reply.status, reply.body), (status, body.as_bytes()));
                assert_eq!(keeps_alive, !pieces[0].contains("close"), "{pieces:?}");
                assert!(reply.received_ns <= monotonic_ns());
                received_ns.push(reply.received_ns);
            }
            let sent_ns = server.join().unwrap();
            assert!(sent_ns.iter().zip(&received_ns).all(|(sent, received)| sent <= received));
        }
    }
}
