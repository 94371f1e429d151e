//! One HTTP/2 connection against servers that say frame by frame what they say.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{failure::Failure, head::BODY_MAX, http2::Http2};
use crate::history::monotonic_ns;

/// The head of a frame, in bytes (RFC 9113, 4.1).
const FRAME_HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const NO_ERROR: u8 = 0;
const INTERNAL_ERROR: u8 = 2;
const REFUSED_STREAM: u8 = 7;
const CANCEL: u8 = 8;

/// `:status: 200` and `:status: 404`, as HPACK has them (RFC 7541, appendix A).
const FOUND: u8 = 0x88;
const NOT_FOUND: u8 = 0x8d;

const REQUEST: &[u8] = b"POST /buy HTTP/1.1\r\nHost: h:1\r\nContent-Length: 2\r\n\r\n{}";

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

fn reset(stream: u8, reason: u8) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &[0, 0, 0, reason])
}

fn go_away(last_stream: u8, reason: u8) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[0, 0, 0, last_stream, 0, 0, 0, reason])
}

/// A field that is in no table.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// A server that answers the requests of one connection with these bytes, one after the other, and then
/// closes it, at once or when the other side does.
fn serve(answers: Vec<Vec<u8>>, is_closing: bool) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).unwrap();
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        for answer in answers {
            read_request(&mut stream);
            // Whoever has read enough of it closes the connection.
            let _ = stream.write_all(&answer);
        }
        if !is_closing {
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    (address, server)
}

fn read_request(stream: &mut TcpStream) {
    loop {
        let mut head = [0; FRAME_HEAD];
        stream.read_exact(&mut head).unwrap();
        let [high, middle, low, kind, flags, ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        stream.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).unwrap();
        match kind {
            SETTINGS if flags != ACK => {
                stream.write_all(&frame(SETTINGS, ACK, 0, &[])).unwrap();
            }
            HEADERS | DATA if flags & END_STREAM != 0 => return,
            _ => {}
        }
    }
}

#[tokio::test]
async fn answers_are_read_frame_by_frame_until_the_server_closes() {
    let fields = [vec![FOUND], field("set-cookie", "a=1"), field("set-cookie", "b=2")].concat();
    let first = [
        frame(HEADERS, END_HEADERS, 1, &[&[8, 3][..], b"103"].concat()),
        frame(HEADERS, END_HEADERS, 1, &fields),
        frame(PING, 0, 0, &[0; 8]),
        frame(DATA, 0, 1, b"one "),
        frame(DATA, END_STREAM, 1, b"two"),
    ];
    let second = frame(HEADERS, END_HEADERS | END_STREAM, 3, &[NOT_FOUND]);
    let (address, server) = serve(vec![first.concat(), second], true);
    let mut connection = Http2::open(&address, None).await.unwrap();

    let begun_ns = monotonic_ns();
    let (reply, takes_more) = connection.exchange(REQUEST).await.unwrap();
    assert_eq!((reply.status, reply.body, takes_more), (200, &b"one two"[..], true));
    assert_eq!(reply.head, b"HTTP/2 200\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n");
    assert!((begun_ns..=monotonic_ns()).contains(&reply.received_ns));
    let get = b"GET /none HTTP/1.1\r\nHost: h:1\r\n\r\n";
    let (reply, _) = connection.exchange(get).await.unwrap();
    assert_eq!((reply.status, reply.body), (404, &b""[..]));

    server.join().unwrap();
    while connection.is_open() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let failure = connection.exchange(REQUEST).await.unwrap_err();
    assert!(matches!(failure, Failure::Send(_)) && failure.did_not_happen(), "{failure}");
}

#[tokio::test]
async fn what_the_server_did_not_process_did_not_happen_and_all_else_is_unknown() {
    let head = frame(HEADERS, END_HEADERS, 1, &[FOUND]);
    let long = [vec![FOUND], field("content-length", "1073741824")].concat();
    let piece = frame(DATA, 0, 1, &[b'x'; 16 * 1024]);
    let going_away = Failure::NotProcessed("it is about to close the connection (GOAWAY)");
    let refused = Failure::NotProcessed("it refused the stream (REFUSED_STREAM)");
    let broken_off = |reason: &str| Failure::BrokenOff(reason.to_owned());
    for (answer, is_closing, expected) in [
        (go_away(0, NO_ERROR), false, going_away),
        (go_away(1, NO_ERROR), true, Failure::ClosedEarly),
        (reset(1, REFUSED_STREAM), false, refused),
        (reset(1, INTERNAL_ERROR), false, broken_off("INTERNAL_ERROR")),
        ([head.clone(), reset(1, REFUSED_STREAM)].concat(), false, broken_off("REFUSED_STREAM")),
        ([head.clone(), go_away(0, INTERNAL_ERROR)].concat(), false, broken_off("INTERNAL_ERROR")),
        ([head.clone(), piece.repeat(65)].concat(), false, Failure::TooLong(BODY_MAX)),
        (frame(HEADERS, END_HEADERS, 1, &long), false, Failure::TooLong(BODY_MAX)),
        ([head.clone(), frame(DATA, 0, 1, b"x")].concat(), true, Failure::ClosedEarly),
        (Vec::new(), true, Failure::ClosedEarly),
    ] {
        let (address, server) = serve(vec![answer], is_closing);
        let mut connection = Http2::open(&address, None).await.unwrap();
        let failure = connection.exchange(REQUEST).await.unwrap_err();
        let did_not_happen = matches!(expected, Failure::NotProcessed(_));
        assert_eq!(failure.did_not_happen(), did_not_happen, "{failure}");
        assert_eq!(failure, expected);
        drop(connection);
        server.join().unwrap();
    }
}

