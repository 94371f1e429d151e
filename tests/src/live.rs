//! Listening to `GET /live`, a stream of server-sent events.

use std::{
    cell::Cell,
    io::{BufRead, BufReader},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
};

use reqwest::{Method, blocking};
use serde_json::Value;

use crate::{http::Client, wait::PATIENCE};

/// An open event stream; a thread of its own reads it to the end.
pub struct Live {
    events: Receiver<Event>,
    content_type: String,
    seen: Cell<usize>,
}

/// One server-sent event.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Event {
    /// The field `event`.
    pub event: String,
    /// The field `id`.
    pub id: String,
    /// The field `data`, as JSON; null where it is none.
    pub data: Value,
}

impl Live {
    /// Opens the stream.
    ///
    /// # Panics
    /// When the server does not answer 200.
    #[track_caller]
    pub fn open(client: &Client) -> Live {
        Live::open_after(client, None)
    }

    /// Opens the stream as a browser does that comes back: it has seen the event `last_event_id`.
    ///
    /// # Panics
    /// When the server does not answer 200.
    #[track_caller]
    pub fn open_after(client: &Client, last_event_id: Option<&str>) -> Live {
        // One hour: a stream has no end of its own, the test's other limits bound it.
        let mut request =
            client.request(Method::GET, "/live").timeout(std::time::Duration::from_secs(3600));
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().expect("the stream opens");
        assert_eq!(response.status().as_u16(), 200, "{response:?}");
        let content_type = response
            .headers()
            .get("Content-Type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        Live { events: listen(response), content_type, seen: Cell::new(0) }
    }

    /// The `Content-Type` of the stream.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Waits for the next event; `None` when the stream has ended.
    ///
    /// # Panics
    /// When nothing comes.
    #[track_caller]
    pub fn next(&self) -> Option<Event> {
        match self.events.recv_timeout(PATIENCE) {
            Ok(event) => {
                self.seen.set(self.seen.get() + 1);
                Some(event)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no event within {PATIENCE:?}"),
        }
    }

    /// Waits for an event that says that `count` tickets are left, and returns it.
    ///
    /// # Panics
    /// When the stream ends first, or goes silent.
    #[track_caller]
    pub fn wait_for_count(&self, count: u64) -> Event {
        loop {
            let event = self.next().expect("the stream goes on");
            if event.data["count"] == count {
                return event;
            }
        }
    }

    /// How many events [`Live::next`] has returned.
    pub fn seen(&self) -> usize {
        self.seen.get()
    }
}

fn listen(response: blocking::Response) -> Receiver<Event> {
    let (sender, events) = channel();
    thread::spawn(move || {
        let mut event = Event::default();
        for line in BufReader::new(response).lines() {
            let Ok(line) = line else { return };
            if !line.is_empty() {
                event.take_field(&line);
            } else if event != Event::default() && sender.send(std::mem::take(&mut event)).is_err()
            {
                return;
            }
        }
    });
    events
}

impl Event {
    fn take_field(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "id" => value.clone_into(&mut self.id),
            "data" => self.data = serde_json::from_str(value).unwrap_or_default(),
            // A comment, which keeps the connection alive, or a field that we do not use.
            _ => {}
        }
    }
}
