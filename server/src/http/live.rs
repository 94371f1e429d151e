//! The live news of the count, as server-sent events.
//!
//! One poller reads the count for all who listen, at most 20 times a second;
//! so the changes of other servers and of outside programs are news as well.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::response::{
    IntoResponse,
    sse::{Event, KeepAlive, Sse},
};
use tokio::sync::watch;
use tokio_stream::{StreamExt as _, wrappers::WatchStream};

use crate::{
    counter::Counter,
    http::{
        connections::activity::Activity,
        message::{
            headers::ACCEL_BUFFERING,
            problem::{Code, Problem},
            wire::CountAnswer,
        },
    },
};

/// How often the count is read while somebody listens.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// How often it is read in any case: a hint that there is news can be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a comment is sent while nothing changes, so that the connection is seen to live, and
/// that a listener who has left is seen to.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(5);

type News = Option<CountAnswer>;

/// Where listeners subscribe.
#[derive(Clone)]
pub struct Live {
    /// How many may listen at once.
    listeners_max: usize,
    /// `None` once the server is ending: the streams end with the sender.
    sender: Arc<Mutex<Option<watch::Sender<News>>>>,
}

impl Live {
    /// A place for `listeners_max` who listen at once.
    pub fn new(listeners_max: usize) -> Self {
        let sender = Arc::new(Mutex::new(Some(watch::Sender::new(None))));
        Self { listeners_max, sender }
    }

    /// Ends all streams, and every later one at once.
    pub fn end(&self) {
        self.with_sender(Option::take);
    }

    /// Tells all who listen what `counter` has left, until the server ends.
    pub async fn poll(&self, counter: &Counter) {
        let listened_to =
            || self.with_sender(|sender| sender.as_ref().map(|sender| sender.receiver_count() > 0));
        let mut looked = Instant::now();
        while let Some(listened_to) = listened_to() {
            if listened_to {
                let heard = counter.heard().filter(|_| looked.elapsed() < LOOK_EVERY);
                let count = match heard {
                    Some(count) => Ok(count),
                    None => {
                        looked = Instant::now();
                        counter.count().await
                    }
                };
                // A counter that cannot be read is no news; the next reading may be.
                if let Ok(count) = count {
                    self.tell(CountAnswer::of(counter, count));
                }
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.with_sender(|sender| sender.as_ref().map_or(0, watch::Sender::receiver_count))
    }

    fn tell(&self, seen: CountAnswer) {
        self.with_sender(|sender| {
            if let Some(sender) = sender {
                sender.send_if_modified(|last| last.replace(seen.clone()) != Some(seen));
            }
        });
    }

    fn subscribe(&self) -> Result<watch::Receiver<News>, Problem> {
        self.with_sender(|sender| {
            let sender = sender.as_ref().ok_or_else(ending)?;
            if sender.receiver_count() >= self.listeners_max {
                let detail = format!(
                    "{} listen already, as many as may; the operator can allow more with `--live-max`",
                    self.listeners_max
                );
                return Err(Problem::new(Code::Overloaded, detail));
            }
            Ok(sender.subscribe())
        })
    }

    fn with_sender<R>(&self, work: impl FnOnce(&mut Option<watch::Sender<News>>) -> R) -> R {
        work(&mut self.sender.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `GET /live`: the count at once, then whenever it changes.
///
/// `Last-Event-ID` needs no care: what is sent is the state, not the way to it.
pub async fn stream(
    live: &Live,
    counter: &Counter,
    connection: Option<&Arc<Activity>>,
) -> Result<impl IntoResponse + use<>, Problem> {
    // IMPORTANT: subscribe first, then look: no change falls between the two.
    let changes = live.subscribe()?;
    let first = CountAnswer::of(counter, counter.count().await?);
    let changes = WatchStream::from_changes(changes).filter_map(|news| news);
    let mut last = None;
    // Goes with the stream, which an answer to HEAD does not have for long.
    let listening = connection.map(Activity::listen);
    let events = tokio_stream::once(first).chain(changes).filter_map(move |seen| {
        let _listening = &listening;
        let event = event(&seen);
        (last.replace(seen.clone()) != Some(seen)).then_some(Ok::<_, Infallible>(event))
    });
    // nginx would keep the news back until they fill a buffer.
    let headers = [(ACCEL_BUFFERING, "no")];
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_EVERY));
    Ok((headers, events))
}

fn ending() -> Problem {
    Problem::new(Code::ShuttingDown, "the server is about to end")
}

fn event(seen: &CountAnswer) -> Event {
    let data = serde_json::to_string(seen).unwrap_or_default();
    let event = Event::default().event("count").data(data);
    match seen.revision {
        Some(revision) => event.id(revision.to_string()),
        None => event,
    }
}