#[tokio::test]
async fn answer_that_is_no_http2_or_has_too_long_a_head_is_told_so() {
    const CONTINUATION: u8 = 9;
    let fields = field("x", &"y".repeat(120)).repeat(100);
    let begun = frame(HEADERS, END_STREAM, 1, &[vec![FOUND], fields.clone()].concat());
    let further = |flags| frame(CONTINUATION, flags, 1, &fields);
    for (answer, named) in [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(), "is no HTTP/2"),
        (frame(HEADERS, END_HEADERS, 1, &[0xff; 9]), "is no HTTP/2"),
        ([begun.clone(), further(END_HEADERS)].concat(), "is longer than 16384 bytes"),
        ([begun, further(0).repeat(4), further(END_HEADERS)].concat(), "is no HTTP/2"),
    ] {
        let (address, server) = serve(vec![answer], false);
        let mut connection = Http2::open(&address, None).await.unwrap();
        let failure = connection.exchange(REQUEST).await.unwrap_err();
        assert!(failure.to_string().contains(named) && !failure.did_not_happen(), "{failure}");
        drop(connection);
        server.join().unwrap();
    }
}

#[tokio::test]
async fn server_that_is_about_to_close_still_answers_and_is_asked_no_more() {
    let answer = frame(HEADERS, END_HEADERS | END_STREAM, 1, &[FOUND]);
    let (address, server) = serve(vec![[go_away(1, NO_ERROR), answer].concat()], false);
    let mut connection = Http2::open(&address, None).await.unwrap();
    let (reply, takes_more) = connection.exchange(REQUEST).await.unwrap();
    assert_eq!((reply.status, takes_more), (200, false));
    assert!(!connection.is_open());
    drop(connection);
    server.join().unwrap();
}

#[tokio::test]
async fn request_that_finds_the_connection_closed_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (close, is_to_close) = mpsc::channel();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.read_exact(&mut [0; 24]).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        read_request(&mut stream);
        let answer = frame(HEADERS, END_HEADERS | END_STREAM, 1, &[FOUND]);
        stream.write_all(&answer).unwrap();
        is_to_close.recv().unwrap();
    });
    let mut connection = Http2::open(&address, None).await.unwrap();
    let (_, takes_more) = connection.exchange(REQUEST).await.unwrap();
    assert!(takes_more);
    close.send(()).unwrap();
    server.join().unwrap();
    // The event loop hears of it, and nobody asks.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let failure = connection.exchange(REQUEST).await.unwrap_err();
    assert!(matches!(failure, Failure::Send(_)), "{failure}");
}

#[tokio::test]
async fn server_that_speaks_something_else_is_named_before_anything_is_sent() {
    for (first, named) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP/1.1"),
        (&[0x15, 3, 1, 0, 2, 2, 70], "TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "something else"),
        (b"", "closes the connection"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.read_exact(&mut [0; 24]).unwrap();
            stream.write_all(first).unwrap();
        });
        let failure = Http2::open(&address, None).await.unwrap_err();
        assert!(matches!(failure, Failure::NoHttp2(_)) && failure.did_not_happen());
        assert!(failure.to_string().contains(named), "{failure}");
        server.join().unwrap();
    }
}

/// Behind the answer come trailers, or that the server wants no more of the request (RFC 9113, 8.1).
#[tokio::test]
async fn whole_answer_counts_whatever_comes_behind_it() {
    let head = frame(HEADERS, END_HEADERS, 1, &[FOUND]);
    let begun = frame(DATA, 0, 1, b"sold");
    let whole = frame(DATA, END_STREAM, 1, b"sold");
    let trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, &field("x-sum", "1"));
    for first in [
        [head.clone(), begun, trailers],
        [head.clone(), whole.clone(), reset(1, NO_ERROR)],
        [head, whole, reset(1, CANCEL)],
    ] {
        let second = frame(HEADERS, END_HEADERS | END_STREAM, 3, &[NOT_FOUND]);
        let (address, server) = serve(vec![first.concat(), second], false);
        let mut connection = Http2::open(&address, None).await.unwrap();
        let (reply, takes_more) = connection.exchange(REQUEST).await.unwrap();
        assert_eq!((reply.status, reply.body, takes_more), (200, &b"sold"[..], true));
        assert_eq!(connection.exchange(REQUEST).await.unwrap().0.status, 404);
        drop(connection);
        server.join().unwrap();
    }
}

