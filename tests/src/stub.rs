//! A server of the test's own: whatever it does with a connection, right or wrong.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A server on a free port of 127.0.0.1; it takes no more connections once it is dropped.
pub struct Stub {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

/// A request as a stub reads it.
#[derive(Debug)]
pub struct StubRequest {
    /// As in `GET /search`.
    pub call: String,
    /// The header fields as they came.
    pub fields: Vec<String>,
    /// The body.
    pub body: String,
}

impl Stub {
    /// Starts a server that hands each connection to `serve`, on a thread of its own.
    ///
    /// # Panics
    /// When there is no port.
    #[track_caller]
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, serve) = (Arc::clone(&is_over), Arc::new(serve));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Stub { address, is_over, acceptor: Some(acceptor) }
    }

    /// Starts a server that speaks HTTP: `answer` gives the status line's end, such as `200 OK`,
    /// and the body.
    ///
    /// # Panics
    /// When there is no port.
    #[track_caller]
    pub fn http<B: AsRef<[u8]>>(
        answer: impl Fn(&StubRequest) -> (&'static str, B) + Send + Sync + 'static,
    ) -> Stub {
        Stub::start(move |stream| {
            let mut out = stream.try_clone().expect("a stream can be written while it is read");
            let mut input = BufReader::new(stream);
            while let Some(request) = read_request(&mut input) {
                let (status, body) = answer(&request);
                let body = body.as_ref();
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
                if out.write_all(&[head.as_bytes(), body].concat()).is_err() {
                    return;
                }
            }
        })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the acceptor; where that fails it is gone already.
        TcpStream::connect(self.address).ok();
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().ok();
        }
    }
}

/// Reads one request; `None` at the end of the connection.
pub fn read_request(input: &mut impl BufRead) -> Option<StubRequest> {
    let mut line = String::new();
    input.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let call = line.trim_end().strip_suffix(" HTTP/1.1")?.to_owned();
    let mut fields = Vec::new();
    loop {
        let mut field = String::new();
        input.read_line(&mut field).ok().filter(|length| *length > 0)?;
        match field.trim_end() {
            "" => break,
            field => fields.push(field.to_owned()),
        }
    }
    let length = fields.iter().find_map(|field| {
        let (name, value) = field.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    input.read_exact(&mut body).ok()?;
    Some(StubRequest { call, fields, body: String::from_utf8(body).ok()? })
}
