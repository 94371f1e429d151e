//! A proxy of the test's own that reads HTTP: it loses answers, keeps them back, or gives its own.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use crate::{
    stub::{Stub, StubRequest, read_request},
    wait::eventually,
};

/// What becomes of a request.
pub enum Fate {
    /// It is passed on, and so is its answer.
    Passed,
    /// It is passed on and done; of its answer only the head comes back, so that no browser asks again by itself.
    AnswerLost,
    /// It is passed on and done; its answer comes back once the gate is open.
    AnswerLate(Arc<Gate>),
    /// It is passed on and done; its answer is lost once the gate is open.
    AnswerLostLate(Arc<Gate>),
    /// It is not passed on: a problem of this kind, such as `429 too-many-requests`, is the answer.
    Refused(&'static str),
}

/// What an answer waits at.
#[derive(Default)]
pub struct Gate {
    has_come: AtomicBool,
    is_open: AtomicBool,
}

impl Gate {
    /// Waits until an answer waits here.
    ///
    /// # Panics
    /// When none does within two minutes.
    #[track_caller]
    pub fn wait_for_an_answer(&self) {
        eventually("an answer at the gate", || self.has_come.load(Ordering::SeqCst).then_some(()));
    }

    /// Lets all answers through, from now on.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }

    fn pass(&self) {
        self.has_come.store(true, Ordering::SeqCst);
        eventually("a gate to open", || self.is_open.load(Ordering::SeqCst).then_some(()));
    }
}

impl Stub {
    /// A proxy in front of the server at `address`; `fate` says what becomes of the first, second, … of the
    /// requests that begin with `call`, counted from 0. All others are passed on.
    ///
    /// # Panics
    /// When there is no port.
    #[track_caller]
    pub fn before(
        address: &str,
        call: &'static str,
        fate: impl Fn(usize) -> Fate + Send + Sync + 'static,
    ) -> Stub {
        let (behind, calls) = (address.to_owned(), AtomicUsize::new(0));
        Stub::start(move |stream| {
            let Ok(from) = stream.try_clone() else { return };
            if let Some(request) = read_request(&mut BufReader::new(from)) {
                let fate = match request.call.starts_with(call) {
                    true => fate(calls.fetch_add(1, Ordering::SeqCst)),
                    false => Fate::Passed,
                };
                // A browser that has left takes no answer.
                let _ = carry(&request, &behind, &stream, &fate);
            }
            let _ = stream.shutdown(Shutdown::Both);
        })
    }
}

/// One request a connection: so none is sent once more on the next.
fn carry(
    request: &StubRequest,
    behind: &str,
    mut client: &TcpStream,
    fate: &Fate,
) -> io::Result<()> {
    if let Fate::Refused(problem) = fate {
        let (status, code) = problem.split_once(' ').expect("a status and a code");
        let body = format!(
            "{{\"type\": \"/problems/{code}\", \"title\": \"{code}\", \"status\": {status}, \
             \"detail\": \"of the test\"}}"
        );
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} Refused\r\nContent-Type: application/problem+json\r\n");
        let end = format!("Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        return client.write_all((head + &end).as_bytes());
    }
    let mut server = TcpStream::connect(behind)?;
    server.write_all(last_of_its_connection(request).as_bytes())?;
    if matches!(fate, Fate::Passed) {
        io::copy(&mut server, &mut client)?;
        return Ok(());
    }
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    if let Fate::AnswerLate(gate) | Fate::AnswerLostLate(gate) = fate {
        gate.pass();
    }
    if let Fate::AnswerLost | Fate::AnswerLostLate(_) = fate {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        answer.truncate(end.map_or(0, |end| end + 4));
    }
    client.write_all(&answer)
}

fn last_of_its_connection(request: &StubRequest) -> String {
    let is_kept = |field: &&String| !field.to_ascii_lowercase().starts_with("connection:");
    let fields = request.fields.iter().filter(is_kept).map(|field| format!("{field}\r\n"));
    let (call, fields) = (&request.call, fields.collect::<String>());
    format!("{call} HTTP/1.1\r\n{fields}Connection: close\r\n\r\n{}", request.body)
}