/// Nobody knows what the rest of it would have been, nor what was sold.
#[tokio::test]
async fn answer_of_another_length_than_it_says_is_unknown() {
    let fields = [vec![FOUND], field("content-length", "2")].concat();
    let head = frame(HEADERS, END_HEADERS, 1, &fields);
    for body in [&b"sold"[..], b"s"] {
        let answer = [head.clone(), frame(DATA, END_STREAM, 1, body)].concat();
        let (address, server) = serve(vec![answer], false);
        let mut connection = Http2::open(&address, None).await.unwrap();
        let failure = connection.exchange(REQUEST).await.unwrap_err();
        assert!(matches!(failure, Failure::BrokenHttp2(_)), "{failure}");
        assert!(!failure.did_not_happen(), "{failure}");
        drop(connection);
        server.join().unwrap();
    }
}

/// A server that has said `settings`, and what `answer` makes of its connection.
fn serve_as(
    settings: &'static [u8],
    answer: impl FnOnce(&mut Peer) + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        // Whoever waits for each other here waits for ever.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.read_exact(&mut [0; 24]).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, settings)).unwrap();
        answer(&mut Peer { stream, window: 65_535 });
    });
    (address, server)
}

/// A server's end of a connection, which keeps to what the client lets it send.
struct Peer {
    stream: TcpStream,
    /// How many bytes of bodies it may send.
    window: usize,
}

impl Peer {
    /// Reads up to the next frame of this kind, and gives its flags and what is in it.
    fn read(&mut self, wanted: u8) -> (u8, Vec<u8>) {
        loop {
            let mut head = [0; FRAME_HEAD];
            self.stream.read_exact(&mut head).unwrap();
            let [high, middle, low, kind, flags, .., stream] = head;
            let length = u32::from_be_bytes([0, high, middle, low]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut payload).unwrap();
            if (kind, stream) == (WINDOW_UPDATE, 0) {
                let more = u32::from_be_bytes(payload[..].try_into().unwrap());
                self.window += usize::try_from(more).unwrap();
            }
            if kind == SETTINGS && flags != ACK {
                self.write(&[frame(SETTINGS, ACK, 0, &[])]);
            }
            if kind == wanted {
                return (flags, payload);
            }
        }
    }

    fn write(&mut self, frames: &[Vec<u8>]) {
        self.stream.write_all(&frames.concat()).unwrap();
    }
}

#[tokio::test]
async fn connection_never_runs_dry() {
    const PIECE: usize = 16 * 1024;
    let (address, server) = serve_as(&[], |peer| {
        for stream in [1, 3, 5] {
            while peer.read(DATA).0 & END_STREAM == 0 {}
            peer.write(&[frame(HEADERS, END_HEADERS, stream, &[FOUND])]);
            for piece in 1..=BODY_MAX / PIECE {
                while peer.window < PIECE {
                    peer.read(WINDOW_UPDATE);
                }
                peer.window -= PIECE;
                let end = if piece == BODY_MAX / PIECE { END_STREAM } else { 0 };
                peer.write(&[frame(DATA, end, stream, &[b'x'; PIECE])]);
            }
        }
    });
    let mut connection = Http2::open(&address, None).await.unwrap();
    for _ in 0..3 {
        let (reply, _) = connection.exchange(REQUEST).await.unwrap();
        assert_eq!(reply.body.len(), BODY_MAX);
    }
    server.join().unwrap();
}

/// `SETTINGS_MAX_CONCURRENT_STREAMS` is 0 at first, and `SETTINGS_INITIAL_WINDOW_SIZE` 1.
#[tokio::test]
async fn request_waits_until_the_server_takes_it_and_its_body() {
    let (address, server) = serve_as(&[0, 3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1], |peer| {
        peer.read(SETTINGS);
        peer.write(&[frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1])]);
        peer.read(HEADERS);
        assert_eq!(peer.read(DATA), (0, b"{".to_vec()));
        peer.write(&[frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])]);
        assert_eq!(peer.read(DATA), (END_STREAM, b"}".to_vec()));
        peer.write(&[frame(HEADERS, END_HEADERS | END_STREAM, 1, &[FOUND])]);
    });
    let mut connection = Http2::open(&address, None).await.unwrap();
    let (reply, _) = connection.exchange(REQUEST).await.unwrap();
    assert_eq!(reply.status, 200);
    server.join().unwrap();
}

/// A server that has seen enough answers, and wants no more of the body (RFC 9113, 8.1).
#[tokio::test]
async fn answer_ahead_of_the_end_of_the_request_counts() {
    let (address, server) = serve_as(&[0, 4, 0, 0, 0, 0], |peer| {
        peer.read(HEADERS);
        peer.write(&[
            frame(HEADERS, END_HEADERS, 1, &[NOT_FOUND]),
            frame(DATA, END_STREAM, 1, b"sold out"),
            reset(1, NO_ERROR),
        ]);
        let _ = peer.stream.read_to_end(&mut Vec::new());
    });
    let mut connection = Http2::open(&address, None).await.unwrap();
    let (reply, _) = connection.exchange(REQUEST).await.unwrap();
    assert_eq!((reply.status, reply.body), (404, &b"sold out"[..]));
    drop(connection);
    server.join().unwrap();
}
