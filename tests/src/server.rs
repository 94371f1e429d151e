//! A server process on a counter.

use std::ops::Deref;

use crate::{
    Signal,
    counter::Counter,
    http::Client,
    process::{Finished, Process},
    program::Program,
    wait::PATIENCE,
};

/// A running server; a [`Client`] that asks it comes with it.
pub struct Server {
    process: Process,
    client: Client,
    address: String,
}

impl Server {
    /// Starts `program` on `counter` and on a free port of 127.0.0.1, and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start(program: Program, counter: &Counter) -> Server {
        Server::start_without_counter(program.arg("--db").arg(counter.path()))
    }

    /// Starts `program`, which needs no counter or knows its own, on a free port of 127.0.0.1,
    /// and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_without_counter(program: Program) -> Server {
        let process = program.args(["--listen", "127.0.0.1:0"]).start();
        let url = process
            .stderr()
            .find_line(PATIENCE, |line| line.strip_prefix("listening on ").map(str::to_owned));
        let Some(url) = url else {
            panic!("no line `listening on` from the server but:\n{}", process.stderr().text());
        };
        let address = url.split_once("://").map_or(&*url, |(_, address)| address).to_owned();
        Server { client: Client::new(&url), process, address }
    }

    /// Where it listens, such as `127.0.0.1:40001`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its URL, such as `http://127.0.0.1:40001`.
    pub fn url(&self) -> &str {
        self.client.base()
    }

    /// Its client, to be cloned into threads.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it wrote on standard error so far.
    pub fn stderr(&self) -> String {
        self.process.stderr().text()
    }

    /// Sends `signal`.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for its end, after a signal that should have ended it.
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn finish(self) -> Finished {
        self.process.finish(PATIENCE)
    }

    /// Asks it to end (SIGTERM) and waits for that.
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn terminate(self) -> Finished {
        self.signal(Signal::TERM);
        self.finish()
    }

    /// Ends it without a chance to clean up (SIGKILL).
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn kill(self) -> Finished {
        self.signal(Signal::KILL);
        self.finish()
    }
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
