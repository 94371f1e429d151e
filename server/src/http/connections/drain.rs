//! The end of an event loop: its connections finish what they are answering.
//!
//! As `hyper_util::server::graceful`, less a look into the channel, mutex and
//! all, each time that a connection is polled, which is up to three times a request.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
};

use hyper::{
    body::{Body, Incoming},
    rt::{Read, Write},
    server::conn::http1,
    service::HttpService,
};
use tokio::{net::TcpStream, sync::watch};

use crate::http::connections::linger::Lingering;

/// Tells the connections of an event loop to end, and waits for them.
pub struct Drain {
    ending: watch::Sender<()>,
}

impl Default for Drain {
    fn default() -> Self {
        Self { ending: watch::Sender::new(()) }
    }
}

impl Drain {
    /// `stream` as it has to be closed; told to end, it is closed at once.
    pub fn lingering(&self, stream: TcpStream) -> Lingering {
        Lingering::new(stream, self.ending.subscribe())
    }

    /// `connection` until it ends; told to end, it ends behind the answer that it owes.
    pub fn watch<I, S, B>(
        &self,
        connection: http1::Connection<I, S>,
    ) -> impl Future<Output = hyper::Result<()>> + use<I, S, B>
    where
        I: Read + Write + Unpin,
        S: HttpService<Incoming, ResBody = B>,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: Body + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut ending = self.ending.subscribe();
        let news = ending.clone();
        async move {
            let mut connection = pin!(connection);
            let mut ending = pin!(ending.changed());
            let (mut is_waited_for, mut is_told) = (false, false);
            poll_fn(|context| {
                // Once is enough to be woken: a task's waker stays the same.
                let is_due = !is_waited_for || news.has_changed().unwrap_or(true);
                is_waited_for = true;
                if !is_told && is_due && ending.as_mut().poll(context).is_ready() {
                    is_told = true;
                    connection.as_mut().graceful_shutdown();
                }
                Pin::as_mut(&mut connection).poll(context)
            })
            .await
        }
    }

    /// Tells the connections to end, and waits until they have.
    pub async fn finish(self) {
        // Where nobody is there to be told, nobody has to be waited for.
        let _ = self.ending.send(());
        self.ending.closed().await;
    }
}
