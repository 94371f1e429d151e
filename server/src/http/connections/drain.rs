//! What connections are told from outside: to end.
//!
//! Told to end, a connection finishes what it is answering. As
//! `hyper_util::server::graceful`, less a look into the channel, mutex and all,
//! each time that a connection is polled, which is up to three times a request.

use std::{future::poll_fn, pin::pin, task::Poll};

use hyper::{
    body::{Body, Incoming},
    rt::{Read, Write},
    server::conn::http1,
    service::HttpService,
};
use tokio::sync::watch;

/// What a connection is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Serve.
    #[default]
    Serve,
    /// End behind the answer that it owes.
    End,
}

/// Tells the connections of an event loop, and waits for their end.
#[derive(Default)]
pub struct Drain {
    wishes: watch::Sender<Wish>,
}

impl Drain {
    /// The wishes from now on.
    pub fn wishes(&self) -> watch::Receiver<Wish> {
        self.wishes.subscribe()
    }

    /// Tells the connections to end, and waits until they have.
    pub async fn finish(self) {
        self.wishes.send_replace(Wish::End);
        self.wishes.closed().await;
    }
}

/// `connection` until it ends, by itself or as `wishes` tell it.
pub async fn watch<I, S, B>(
    mut wishes: watch::Receiver<Wish>,
    connection: http1::Connection<I, S>,
) -> hyper::Result<()>
where
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut connection = pin!(connection);
    loop {
        let news = wishes.clone();
        let mut changed = pin!(wishes.changed());
        let mut is_waited_for = false;
        let ended = poll_fn(|context| {
            // Once is enough to be woken: a task's waker stays the same.
            let is_due = !is_waited_for || news.has_changed().unwrap_or(true);
            is_waited_for = true;
            if is_due && changed.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            connection.as_mut().poll(context).map(Some)
        });
        if let Some(ended) = ended.await {
            return ended;
        }
        let wish = *news.borrow();
        match wish {
            Wish::Serve => {}
            Wish::End => {
                connection.as_mut().graceful_shutdown();
                return connection.await;
            }
        }
    }
}
