//! One question after the other, for setting a peer up and for counting afterwards.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, ensure};

use crate::protocol::Read;

/// How long a peer may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection on which one waits for each answer.
pub(crate) struct Conversation {
    stream: TcpStream,
    read: Read,
}

impl Conversation {
    /// Connects to `address`; `read` tells when an answer is whole.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) fn open(address: SocketAddr, read: Read) -> anyhow::Result<Conversation> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Conversation { stream, read })
    }

    /// Sends `question` and gives the whole answer.
    ///
    /// # Errors
    /// A lost connection, no answer in time, or an answer that tells of an error.
    pub(crate) fn ask(&mut self, question: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.stream.write_all(question)?;
        let mut received = Vec::new();
        while (self.read)(&received)?.is_none() {
            let mut chunk = [0; 1024];
            let length = self.stream.read(&mut chunk).context("no answer")?;
            ensure!(length > 0, "the connection was closed");
            received.extend_from_slice(&chunk[..length]);
        }
        Ok(received)
    }
}
