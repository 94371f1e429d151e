//! Reads what came back from a shop: as its map says, or else as this project's own server answers.

use std::time::{Duration, SystemTime};

use super::{
    answer::{self, NoStock, Stock},
    http_shop::Shop,
    map::{Map, MapReader, field_values},
    own,
    retry_after::retry_after,
    wire::Reply,
};
use crate::{history::Answer, plan::Action};

/// How much of an answer is shown that says nothing, in characters.
const SHOWN_MAX: usize = 400;

/// How the answers of a shop are read: as its map says, or else as those of this project's own
/// server.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Option<MapReader>);

/// What came back from one call.
#[derive(Debug)]
pub(crate) enum Response<'a> {
    /// This, which is to be read so.
    Reply(Reply<'a>, &'a Reader),
    /// There is nothing to read: no server answered, or none was asked.
    Answer(Box<Answer>),
}

impl Reader {
    /// How the answers of this project's own server are read.
    pub(super) const OWN: Self = Self(None);

    /// How the answers of `shop` are read.
    pub(super) fn of(shop: &Shop) -> Self {
        Self(shop.map.as_ref().map(Map::reader))
    }

    /// What `reply` says to `action`.
    pub(crate) fn read(&self, action: Action, reply: Reply<'_>) -> Answer {
        match (action, &self.0) {
            (Action::Buy, None) => own::purchase(reply.status, reply.body),
            (Action::Buy, Some(reader)) => reader.purchase(reply),
            (Action::Search, _) => answer::found(self.stock(reply)),
            // Only this project's own server knows these.
            (Action::Confirm, _) => own::confirmed(reply.status, reply.body),
            (Action::Hold | Action::Release | Action::Refund | Action::Restock, _) => {
                own::change(reply.status, reply.body)
            }
        }
    }

    /// The token of the hold or the sale that `reply` tells of.
    pub(crate) fn token(&self, reply: Reply<'_>) -> Option<String> {
        own::token(reply.body)
    }

    /// When `reply` says to come back, where it says so.
    pub(crate) fn retry_after(&self, reply: Reply<'_>) -> Option<Duration> {
        let fields = String::from_utf8_lossy(reply.head);
        let value = field_values(&fields, "retry-after").next()?;
        retry_after(value, SystemTime::now())
    }

    /// What is needed of `reply` to read it.
    pub(crate) fn needed<'a>(&self, reply: Reply<'a>) -> Reply<'a> {
        match self.0 {
            None => Reply { head: &[], ..reply },
            Some(_) => reply,
        }
    }

    /// How many tickets there are, as `reply` says.
    pub(super) fn stock(&self, reply: Reply<'_>) -> Result<Stock, NoStock> {
        match &self.0 {
            None => own::stock(reply.status, reply.body).map_err(|reason| {
                let text = String::from_utf8_lossy(reply.body);
                let beginning = text.trim().chars().take(SHOWN_MAX).collect();
                NoStock { reason, hint: None, answer: Some((reply.status, beginning)) }
            }),
            Some(reader) => reader.stock(reply),
        }
    }
}
