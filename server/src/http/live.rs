//! The live news of the count, as server-sent events.
//!
//! One poller reads the count for all who listen, at most 20 times a second;
//! so the changes of other servers and of outside programs are news as well.
//! Each event loop tells its own listeners, some at a time: however many there are,
//! those who buy are served in between.

use std::{
    array,
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::response::{
    IntoResponse,
    sse::{Event, KeepAlive, Sse},
};
use tokio::{
    sync::watch,
    task::yield_now,
    time::{sleep, timeout},
};
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

/// In how many groups the listeners of an event loop are told: between two of them it sees to everybody else.
const GROUPS: usize = 256;

/// How many times as long as telling the listeners took an event loop does nothing but the rest of its work.
const REST_TIMES: u32 = 9;

/// What is told to those who listen.
#[derive(Clone, Debug, PartialEq)]
enum News {
    /// Nothing yet.
    Nothing,
    Count(CountAnswer),
    /// Nobody knows the count just now; the next news may say it.
    Unreachable,
    /// There will be no more.
    End,
}

/// The news, for the listeners of all event loops.
#[derive(Clone)]
pub struct Live {
    /// How many may listen at once.
    listeners_max: usize,
    listeners: Arc<AtomicUsize>,
    /// `None` once the server is ending: the streams end with the sender.
    sender: Arc<Mutex<Option<watch::Sender<News>>>>,
}

/// The listeners of one event loop.
#[derive(Clone)]
pub struct Listeners {
    live: Live,
    groups: Arc<[watch::Sender<News>; GROUPS]>,
}

/// One of them, for as long as this lives.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Live {
    /// A place for `listeners_max` who listen at once.
    pub fn new(listeners_max: usize) -> Self {
        let sender = Arc::new(Mutex::new(Some(watch::Sender::new(News::Nothing))));
        Self { listeners_max, listeners: Arc::default(), sender }
    }

    /// Ends all streams, and every later one at once.
    pub fn end(&self) {
        self.with_sender(Option::take);
    }

    /// Tells all who listen what `counter` has left, until the server ends.
    pub async fn poll(&self, counter: &Counter) {
        let (mut looked, mut is_reached) = (Instant::now(), true);
        while !self.is_ended() {
            if self.count() > 0 {
                let is_recent = is_reached && looked.elapsed() < LOOK_EVERY;
                let count = match counter.heard().filter(|_| is_recent) {
                    Some(count) => Ok(count),
                    None => {
                        looked = Instant::now();
                        counter.count().await
                    }
                };
                is_reached = count.is_ok();
                self.tell(match count {
                    Ok(count) => News::Count(CountAnswer::of(counter, count)),
                    Err(_) => News::Unreachable,
                });
            }
            sleep(if is_reached { POLL_EVERY } else { LOOK_EVERY }).await;
        }
    }

    fn tell(&self, news: News) {
        self.with_sender(|sender| {
            if let Some(sender) = sender {
                sender.send_if_modified(|last| {
                    let is_new = *last != news;
                    *last = news;
                    is_new
                });
            }
        });
    }

    fn count(&self) -> usize {
        self.listeners.load(Relaxed)
    }

    fn is_ended(&self) -> bool {
        self.with_sender(|sender| sender.is_none())
    }

    fn with_sender<R>(&self, work: impl FnOnce(&mut Option<watch::Sender<News>>) -> R) -> R {
        work(&mut self.sender.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listeners {
    /// Those of one event loop, who hear of `live`.
    pub fn new(live: &Live) -> Self {
        let groups = Arc::new(array::from_fn(|_| watch::Sender::new(News::Nothing)));
        Self { live: live.clone(), groups }
    }

    /// How many listen, at this event loop and at others.
    pub fn count(&self) -> usize {
        self.live.count()
    }

    /// Tells them the news, until the server ends.
    ///
    /// One group after the other: thousands at once would keep everybody else waiting for as long as it takes to
    /// write to all of them.
    pub async fn tell(self) {
        let news = self.live.with_sender(|sender| sender.as_ref().map(watch::Sender::subscribe));
        if let Some(mut news) = news {
            while news.changed().await.is_ok() {
                let begun = Instant::now();
                for group in self.groups.iter().filter(|group| group.receiver_count() > 0) {
                    // The latest; what came since the first group was told is told to all once more.
                    group.send_replace(news.borrow().clone());
                    // Comes back behind the group, and behind whatever came meanwhile.
                    yield_now().await;
                }
                // Not with the receiver itself, for which whatever comes meanwhile has to stay news.
                let mut until_the_end = news.clone();
                let rest = (begun.elapsed() * REST_TIMES).min(LOOK_EVERY);
                drop(timeout(rest, until_the_end.wait_for(|_| false)).await);
            }
        }
        for group in &*self.groups {
            group.send_replace(News::End);
        }
    }

    fn subscribe(&self) -> Result<(watch::Receiver<News>, Place), Problem> {
        if self.live.is_ended() {
            return Err(ending());
        }
        let most = self.live.listeners_max;
        let more = |count| (count < most).then_some(count + 1);
        if self.live.listeners.fetch_update(Relaxed, Relaxed, more).is_err() {
            let detail = format!(
                "{most} listen already, as many as may; the operator can allow more with `--live-max`"
            );
            return Err(Problem::new(Code::Overloaded, detail));
        }
        let place = Place(Arc::clone(&self.live.listeners));
        let group = self.groups.iter().min_by_key(|group| group.receiver_count());
        let group = group.expect("there are groups");
        Ok((group.subscribe(), place))
    }
}

/// `GET /live`: the count at once, then whenever it changes.
///
/// `Last-Event-ID` needs no care: what is sent is the state, not the way to it.
pub async fn stream(
    listeners: &Listeners,
    counter: &Counter,
    connection: Option<&Arc<Activity>>,
) -> Result<impl IntoResponse + use<>, Problem> {
    // IMPORTANT: subscribe first, then look: no change falls between the two.
    let (changes, place) = listeners.subscribe()?;
    let first = CountAnswer::of(counter, counter.count().await?);
    let changes = WatchStream::from_changes(changes);
    let changes = changes.take_while(|news| !matches!(news, News::End));
    let mut told = Told::default();
    // Go with the stream, which an answer to HEAD does not have for long.
    let listening = (place, connection.map(Activity::listen));
    let events = tokio_stream::once(News::Count(first)).chain(changes).filter_map(move |news| {
        let _listening = &listening;
        told.takes(&news).then(|| Ok::<_, Infallible>(event(&news)))
    });
    // nginx would keep the news back until they fill a buffer.
    let headers = [(ACCEL_BUFFERING, "no")];
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_EVERY));
    Ok((headers, events))
}

/// What a listener was told last; nothing where that was that nobody knows.
#[derive(Default)]
struct Told(Option<CountAnswer>);

impl Told {
    /// Takes `news`, or not: a group may be told what one of it has read by itself, or is past.
    fn takes(&mut self, news: &News) -> bool {
        match news {
            News::Count(seen) => {
                let is_behind = |last: &CountAnswer| last != seen && last.revision <= seen.revision;
                let is_news = self.0.as_ref().is_none_or(is_behind);
                if is_news {
                    self.0 = Some(seen.clone());
                }
                is_news
            }
            // Behind that, the count is news even where it is the same.
            News::Unreachable => self.0.take().is_some(),
            News::Nothing | News::End => false,
        }
    }
}

fn ending() -> Problem {
    Problem::new(Code::ShuttingDown, "the server is about to end")
}

fn event(news: &News) -> Event {
    let News::Count(seen) = news else { return Event::default().event("unreachable").data("{}") };
    let data = serde_json::to_string(seen).unwrap_or_default();
    let event = Event::default().event("count").data(data);
    match seen.revision {
        Some(revision) => event.id(revision.to_string()),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::Notify, task::JoinSet};

    use super::*;

    const COUNT: CountAnswer = CountAnswer {
        count: 9,
        sold: 1,
        held: 0,
        revision: Some(1),
        locking: "lock",
        refunded: 0,
        admitted: 0,
        open: true,
    };

    /// How many listen, and how many of them may be told before a newcomer is seen to.
    const LISTENERS: usize = 128;
    const BEFORE_MAX: usize = 8;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Seen {
        Listener,
        Newcomer,
    }

    #[tokio::test]
    async fn whoever_comes_while_listeners_are_told_is_seen_to_behind_one_group() {
        let live = Live::new(usize::MAX);
        let listeners = Listeners::new(&live);
        let (seen, came) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let see = |who| seen.lock().unwrap().push(who);
        let mut tasks = JoinSet::new();
        let everybody = async {
            for _ in 0..LISTENERS {
                let (mut news, place) = listeners.subscribe().ok().unwrap();
                let (seen, came) = (Arc::clone(&seen), Arc::clone(&came));
                tasks.spawn(async move {
                    let _place = place;
                    news.changed().await.unwrap();
                    assert!(
                        matches!(&*news.borrow_and_update(), News::Count(count) if *count == COUNT)
                    );
                    seen.lock().unwrap().push(Seen::Listener);
                    // Somebody comes as soon as the first of them is told.
                    came.notify_one();
                    news.changed().await.unwrap();
                    assert!(matches!(&*news.borrow(), News::End));
                });
            }
            assert_eq!(listeners.count(), LISTENERS);
            yield_now().await;
            live.tell(News::Count(COUNT));
            came.notified().await;
            see(Seen::Newcomer);
            live.end();
            while let Some(listener) = tasks.join_next().await {
                listener.unwrap();
            }
        };

        tokio::join!(listeners.clone().tell(), everybody);

        let seen = seen.lock().unwrap();
        let before = seen.iter().position(|who| *who == Seen::Newcomer).unwrap();
        assert!((1..=BEFORE_MAX).contains(&before), "{before} listeners were told first");
        assert_eq!((seen.len(), listeners.count()), (LISTENERS + 1, 0));
        assert!(listeners.subscribe().is_err(), "the server is ending");
    }

    #[test]
    fn nobody_is_told_what_they_are_past_nor_anything_twice() {
        let at = |revision| News::Count(CountAnswer { revision: Some(revision), ..COUNT });
        let mut told = Told::default();
        let news = [at(12), at(8), at(12), at(13), News::Unreachable, News::Unreachable, at(13)];
        let taken = news.map(|news| told.takes(&news));
        assert_eq!(taken, [true, false, false, true, true, false, true]);
    }

    #[test]
    fn no_more_listen_than_may() {
        let listeners = Listeners::new(&Live::new(2));
        let first = listeners.subscribe().ok().unwrap();
        let _second = listeners.subscribe().ok().unwrap();
        assert!(listeners.subscribe().is_err());
        drop(first);
        assert!(listeners.subscribe().is_ok());
    }
}
